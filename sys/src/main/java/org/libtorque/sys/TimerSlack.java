package org.libtorque.sys;

/**
 * By how much the kernel may delay a thread's timed waits to let several timers expire together, prctl(2): 50 µs unless told otherwise, inherited by new threads. It counts in
 * epoll_pwait2(2), io_uring_enter(2), nanosleep(2) and futex(2), not for timerfds. Waits of poll and epoll are besides delayed by up to a thousandth of their length, at most 0.1 s
 * ({@code select_estimate_accuracy} in the kernel's fs/select.c), which nothing turns off for an ordinary thread.
 */
public final class TimerSlack {
    private static final long SYS_PRCTL = Abi.Syscall.PRCTL.number();
    private static final int PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30;

    private TimerSlack() {}

    /**
     * Sets the calling thread's.
     *
     * @param nanos at least 1; 0 restores what the thread began with
     * @return 0 or a negated errno
     */
    public static int set(ErrnoSlot errno, long nanos) { return (int) Libc.syscall(errno, SYS_PRCTL, PR_SET_TIMERSLACK, nanos, 0L, 0L); }

    /** Returns the calling thread's in nanoseconds, or a negated errno. Threads of real-time policies have 0. */
    public static long get(ErrnoSlot errno) { return Libc.syscall(errno, SYS_PRCTL, PR_GET_TIMERSLACK, 0L, 0L, 0L); }
}
