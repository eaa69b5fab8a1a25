package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;

/**
 * Between Java's socket addresses and the kernel's {@code struct sockaddr_*}. Ports and Internet addresses are in network
 * byte order there, the family in the machine's.
 */
public final class SocketAddresses {
    /** Room that holds an address of any family: struct sockaddr_storage. */
    public static final int MAX_SIZE = 128;

    /** struct sockaddr_in. */
    public static final class SockaddrIn {
        static final StructLayout LAYOUT = Layouts.struct("sockaddr_in",
                Layouts.u16("sin_family"), Layouts.u16("sin_port"), Layouts.u32("sin_addr"), Layouts.bytes("sin_zero", 8));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SIN_FAMILY = Layouts.offset(LAYOUT, "sin_family");
        public static final long SIN_PORT = Layouts.offset(LAYOUT, "sin_port");
        public static final long SIN_ADDR = Layouts.offset(LAYOUT, "sin_addr");

        private SockaddrIn() {}
    }

    /** struct sockaddr_in6. */
    public static final class SockaddrIn6 {
        static final StructLayout LAYOUT = Layouts.struct("sockaddr_in6",
                Layouts.u16("sin6_family"), Layouts.u16("sin6_port"), Layouts.u32("sin6_flowinfo"),
                Layouts.bytes("sin6_addr", 16), Layouts.u32("sin6_scope_id"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SIN6_FAMILY = Layouts.offset(LAYOUT, "sin6_family");
        public static final long SIN6_PORT = Layouts.offset(LAYOUT, "sin6_port");
        public static final long SIN6_FLOWINFO = Layouts.offset(LAYOUT, "sin6_flowinfo");
        public static final long SIN6_ADDR = Layouts.offset(LAYOUT, "sin6_addr");
        public static final long SIN6_SCOPE_ID = Layouts.offset(LAYOUT, "sin6_scope_id");

        private SockaddrIn6() {}
    }

    /** struct sockaddr_un: a path with its NUL, or an abstract name, which starts with a NUL and ends with the address. */
    public static final class SockaddrUn {
        static final StructLayout LAYOUT = Layouts.struct("sockaddr_un",
                Layouts.u16("sun_family"), Layouts.bytes("sun_path", 108));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SUN_FAMILY = Layouts.offset(LAYOUT, "sun_family");
        public static final long SUN_PATH = Layouts.offset(LAYOUT, "sun_path");
        /** Bytes of a path with its NUL. */
        public static final int MAX_PATH = (int) (SIZE - SUN_PATH);

        private SockaddrUn() {}
    }

    private SocketAddresses() {}

    /**
     * Returns the family that {@link #encode} gives an address: {@code AF_INET}, {@code AF_INET6} or {@code AF_UNIX}.
     *
     * @throws IllegalArgumentException if it is unresolved or of a type that this class does not know
     */
    public static int family(SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            return resolved(inet) instanceof Inet4Address ? Sockets.AF_INET : Sockets.AF_INET6;
        }
        if (address instanceof UnixDomainSocketAddress || address instanceof AbstractUnixAddress) return Sockets.AF_UNIX;
        throw unknown(address);
    }

    /**
     * Writes an address in its own family.
     *
     * @param target address of {@link #MAX_SIZE} bytes
     * @return bytes written: the length to pass to bind, connect or sendto
     * @throws IllegalArgumentException if the address is unresolved, of a type that this class does not know, or a path
     *                                  that is too long or contains a NUL
     */
    public static int encode(SocketAddress address, long target) {
        if (address instanceof InetSocketAddress inet) {
            return resolved(inet) instanceof Inet4Address v4
                    ? encodeInet(v4, inet.getPort(), target) : encodeInet6(inet, target);
        }
        if (address instanceof UnixDomainSocketAddress unix) return encodeUnix(unix, target);
        if (address instanceof AbstractUnixAddress unix) return encodeAbstract(unix, target);
        throw unknown(address);
    }

    /**
     * Writes an Internet address for a socket of family {@code AF_INET6}; an IPv4 one is mapped (::ffff:a.b.c.d).
     *
     * @param target address of {@link SockaddrIn6#SIZE} bytes
     * @return bytes written
     * @throws IllegalArgumentException if the address is unresolved
     */
    public static int encodeInet6(InetSocketAddress address, long target) {
        InetAddress ip = resolved(address);
        NativeMemory.fill(target, SockaddrIn6.SIZE, (byte) 0);
        NativeMemory.putShort(target + SockaddrIn6.SIN6_FAMILY, (short) Sockets.AF_INET6);
        putPort(target + SockaddrIn6.SIN6_PORT, address.getPort());
        long bytes = target + SockaddrIn6.SIN6_ADDR;
        byte[] raw = ip.getAddress();
        if (ip instanceof Inet6Address v6) {
            NativeMemory.copy(raw, 0, bytes, 16);
            NativeMemory.putInt(target + SockaddrIn6.SIN6_SCOPE_ID, v6.getScopeId());
        } else if (!ip.isAnyLocalAddress()) {        // 0.0.0.0 becomes ::, which takes both families
            NativeMemory.putShort(bytes + 10, (short) -1);
            NativeMemory.copy(raw, 0, bytes + 12, 4);
        }
        return (int) SockaddrIn6.SIZE;
    }

