package org.libtorque.event;

/**
 * How a process ended.
 *
 * @param code       what it returned, 0 to 255; -1 if a signal ended it, or if it is not known
 * @param signal     what ended it, or null
 * @param coreDumped whether it left a memory image
 */
public record ExitStatus(int code, Signal signal, boolean coreDumped) {
    /** It has ended, and nobody can say how: not a child of this process, and the kernel (before 6.15) or the permissions do not tell. */
    public static final ExitStatus UNKNOWN = new ExitStatus(-1, null, false);

    /** Tells whether anything is known. */
    public boolean isKnown() { return code >= 0 || signal != null; }

    /** Tells whether it returned 0. */
    public boolean isSuccess() { return code == 0; }

    /** Decodes what wait(2) gives: the signal in bits 0 to 6, core dumped in bit 7, the exit status in bits 8 to 15. */
    static ExitStatus ofWait(int status) {
        int signal = status & 0x7F;
        return signal == 0 ? new ExitStatus(status >>> 8 & 0xFF, null, false) : endedBy(signal, (status & 0x80) != 0);
    }

    static ExitStatus endedBy(int number, boolean core) {
        // 32 and 33 are no signals for programs, but can end one.
        return number == 32 || number == 33 ? UNKNOWN : new ExitStatus(-1, new Signal(number), core);
    }

    @Override public String toString() { return signal != null ? signal + (coreDumped ? " (core dumped)" : "") : code >= 0 ? "exit " + code : "ended"; }
}
