package org.libtorque.sys;

import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An abstract Unix socket address: a name that lives in the kernel and not in a file system, and goes away with its
 * socket. Linux only; {@link java.net.UnixDomainSocketAddress} cannot express one. Shown with {@code @} before it.
 */
public final class AbstractUnixAddress extends SocketAddress {
    private static final long serialVersionUID = 1;

    /** Bytes of the longest name. */
    public static final int MAX_NAME = SocketAddresses.SockaddrUn.MAX_PATH - 1;

    private final byte[] name;

    /**
     * @param name the name without the leading NUL; any bytes, NUL included
     * @throws IllegalArgumentException if it has more than {@link #MAX_NAME} bytes
     */
    public AbstractUnixAddress(byte[] name) {
        if (name.length > MAX_NAME) {
            throw new IllegalArgumentException("abstract name of " + name.length + " bytes; at most " + MAX_NAME);
        }
        this.name = name.clone();
    }

    /** Makes the address whose name is {@code name} in UTF-8. */
    public static AbstractUnixAddress of(String name) {
        return new AbstractUnixAddress(name.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns a copy of the name, without the leading NUL. */
    public byte[] name() { return name.clone(); }

    @Override public boolean equals(Object other) {
        return other instanceof AbstractUnixAddress that && Arrays.equals(name, that.name);
    }

    @Override public int hashCode() { return Arrays.hashCode(name); }

    @Override public String toString() { return "@" + new String(name, StandardCharsets.UTF_8).replace('\0', '@'); }
}