    /**
     * Reads an address. An IPv4 address mapped into IPv6 becomes an {@link Inet4Address}; a Unix address without a name
     * becomes a {@link UnixDomainSocketAddress} of the empty path, as the JDK has it.
     *
     * @param source      where the kernel wrote the address
     * @param lengthBytes the length it gave
     * @return the address, or null if there is none ({@code lengthBytes} is 0 or the family is {@code AF_UNSPEC})
     * @throws IllegalArgumentException if the family is unknown, or the address shorter than its family needs
     */
    public static SocketAddress decode(long source, int lengthBytes) {
        if (lengthBytes < 2) return null;
        int family = Short.toUnsignedInt(NativeMemory.getShort(source));
        switch (family) {
            case Sockets.AF_UNSPEC -> { return null; }
            case Sockets.AF_INET -> {
                needs(SockaddrIn.SIZE, lengthBytes, family);
                return inet(source + SockaddrIn.SIN_ADDR, 4, 0, source + SockaddrIn.SIN_PORT);
            }
            case Sockets.AF_INET6 -> {
                needs(SockaddrIn6.SIZE, lengthBytes, family);
                return inet(source + SockaddrIn6.SIN6_ADDR, 16, NativeMemory.getInt(source + SockaddrIn6.SIN6_SCOPE_ID),
                        source + SockaddrIn6.SIN6_PORT);
            }
            case Sockets.AF_UNIX -> { return unix(source + SockaddrUn.SUN_PATH, lengthBytes - (int) SockaddrUn.SUN_PATH); }
            default -> throw new IllegalArgumentException("socket address of family " + family);
        }
    }

    private static int encodeInet(Inet4Address ip, int port, long target) {
        NativeMemory.fill(target, SockaddrIn.SIZE, (byte) 0);
        NativeMemory.putShort(target + SockaddrIn.SIN_FAMILY, (short) Sockets.AF_INET);
        putPort(target + SockaddrIn.SIN_PORT, port);
        NativeMemory.copy(ip.getAddress(), 0, target + SockaddrIn.SIN_ADDR, 4);
        return (int) SockaddrIn.SIZE;
    }

    private static int encodeUnix(UnixDomainSocketAddress address, long target) {
        NativeMemory.putShort(target + SockaddrUn.SUN_FAMILY, (short) Sockets.AF_UNIX);
        String path = address.getPath().toString();
        if (path.isEmpty()) return (int) SockaddrUn.SUN_PATH;      // unnamed: bind picks an abstract name
        return (int) SockaddrUn.SUN_PATH + CStrings.put(path, target + SockaddrUn.SUN_PATH, SockaddrUn.MAX_PATH) + 1;
    }

    private static int encodeAbstract(AbstractUnixAddress address, long target) {
        byte[] name = address.name();
        NativeMemory.putShort(target + SockaddrUn.SUN_FAMILY, (short) Sockets.AF_UNIX);
        NativeMemory.putByte(target + SockaddrUn.SUN_PATH, (byte) 0);
        NativeMemory.copy(name, 0, target + SockaddrUn.SUN_PATH + 1, name.length);
        return (int) SockaddrUn.SUN_PATH + 1 + name.length;
    }

    private static InetSocketAddress inet(long bytes, int count, int scope, long port) {
        var raw = new byte[count];
        NativeMemory.copy(bytes, raw, 0, count);
        try {
            // getByAddress turns a mapped address into an IPv4 one; a scope of 0 is none, and must not be printed as "%0".
            InetAddress ip = InetAddress.getByAddress(raw);
            if (scope != 0 && ip instanceof Inet6Address) ip = Inet6Address.getByAddress(null, raw, scope);
            return new InetSocketAddress(ip, getPort(port));
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of " + count + " bytes", e);
        }
    }

    private static SocketAddress unix(long path, int length) {
        if (length <= 0) return UnixDomainSocketAddress.of("");
        if (NativeMemory.getByte(path) != 0) return UnixDomainSocketAddress.of(CStrings.get(path, length));
        var name = new byte[length - 1];
        NativeMemory.copy(path + 1, name, 0, name.length);
        return new AbstractUnixAddress(name);
    }

    private static InetAddress resolved(InetSocketAddress address) {
        InetAddress ip = address.getAddress();
        if (ip == null) throw new IllegalArgumentException("unresolved address " + address);
        return ip;
    }

    private static IllegalArgumentException unknown(SocketAddress address) {
        return new IllegalArgumentException("socket address " + address + " of " + address.getClass());
    }

    private static void needs(long size, int length, int family) {
        if (length < size) {
            throw new IllegalArgumentException(
                    "socket address of family " + family + " has " + length + " bytes, needs " + size);
        }
    }

    private static void putPort(long address, int port) {
        NativeMemory.putByte(address, (byte) (port >>> 8));
        NativeMemory.putByte(address + 1, (byte) port);
    }

    private static int getPort(long address) {
        return (NativeMemory.getByte(address) & 0xff) << 8 | NativeMemory.getByte(address + 1) & 0xff;
    }
}
