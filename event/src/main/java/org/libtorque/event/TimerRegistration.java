package org.libtorque.event;

import java.time.Duration;
import java.time.Instant;

/**
 * A timer: calls its {@link TimerHandler} under its colour when its time has come, once or again and again, until it is cancelled or closed. All methods may be called by any
 * thread at any moment, the handler included.
 *
 * <pre>{@code
 *   UNARMED -rearm-> ARMED -its time has come, and its handler is about to be called-> UNARMED, or ARMED for the next period
 *   ARMED -rearm-> ARMED for another time
 *   ARMED -cancel-> UNARMED
 *   any -close-> CLOSED, for good
 * }</pre>
 *
 * <p>Every transition is one atomic operation, so they are totally ordered, and answers are exact: what {@link #cancel} and {@link #rearm} have said to be called off is not
 * called any more, however near it was; the decision is made as the very last thing before the handler. What they have not called off is called, or has been. Under the timer's
 * own colour nothing can come in between: a timer that is {@linkplain #isOpen armed} there stays so until the turn of the colour ends or it is changed.
 *
 * <p><b>When.</b> Never early, by its own clock. Late by less than a tick of 1.05 ms (2<sup>20</sup> ns), or, if it is {@linkplain TimerOptions#precise precise}, by what the
 * kernel takes to wake a thread, some tens of microseconds; and in either case by what the vcore is busy with: callbacks that run, of which one long one delays all, and what
 * else waits there for its turn. (A kernel before 5.11 wakes epoll waiters to the millisecond, and precise timers are as late as others then.) Deadlines more than 146 years away
 * are taken to be as far.
 *
 * <p><b>Periods.</b> The k-th is due exactly k periods after the first, so lateness does not add up and nothing drifts against the timer's clock, over however long. Periods that
 * have passed when the handler comes to be called are one call, which is told of their number.
 *
 * <p><b>Order.</b> Timers of one colour that are armed once each, by one thread, for the same time, are called in that order. Of others that are due within one tick, the order
 * is not defined.
 *
 * <p><b>Cost.</b> Constant, however many timers there are. Under its colour, at the colour's home, arming and cancelling posts nothing and allocates nothing; elsewhere an arming
 * for an earlier time than before, or a cancellation, costs a posted task, and one for a later time only an atomic operation. A timer that is not armed is known to nobody, and
 * need not be closed.
 */
public interface TimerRegistration extends Registration {
    /**
     * Arms it for a time from now, whether it is armed or not. The period, if it has one, goes on from there.
     *
     * @param delay not negative; by the timer's clock
     * @return true if it was armed: what was to come then will not be called. False if not (it has been called, or is about to be, or was cancelled). It is armed now in
     *         either case, unless it is closed, which makes this false and nothing else
     */
    boolean rearm(Duration delay);

    /**
     * Arms it for a time of the wall clock, whether it is armed or not. A time that has passed is as good as now.
     *
     * @return as {@link #rearm(Duration)}
     * @throws IllegalStateException if it is not a timer of {@link TimerClock#WALL}
     */
    boolean rearm(Instant time);

    /**
     * Arms it for a time of its clock, whether it is armed or not.
     *
     * @param nanos as {@link TimerClock#nanos}. A time that has passed is as good as now
     * @return as {@link #rearm(Duration)}
     */
    boolean rearmAt(long nanos);

    /**
     * Disarms it; it can be {@linkplain #rearm armed} again.
     *
     * @return true if this call has done so: the handler will not be called any more. False if there was nothing to call off: a one-shot timer has been called, or the call is
     *         on its way to begin; or it was cancelled or closed before
     */
    boolean cancel();

    /** Tells whether it is armed: it will be called, unless it is called off before that or the runtime stops. */
    @Override boolean isOpen();

    /** Cancels it, for good. {@link #cancel} says whether that was in time. */
    @Override void close();

    /** Returns the clock that it goes by. */
    TimerClock clock();
}
