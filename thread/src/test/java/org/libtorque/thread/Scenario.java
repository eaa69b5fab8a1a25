package org.libtorque.thread;

import java.util.List;
import java.util.SplittableRandom;

/** What some actors do with synchronisers, and what must be true in the end. Implementations are woven; this interface is what they share with who runs them. */
public interface Scenario {
    /** What an actor does. */
    @FunctionalInterface
    interface Body {
        void run() throws Throwable;
    }

    /** Makes the synchronisers anew and says what the actors do. */
    void actors(SplittableRandom random, List<Body> bodies);

    /** Looks at the end whether all is well. */
    void check();
}
