package org.libtorque.event;

/** Told when the clocks have changed. */
@FunctionalInterface
public interface ClockHandler {
    /**
     * The wall clock has been set, or the machine has been suspended and is awake again. Timers follow by themselves. Several changes in short order may be told as one, their sum.
     *
     * @throws Exception anything; it goes to the runtime's failure handler, and the registration lives on
     */
    void onClockChange(ClockChange change) throws Exception;
}
