package org.libtorque.event;

import java.util.ServiceLoader;
import org.libtorque.Torque;
import org.libtorque.vcore.Color;

/** Starts user-level threads on the vcores of a runtime. Module {@code org.libtorque.thread} has it; programs call {@link Torque#spawn(Runnable)}. Any thread. */
public interface Spawner {
    /** Starts a thread with a colour of its own. */
    Thread spawn(Runnable action);

    /** Starts a thread of a colour. */
    Thread spawn(Color color, Runnable action);

    /** Makes the spawner of a runtime; found with {@link ServiceLoader}. */
    interface Provider {
        /** Returns the spawner of a runtime, the same one each time. Must not block. */
        Spawner spawnerOf(Torque torque);
    }

    /**
     * Returns the spawner of a runtime.
     *
     * @throws UnsupportedOperationException if no module provides any; says which one would
     */
    static Spawner load(Torque torque) {
        return ServiceLoader.load(Provider.class, Provider.class.getClassLoader()).findFirst()
                .orElseThrow(() -> new UnsupportedOperationException("user-level threads are in module org.libtorque.thread (libtorque-thread.jar), which is not there"))
                .spawnerOf(torque);
    }
}
