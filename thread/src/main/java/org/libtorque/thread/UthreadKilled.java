package org.libtorque.thread;

/**
 * Unwinds a thread that is to end because of a {@link Fault} in a {@linkplain Uthread#guarded guarded} operation, so that everything on its stack lets go of what it holds. Not to be caught, as
 * whoever goes on after it keeps the thread alive. Where it leaves the thread's action it ends, and the handler of uncaught exceptions is told of the fault itself.
 */
public final class UthreadKilled extends Error {
    private static final long serialVersionUID = 1;

    UthreadKilled(Throwable fault) { super("the thread is to end because of a fault", fault, false, false); }
}
