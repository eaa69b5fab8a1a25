package org.libtorque.thread;

/** What a scheduler has become of a thread that let out an exception. */
public enum FaultAction {
    /** The thread ends, and its handler of uncaught exceptions is told: by default the runtime's failure handler. */
    KILL,
    /** The scheduler has mended what was wrong: the thread runs its action again, from the beginning. */
    RETRY,
    /** The thread ends as with {@link #KILL}, and the runtime stops. */
    ABORT
}
