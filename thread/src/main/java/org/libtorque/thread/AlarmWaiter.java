package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.Vcore;

/**
 * An alarm that goes off at a time, on the vcore that set it (parlib's alarm service, Klues 2015, 2.4.2, with an alarm service for each vcore). First the time is set, then the alarm is
 * started; after it has gone off it can be started again, by its callback too.
 *
 * <pre>{@code
 *   var alarm = new AlarmWaiter(a -> { tick(); a.increment(PERIOD); a.start(); });    // in vcore context or in a uthread
 *   alarm.setRelative(PERIOD);
 *   alarm.start();
 *   if (!alarm.stop()) …                                                              // its callback has run, runs or is about to
 * }</pre>
 *
 * <p><b>Truth.</b> {@link #stop} returns true if and only if the callback will not run for this start, and {@link #reset} if and only if it will run at the new time and not at the old one; each
 * start is ended by exactly one of an expiry and a successful stop. One atomic word decides: an expiry, a stop and a reset each change it by compare-and-set. So
 * an exact count of outstanding alarms can be kept.
 *
 * <pre>{@code
 *   (e, IDLE) -start-> (e + 1, ARMED)      (e, ARMED) -reset-> (e + 1, ARMED)
 *   (e, ARMED) -stop-> (e, IDLE)           (e, ARMED) -its time has come-> (e, IDLE), then the callback
 * }</pre>
 *
 * What is on the vcore's wheel follows the word: at once when the vcore itself makes the change, else by a task of the vcore. An expiry for an e that is over changes nothing, and puts
 * the wheel right.
 *
 * <p><b>Threads.</b> Any thread may use an alarm, one at a time; its expiry is no use in this sense and may come at any moment. The callback runs in vcore context and must not block; what
 * it throws goes to the runtime's failure handler.
 *
 * <p><b>Precision.</b> That of the vcore's wheel: never early, and late by less than a tick of about a millisecond (2^20 ns) plus what the vcore is busy with. Starting and stopping allocate nothing on
 * the alarm's vcore, and from elsewhere only the first time.
 */
public final class AlarmWaiter {
    private static final long ARMED = 1, EPOCH = 2;
    private static final VarHandle WORD = Handles.field(MethodHandles.lookup(), "word", long.class);

    private final Vcore vcore;
    private final Consumer<? super AlarmWaiter> callback;
    private final Node node = new Node();
    private long word;
    /** When it is to go off by the start e, at index e % 2: the next start's is written beside the one that may still be read. */
    private final long[] deadlines = new long[2];
    /** The time as it was set last; of whoever uses the alarm. */
    private long time;
    private Task follower;

    /** The vcore's part. */
    private final class Node extends Timer {
        /** The word by which it is on the wheel. */
        long armedAs;

        @Override protected void onExpiry(long nowNanos) { expired(); }
    }

    /**
     * Makes an alarm of the calling thread's vcore.
     *
     * @param callback what to run when it goes off
     * @throws IllegalStateException if the calling thread is not on a vcore
     */
    public AlarmWaiter(Consumer<? super AlarmWaiter> callback) { this(here(), callback); }

    /**
     * Makes an alarm of a vcore. Any thread.
     *
     * @param vcore    where it goes off
     * @param callback what to run when it does
     */
    public AlarmWaiter(Vcore vcore, Consumer<? super AlarmWaiter> callback) {
        this.vcore = Objects.requireNonNull(vcore);
        this.callback = Objects.requireNonNull(callback);
        time = vcore.clock().nanoTime();
    }

    private static Vcore here() {
        Vcore vcore = Vcore.current();
        if (vcore == null) throw new IllegalStateException(Thread.currentThread() + " is not on a vcore; say of which vcore the alarm is to be");
        return vcore;
    }

    /** Returns the vcore on which it goes off. */
    public Vcore vcore() { return vcore; }

    /** Returns the time that was set, by the vcore's clock. */
    public long timeNanos() { return time; }

    /** Tells whether it has been started and has neither gone off nor been stopped. Any thread. */
    public boolean isStarted() { return ((long) WORD.getVolatile(this) & ARMED) != 0; }

