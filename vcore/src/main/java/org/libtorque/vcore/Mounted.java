package org.libtorque.vcore;

/** What a higher layer {@linkplain VcoreThread#mounted(Object) mounts} on a vcore's thread, if that has a stack of its own. Methods may be called by any thread. */
public interface Mounted {
    /** Returns the thread whose stack says what is done. */
    Thread thread();

    /** Tells whether somebody else sees to it, and reports it, that this does not keep the vcore for too long: then the {@link Monitor} does not. */
    boolean isWatched();
}
