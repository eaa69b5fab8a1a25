package org.libtorque.thread;

import org.libtorque.Torque;
import org.libtorque.event.Spawner;

/** What {@link Torque#spawn(Runnable)} finds in this module. */
public final class UthreadProvider implements Spawner.Provider {
    /** For {@link java.util.ServiceLoader}. */
    public UthreadProvider() {}

    @Override public Spawner spawnerOf(Torque torque) { return Uthreads.of(torque); }
}