    /**
     * Sets the time.
     *
     * @param nanoTime by {@link System#nanoTime}, which on Linux counts from when the machine was started
     * @throws IllegalStateException if the alarm is started; see {@link #reset}
     */
    public void setAbsolute(long nanoTime) {
        if (isStarted()) throw new IllegalStateException("the alarm is started: stop or reset it");
        time = nanoTime;
    }

    /**
     * Sets the time by the wall clock, as it goes at this moment: if somebody sets that clock later, the alarm does not follow.
     *
     * @param epochNanos nanoseconds since 1970-01-01T00:00Z
     * @throws IllegalStateException if the alarm is started
     */
    public void setUnix(long epochNanos) {
        long now = vcore.clock().epochMillis() * 1_000_000;
        setRelative(Math.max(epochNanos, now + (Long.MIN_VALUE >> 1)) - now);
    }

    /**
     * Sets the time.
     *
     * @param nanos from now; not positive for as soon as it is started
     * @throws IllegalStateException if the alarm is started
     */
    public void setRelative(long nanos) { setAbsolute(vcore.clock().nanoTime() + Math.clamp(nanos, Long.MIN_VALUE >> 1, Long.MAX_VALUE >> 1)); }

    /**
     * Moves the time.
     *
     * @param nanos by how much; may be negative
     * @throws IllegalStateException if the alarm is started
     */
    public void increment(long nanos) { setAbsolute(time + nanos); }

    /**
     * Starts the alarm. If its time has passed, it goes off soon.
     *
     * @throws IllegalStateException      if it is started already
     * @throws RejectedExecutionException if the vcore has stopped
     */
    public void start() {
        long w = (long) WORD.getVolatile(this);
        if ((w & ARMED) != 0) throw new IllegalStateException("the alarm is started already");
        long next = w + EPOCH | ARMED;
        deadlines[slot(next)] = time;
        boolean changed = WORD.compareAndSet(this, w, next); // nobody else changes it while it is idle
        assert changed;
        if (!follow() && WORD.compareAndSet(this, next, next & ~ARMED)) throw new RejectedExecutionException(vcore + " has stopped");
    }

    /** Stops the alarm; see <b>Truth</b>. False also if it was not started. */
    public boolean stop() {
        long w = (long) WORD.getVolatile(this);
        if ((w & ARMED) == 0 || !WORD.compareAndSet(this, w, w & ~ARMED)) return false;
        follow();
        return true;
    }

    /**
     * Has a started alarm go off at another time; see <b>Truth</b>.
     *
     * @param nanoTime by {@link System#nanoTime}
     * @return false if it goes or went off at the old time, or was not started
     */
    public boolean reset(long nanoTime) {
        long w = (long) WORD.getVolatile(this);
        if ((w & ARMED) == 0) return false;
        long next = w + EPOCH;
        deadlines[slot(next)] = nanoTime;
        if (!WORD.compareAndSet(this, w, next)) return false;
        time = nanoTime;
        follow();
        return true;
    }

    private static int slot(long w) { return (int) (w / EPOCH) & 1; }

    /** Has the wheel follow the word, now or soon; false if the vcore has stopped. */
    private boolean follow() {
        if (vcore.isCurrent()) {
            arrange();
            return true;
        }
        if (follower == null) {
            follower = new Task(vcore.newColor().pin()) {
                @Override protected void run() { arrange(); }
            };
        }
        return follower.postSurely();
    }

    /** On the vcore. */
    private void arrange() {
        for (;;) {
            long w = (long) WORD.getVolatile(this);
            if ((w & ARMED) == 0) {
                vcore.timers().cancel(node);
                return;
            }
            long deadline = deadlines[slot(w)]; // written before w, and again only after the word has changed twice
            VarHandle.acquireFence(); // the deadline before the second look
            if ((long) WORD.getVolatile(this) != w) continue;
            node.armedAs = w;
            vcore.timers().schedule(node, deadline);
            return;
        }
    }

    /** On the vcore; the node is off the wheel. */
    private void expired() {
        long w = node.armedAs;
        if (!WORD.compareAndSet(this, w, w & ~ARMED)) {
            arrange(); // stopped or reset meanwhile from elsewhere
            return;
        }
        try {
            callback.accept(this);
        } catch (Throwable failure) { // whatever a callback lets out, the loop lives
            vcore.reportFailure(this, failure);
        }
    }

    @Override public String toString() { return "alarm of " + vcore + (isStarted() ? ", started" : ""); }
}
