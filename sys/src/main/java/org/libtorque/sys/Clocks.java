package org.libtorque.sys;

import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/** clock_gettime(2) and the kernel's time structs. */
public final class Clocks {
    public static final int CLOCK_REALTIME = 0;
    public static final int CLOCK_MONOTONIC = 1;
    public static final int CLOCK_PROCESS_CPUTIME_ID = 2;
    public static final int CLOCK_THREAD_CPUTIME_ID = 3;
    public static final int CLOCK_MONOTONIC_RAW = 4;
    public static final int CLOCK_REALTIME_COARSE = 5;
    public static final int CLOCK_MONOTONIC_COARSE = 6;
    public static final int CLOCK_BOOTTIME = 7;
    public static final int CLOCK_REALTIME_ALARM = 8;
    public static final int CLOCK_BOOTTIME_ALARM = 9;
    public static final int CLOCK_TAI = 11;

    /** CPUCLOCK_SCHED, and with CPUCLOCK_PERTHREAD_MASK, of the kernel's posix-timers.h. */
    private static final int SCHED = 2, PER_THREAD_SCHED = 6;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** struct timespec, which on 64-bit machines is also struct __kernel_timespec. */
    public static final class Timespec {
        static final StructLayout LAYOUT =
                Layouts.struct("timespec", Layouts.u64("tv_sec"), Layouts.u64("tv_nsec"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long TV_SEC = Layouts.offset(LAYOUT, "tv_sec");
        public static final long TV_NSEC = Layouts.offset(LAYOUT, "tv_nsec");

        private Timespec() {}

        /** Writes {@code nanos}, which is not negative, at {@code address}. */
        public static void put(long address, long nanos) {
            NativeMemory.putLong(address + TV_SEC, nanos / NANOS_PER_SECOND);
            NativeMemory.putLong(address + TV_NSEC, nanos % NANOS_PER_SECOND);
        }

        /** Reads the timespec at {@code address} as nanoseconds. It overflows 292 years from the clock's epoch. */
        public static long get(long address) {
            return NativeMemory.getLong(address + TV_SEC) * NANOS_PER_SECOND + NativeMemory.getLong(address + TV_NSEC);
        }
    }

    /** struct timeval. */
    public static final class Timeval {
        static final StructLayout LAYOUT =
                Layouts.struct("timeval", Layouts.u64("tv_sec"), Layouts.u64("tv_usec"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long TV_SEC = Layouts.offset(LAYOUT, "tv_sec");
        public static final long TV_USEC = Layouts.offset(LAYOUT, "tv_usec");

        private Timeval() {}
    }

    private static final MethodHandle GETTIME = Libc.capturingErrno("clock_gettime", 2);
    private static final MethodHandle GETRES = Libc.capturingErrno("clock_getres", 2);

    private Clocks() {}

    /**
     * Reads a clock into a {@link Timespec}.
     *
     * @param timespec address of {@link Timespec#SIZE} bytes
     * @return 0 or a negated errno: {@code -EINVAL} there is no such clock
     */
    public static int gettime(ErrnoSlot errno, int clock, long timespec) {
        try {
            int r = (int) (long) GETTIME.invokeExact(errno.segment(), (long) clock, timespec);
            return r >= 0 ? r : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    /**
     * Returns the clock of the CPU time that a thread of this process has had, as pthread_getcpuclockid(3) does. It is exact: while the thread runs, each reading is later than the
     * one before, and it stands still while the thread does not. Reading it once the thread has ended is {@code -EINVAL}.
     */
    public static int threadCpuClock(int tid) { return ~tid << 3 | PER_THREAD_SCHED; }

    /**
     * Returns the clock of the CPU time that a process has had, all its threads together, also those that have ended, as clock_getcpuclockid(3) does. As exact as
     * {@link #threadCpuClock}; /proc tells the same rounded to 10 ms. Any process may be asked about; reading it once the process is gone is {@code -EINVAL}.
     */
    public static int processCpuClock(int pid) { return ~pid << 3 | SCHED; }

    /** Reads a clock: nanoseconds since its epoch, or a negated errno: {@code -EINVAL} there is no such clock. */
    public static long nanos(ErrnoSlot errno, int clock) {
        long timespec = errno.scratch();
        int r = gettime(errno, clock, timespec);
        return r >= 0 ? Timespec.get(timespec) : r;
    }

    /** Returns the resolution of a clock in nanoseconds, or a negated errno. */
    public static long resolutionNanos(ErrnoSlot errno, int clock) {
        long timespec = errno.scratch();
        try {
            int r = (int) (long) GETRES.invokeExact(errno.segment(), (long) clock, timespec);
            return r >= 0 ? Timespec.get(timespec) : -errno.get();
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
