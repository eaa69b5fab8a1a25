package org.libtorque.sys;

import java.util.Locale;

/**
 * What differs between the machines this library runs on: Linux on x86-64 and on AArch64, both 64-bit and little-endian.
 *
 * <p>Struct layouts and constants that depend on the architecture are computed by package-private functions of an
 * {@link Architecture}, so that tests check both of them on either machine.
 */
public final class Abi {
    /** The supported architectures. */
    public enum Architecture { X86_64, AARCH64 }

    /** The architecture of this machine. */
    public static final Architecture ARCHITECTURE =
            detect(System.getProperty("os.name", "an unnamed system"), System.getProperty("os.arch", "unnamed hardware"));
    /** True on x86-64. */
    public static final boolean X86_64 = ARCHITECTURE == Architecture.X86_64;
    /** True on AArch64. */
    public static final boolean AARCH64 = ARCHITECTURE == Architecture.AARCH64;

    private Abi() {}

    /**
     * Returns the architecture that the JDK's {@code os.name} and {@code os.arch} name.
     *
     * @throws UnsupportedOperationException if it is not one that this library supports
     */
    static Architecture detect(String osName, String osArch) {
        if (osName.equals("Linux")) {
            switch (osArch.toLowerCase(Locale.ROOT)) {
                case "amd64", "x86_64" -> { return Architecture.X86_64; }
                case "aarch64", "arm64" -> { return Architecture.AARCH64; }
                default -> { }
            }
        }
        throw new UnsupportedOperationException(
                "libtorque needs Linux on x86-64 or AArch64; this is " + osName + " on " + osArch);
    }

    /**
     * System calls made by number, because some C library this project runs on (glibc 2.28 and later) has no wrapper for
     * them, or has one that hides what the kernel returned. From 424 on all architectures share one numbering.
     */
    enum Syscall {
        CACHESTAT(451, 451),
        EPOLL_PWAIT2(441, 441),
        CLOSE_RANGE(436, 436),
        FADVISE64(221, 223),
        GETCPU(309, 168),
        GETDENTS64(217, 61),
        GETTID(186, 178),
        IO_URING_ENTER(426, 426),
        IO_URING_REGISTER(427, 427),
        IO_URING_SETUP(425, 425),
        OPENAT2(437, 437),
        PIDFD_GETFD(438, 438),
        PIDFD_OPEN(434, 434),
        PIDFD_SEND_SIGNAL(424, 424),
        PRCTL(157, 167),
        RT_SIGPROCMASK(14, 135),
        SCHED_GETAFFINITY(204, 123),
        SCHED_GETATTR(315, 275),
        SCHED_SETAFFINITY(203, 122),
        SCHED_SETATTR(314, 274),
        /** Has a wrapper everywhere; by number it needs no linkage of its own. */
        SCHED_YIELD(24, 124),
        TGKILL(234, 131);

        private final int x8664;
        private final int aarch64;

        Syscall(int x8664, int aarch64) {
            this.x8664 = x8664;
            this.aarch64 = aarch64;
        }

        /** Returns the number on this machine, as the long that {@link Libc#syscall} takes. */
        long number() { return number(ARCHITECTURE); }

        int number(Architecture architecture) {
            return switch (architecture) {
                case X86_64 -> x8664;
                case AARCH64 -> aarch64;
            };
        }
    }
}
