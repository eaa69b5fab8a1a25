package org.libtorque.event;

import org.libtorque.sys.SignalFd;

/**
 * A signal that has come.
 *
 * @param signal which
 * @param code   how it was sent: 0 by kill(2), -1 by sigqueue(3), above 0 by the kernel (the {@code SI_*} and {@code CLD_*} codes of sigaction(2)); {@link #UNKNOWN_CODE} where the JDK's
 *               handler took it, which does not say
 * @param pid    process that sent it, as this process's PID namespace numbers it; 0 the kernel or a process out of sight, -1 unknown
 * @param uid    real user of that process; -1 unknown
 * @param value  what sigqueue(3) passed along, 64 bits as the sender's pointer-sized union has them (its int is the lower half); 0 otherwise
 * @param status for SIGCHLD: exit status or the number of the signal that ended it, as {@code code} says; 0 otherwise
 */
public record SignalInfo(Signal signal, int code, int pid, int uid, long value, int status) {
    /** The code of a signal of which nothing but the number is known. */
    public static final int UNKNOWN_CODE = Integer.MIN_VALUE;

    /** Tells whether code, sender and value are known: the signal came by signalfd(2). */
    public boolean isDetailed() { return code != UNKNOWN_CODE; }

    /** Tells whether it carries a value: it was sent by sigqueue(3). */
    public boolean hasValue() { return code == SignalFd.SI_QUEUE; }

    /** Returns the value as the sender's int. */
    public int intValue() { return (int) value; }
}
