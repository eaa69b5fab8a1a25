package org.libtorque.event;

/** What a timer calls, under its colour. */
@FunctionalInterface
public interface TimerHandler {
    /**
     * The timer's time has come. A one-shot timer is not armed any more, and may be {@linkplain TimerRegistration#rearm armed} again from here; a periodic one is armed for the
     * next.
     *
     * @param timer       the timer
     * @param expirations how many times have come since it was last called, or armed: 1 unless it is periodic and whole periods were missed
     * @throws Exception anything; it goes to the runtime's failure handler, and the timer lives on
     */
    void onTimer(TimerRegistration timer, long expirations) throws Exception;
}
