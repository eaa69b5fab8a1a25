package org.libtorque.thread;

import java.io.UncheckedIOException;
import org.libtorque.hardware.CpuSet;

/** How many CPUs there are to wait on. {@link Runtime#availableProcessors} tells how many the calling thread may use: on a vcore, which is pinned, one. */
final class Cpus {
    /** CPUs that this process may use. */
    static final int ALLOWED = allowed();

    private Cpus() {}

    private static int allowed() {
        try {
            return CpuSet.allowed().size();
        } catch (UncheckedIOException e) { // no /proc
            return Runtime.getRuntime().availableProcessors();
        }
    }

    /** Returns on how many CPUs threads run that are made where this is called: if that is a uthread, as many as its runtime has vcores. */
    static int here() {
        Uthread self = Uthread.current();
        return self == null || self.uthreads() == null ? ALLOWED : Math.min(ALLOWED, self.uthreads().torque().vcores().size());
    }
}
