package org.libtorque.event;

/** Called with changes of a control group's counters. */
@FunctionalInterface
public interface CounterHandler {
    /**
     * A counter has changed. Several changes of one counter may be told as one.
     *
     * @throws Exception anything; goes to the failure handler, and the next change comes
     */
    void onChange(CounterChange change) throws Exception;
}
