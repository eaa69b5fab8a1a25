package org.libtorque.thread;

import java.util.Objects;

/**
 * What has gone wrong in a uthread, as it is told to its {@linkplain Scheduler#threadReflectFault scheduler}, or to the {@linkplain Uthreads#faultPolicy policy} of the runtime. After parlib's reflected faults
 * (Klues 2015, 2.2.2).
 *
 * <p>A JVM does not show the faulting instruction, nor the address, nor can a thread go on there. What can be done again is what was guarded: an operation
 * ({@link Uthread#guarded}), whose callers are still there, or else the thread's whole action, whose frames are gone.
 *
 * <p><b>Memory.</b> The JVM makes an {@link InternalError} of the kernel's SIGBUS. It is <em>late</em>: the access itself does nothing, a load gives garbage, and the error comes some instructions later, at the next
 * place where the JVM looks. A guarded operation does not return before that, so what it returns was not computed from garbage; where it had effects these may have been.
 */
public final class Fault {
    /** What sort of thing it is. */
    public enum Kind {
        /** An exception that nobody caught. */
        EXCEPTION,
        /** The stack has no room for more frames. */
        STACK_OVERFLOW,
        /** Mapped memory that is not there: the file has been cut short, or its disk has failed (SIGBUS). */
        MEMORY_LOST,
        /** A memory segment whose arena has been closed. */
        MEMORY_CLOSED
    }

    /** Both of HotSpot's messages: that of an access by compiled code was another one up to JDK 20. */
    private static final String LATE = "unsafe memory access operation";
    private static final Object NOBODYS = new Object();

    private final Throwable failure;
    private final Kind kind;
    private final Object subject;
    private final boolean guarded;
    private final int attempt;
    private Object substitute;
    /** Null while nobody has been asked. */
    private FaultAction decision;

    Fault(Throwable failure, Object subject, boolean guarded, int attempt) {
        this.failure = failure;
        this.subject = subject;
        this.guarded = guarded;
        this.attempt = attempt;
        kind = kindOf(failure);
    }

    static Kind kindOf(Throwable failure) {
        if (failure instanceof StackOverflowError) return Kind.STACK_OVERFLOW;
        if (failure instanceof InternalError && failure.getMessage() != null && failure.getMessage().contains(LATE)) return Kind.MEMORY_LOST;
        return failure.getClass() == IllegalStateException.class && isFromMemorySession(failure) ? Kind.MEMORY_CLOSED : Kind.EXCEPTION;
    }

    /** The exception is one of many uses; only where it was made tells. */
    private static boolean isFromMemorySession(Throwable failure) {
        StackTraceElement[] stack = failure.getStackTrace();
        return stack.length > 0 && stack[0].getClassName().startsWith("jdk.internal.foreign.MemorySessionImpl") && stack[0].getMethodName().equals("alreadyClosed");
    }

    /**
     * Has the JVM deliver the error of an access to lost memory that it may still hold back for the calling thread: it does so on the way back from native code, as it does at every safepoint
     * poll, and compiled code need not have one between here and there. About 20 ns. The native method was chosen for being public, without effect, and known to no compiler.
     */
    static void settle() { Thread.holdsLock(NOBODYS); }

    /** Returns what sort of thing it is. */
    public Kind kind() { return kind; }

    /** Returns what was thrown. */
    public Throwable failure() { return failure; }

    /** Returns what the operation was said to be about, such as the mapped file; null if nothing was said, and for a thread's whole action. */
    public Object subject() { return subject; }

    /** Tells whether an operation can be done again or stood in for; if not, it is the thread's whole action. */
    public boolean isGuarded() { return guarded; }

    /** Returns how often that has been tried, from 1. */
    public int attempt() { return attempt; }

    /**
     * Says what the operation is to return instead.
     *
     * @param value of the type that it returns; else its caller gets a {@link ClassCastException}
     * @return {@link FaultAction#SUBSTITUTE}
     */
    public FaultAction substitute(Object value) {
        substitute = value;
        return FaultAction.SUBSTITUTE;
    }

    Object substitute() { return substitute; }

    void decide(FaultAction action) { decision = Objects.requireNonNullElse(action, FaultAction.KILL); }

    /** Returns null if nobody has decided. */
    FaultAction decision() { return decision; }

    @Override public String toString() { return kind + (guarded ? " in a guarded operation" + (subject == null ? "" : " on " + subject) : "") + ", attempt " + attempt + ": " + failure; }
}
