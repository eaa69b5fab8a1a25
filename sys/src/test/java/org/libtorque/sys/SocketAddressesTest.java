package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SocketAddressesTest {
    private final Arena arena = Arena.ofConfined();
    private final long target = arena.allocate(SocketAddresses.MAX_SIZE, 8).address();

    @AfterEach void close() { arena.close(); }

    @Test
    void anIpv4AddressIsWrittenInNetworkByteOrder() throws Exception {
        assertEquals("02001f90c00002010000000000000000", hex(new InetSocketAddress(ip("192.0.2.1"), 8080)));
    }

    @Test
    void anIpv6AddressCarriesItsScope() throws Exception {
        InetAddress ip = Inet6Address.getByAddress(null, ip("fe80::1").getAddress(), 7);
        assertEquals("0a00ffff00000000fe80000000000000000000000000000107000000", hex(new InetSocketAddress(ip, 65535)));
        var back = (InetSocketAddress) roundTrip(new InetSocketAddress(ip, 65535));
        assertEquals(7, ((Inet6Address) back.getAddress()).getScopeId());
        assertEquals(new InetSocketAddress(ip, 65535), back);
    }

    @Test
    void anIpv6AddressWithoutScopeComesBackWithoutOne() throws Exception {
        SocketAddress back = roundTrip(new InetSocketAddress(ip("2001:db8::1"), 443));
        assertEquals("/[2001:db8:0:0:0:0:0:1]:443", back.toString());
    }

    @Test
    void addressesComeBackAsTheyWere() throws Exception {
        for (SocketAddress address : new SocketAddress[] {
                new InetSocketAddress(ip("0.0.0.0"), 0), new InetSocketAddress(ip("255.255.255.255"), 65535),
                new InetSocketAddress(ip("::"), 0), new InetSocketAddress(ip("::1"), 1),
                UnixDomainSocketAddress.of("/run/x.sock"), UnixDomainSocketAddress.of(""),
                UnixDomainSocketAddress.of("p".repeat(107)),
                AbstractUnixAddress.of("name"), AbstractUnixAddress.of(""), AbstractUnixAddress.of("x".repeat(107)),
                new AbstractUnixAddress(new byte[] {0, -1, 0, 65})}) {
            assertEquals(address, roundTrip(address));
        }
    }

    @Test
    void anIpv4AddressCanBeMappedForAnIpv6Socket() throws Exception {
        var v4 = new InetSocketAddress(ip("192.0.2.1"), 80);
        int length = SocketAddresses.encodeInet6(v4, target);
        assertEquals("0a0000500000000000000000000000000000ffffc000020100000000", hex(length));
        var back = (InetSocketAddress) SocketAddresses.decode(target, length);
        assertInstanceOf(Inet4Address.class, back.getAddress());
        assertEquals(v4, back);
    }

    @Test
    void theIpv4WildcardOfAnIpv6SocketIsTheIpv6Wildcard() throws Exception {
        int length = SocketAddresses.encodeInet6(new InetSocketAddress(ip("0.0.0.0"), 80), target);
        assertEquals("0a000050" + "0".repeat(48), hex(length));
    }

    @Test
    void aUnixPathIsWrittenWithItsNul() {
        assertEquals("01002f6100", hex(UnixDomainSocketAddress.of("/a")));
        assertEquals("0100", hex(UnixDomainSocketAddress.of("")));
    }

    @Test
    void anAbstractNameStartsWithANulAndEndsWithTheAddress() {
        assertEquals("0100006162", hex(AbstractUnixAddress.of("ab")));
        assertEquals("@ab", AbstractUnixAddress.of("ab").toString());
        assertArrayEquals(new byte[] {97, 98}, AbstractUnixAddress.of("ab").name());
        assertThrows(IllegalArgumentException.class, () -> new AbstractUnixAddress(new byte[108]));
    }

    @Test
    void familiesAreThoseOfTheEncoding() throws Exception {
        assertEquals(Sockets.AF_INET, SocketAddresses.family(new InetSocketAddress(ip("127.0.0.1"), 1)));
        assertEquals(Sockets.AF_INET6, SocketAddresses.family(new InetSocketAddress(ip("::1"), 1)));
        assertEquals(Sockets.AF_UNIX, SocketAddresses.family(UnixDomainSocketAddress.of("/a")));
        assertEquals(Sockets.AF_UNIX, SocketAddresses.family(AbstractUnixAddress.of("a")));
    }

    @Test
    void whatCannotBeEncodedIsNamed() {
        var unresolved = InetSocketAddress.createUnresolved("nowhere.example", 1);
        assertEquals("unresolved address nowhere.example/<unresolved>:1", assertThrows(IllegalArgumentException.class,
                () -> SocketAddresses.encode(unresolved, target)).getMessage());
        assertThrows(IllegalArgumentException.class,
                () -> SocketAddresses.encode(UnixDomainSocketAddress.of("p".repeat(108)), target));
        assertThrows(IllegalArgumentException.class, () -> SocketAddresses.encode(new SocketAddress() {
            private static final long serialVersionUID = 1;
        }, target));
    }

    @Test
    void whatTheKernelLeavesEmptyIsNoAddress() {
        assertNull(SocketAddresses.decode(target, 0));
        NativeMemory.putShort(target, (short) Sockets.AF_UNSPEC);
        assertNull(SocketAddresses.decode(target, 16));
    }

    @Test
    void shortOrForeignAddressesAreRefused() throws Exception {
        SocketAddresses.encode(new InetSocketAddress(ip("127.0.0.1"), 1), target);
        assertThrows(IllegalArgumentException.class, () -> SocketAddresses.decode(target, 15));
        NativeMemory.putShort(target, (short) Sockets.AF_NETLINK);
        assertThrows(IllegalArgumentException.class, () -> SocketAddresses.decode(target, 12));
    }

    private SocketAddress roundTrip(SocketAddress address) {
        NativeMemory.fill(target, SocketAddresses.MAX_SIZE, (byte) 0x55);      // no reader may rely on zeros
        return SocketAddresses.decode(target, SocketAddresses.encode(address, target));
    }

    private String hex(SocketAddress address) {
        NativeMemory.fill(target, SocketAddresses.MAX_SIZE, (byte) 0x55);
        int length = SocketAddresses.encode(address, target);
        var after = new byte[SocketAddresses.MAX_SIZE - length];
        NativeMemory.copy(target + length, after, 0, after.length);
        var untouched = new byte[after.length];
        Arrays.fill(untouched, (byte) 0x55);
        assertArrayEquals(untouched, after);
        return hex(length);
    }

    private String hex(int length) {
        var bytes = new byte[length];
        NativeMemory.copy(target, bytes, 0, length);
        return HexFormat.of().formatHex(bytes);
    }

    private static InetAddress ip(String text) throws Exception { return InetAddress.getByName(text); }
}
