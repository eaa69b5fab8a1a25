package org.libtorque.thread;

/** What is to become of a thread, or of the {@linkplain Uthread#guarded guarded} operation that it is at, after a {@link Fault}. */
public enum FaultAction {
    /**
     * The thread ends, and its handler of uncaught exceptions is told: by default the runtime's failure handler. Others go on. From a guarded operation it leaves by a {@link UthreadKilled}, so
     * that locks are given back on the way.
     */
    KILL,
    /** Whoever decides has mended what was wrong: what was guarded is run again from its beginning, be it the operation or the thread's action. */
    RETRY,
    /** What was guarded counts as done: the operation returns what {@link Fault#substitute} was given, or null; a thread's action as if it had returned. */
    SUBSTITUTE,
    /** The thread ends as with {@link #KILL}, the fault is logged as an error, and the runtime stops. */
    ABORT
}
