package org.libtorque.event;

import java.nio.file.Path;
import java.util.function.IntConsumer;
import org.libtorque.Torque;
import org.libtorque.vcore.Color;

/** One kind of source, as {@link SourceContractTest} sees it. Another kind joins by being added to {@link SourceRows#all}. */
interface SourceRow {
    /** How events come. */
    enum Delivery {
        /** Each that is caused comes once, in the order in which they are caused. */
        EACH,
        /** What is caused comes to be known: several may be one, and the numbers that come may be of events that others caused. */
        COALESCED
    }

    /** One registration. */
    interface Subject {
        Registration registration();

        /**
         * Causes an event.
         *
         * @param number 0, 1, 2, … below {@link SourceRow#most}
         */
        void cause(int number) throws Exception;

        /** Gives back what was made for it; the registration was closed before. */
        void end() throws Exception;
    }

    String name();

    Delivery delivery();

    /** How many events one subject can be caused to have; 0 if none. Those of a source that has them by itself are caused by nothing. */
    int most();

    /** How many subjects there may be at once; a limit of the system, or what is fair. */
    default int atOnce() { return 100; }

    /**
     * Registers one.
     *
     * @param receiver given the number of each event, under the colour; with {@link Delivery#COALESCED} any number
     * @param folder   of this subject's own, empty
     */
    Subject open(Torque torque, Color color, IntConsumer receiver, Path folder) throws Exception;
}
