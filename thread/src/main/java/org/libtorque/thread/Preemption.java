package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Vcore;

/**
 * The scheduling period of a runtime's uthreads, after upthread's (Klues 2015, 2.6.1): each time that it has passed, every vcore on which a uthread runs is asked for a new scheduling
 * decision, which the thread makes possible at its next {@link Uthread#checkpoint}. Nothing can interrupt a thread of the JVM from outside, so preemption is a poll.
 *
 * <p>What is polled is one word for the whole process, the number of vcores that are asked at the moment and of {@linkplain UthreadSignals signals} that are pending: a load and a branch. Only when it is not 0 does a thread look whether it is
 * meant. A platform thread, the ticker, asks; it exists while there is a period.
 */
final class Preemption {
    /** Of all runtimes: how many requests nobody has followed yet, and how many signals are pending. Counted up by tickers and senders, down by whoever takes a request back or a signal. */
    @SuppressWarnings("unused") private static int pending;
    /** How many of these are signals. */
    @SuppressWarnings("unused") private static int signals;
    private static final VarHandle PENDING = Handles.staticField(MethodHandles.lookup(), "pending", int.class);
    private static final VarHandle SIGNALS = Handles.staticField(MethodHandles.lookup(), "signals", int.class);
    /** Flags are so far apart that vcores do not share cache lines. */
    private static final int STRIDE = 32;

    private final List<Vcore> vcores;
    private final AtomicIntegerArray asked;
    private volatile long periodNanos;
    private Thread ticker; // guarded by this

    Preemption(List<Vcore> vcores) {
        this.vcores = vcores;
        asked = new AtomicIntegerArray(vcores.size() * STRIDE);
    }

    /** Tells whether anybody is asked for anything: a load and a branch. Opaque: it must be read each time, and orders nothing. */
    static boolean somebodyIsAsked() { return (int) PENDING.getOpaque() != 0; }

    /**
     * Tells whether a signal is pending for anybody: a load and a branch. A vcore whose thread the kernel has taken off its CPU can stay asked for milliseconds, in which all others pass
     * here at each checkpoint: what they do then must be cheap.
     */
    static boolean somebodyHasSignals() { return (int) SIGNALS.getOpaque() != 0; }

    /** Counts signals that threads shall look for at their checkpoints, and where they wait. The poll's word comes last: who sees it counted up finds the signals. */
    static void countSignals(int more) {
        SIGNALS.getAndAdd(more);
        PENDING.getAndAdd(more);
    }

    synchronized void period(Duration period) {
        if (period.isNegative()) throw new IllegalArgumentException("the scheduling period must not be negative: " + period);
        periodNanos = Parker.nanosOf(period);
        if (ticker == null && periodNanos > 0) {
            ticker = Thread.ofPlatform().daemon().name("torque-scheduling-period").start(this::tick);
        } else if (ticker != null) {
            LockSupport.unpark(ticker);
        }
    }

    Duration period() { return Duration.ofNanos(periodNanos); }

    private void tick() {
        long next = System.nanoTime();
        while (true) {
            long period = periodNanos;
            boolean over = vcores.getFirst().hasStopped();
            if (period == 0 || over) {
                for (int i = 0; i < vcores.size(); i++) takeRequest(i);
                synchronized (this) {
                    if (periodNanos != 0 && !over) continue; // it was set meanwhile
                    ticker = null;
                    return;
                }
            }
            next += period;
            long now = System.nanoTime();
            if (next - now < 0) next = now + period; // it came late, or the period is another one: what was missed is left out
            while ((now = System.nanoTime()) - next < 0 && periodNanos == period) LockSupport.parkNanos(this, next - now);
            if (periodNanos == period) ask();
            else next = System.nanoTime();
        }
    }

    /** Asks every vcore on which a thread runs, and takes back what was asked of others: that thread has gone by itself. */
    private void ask() {
        for (int i = 0; i < vcores.size(); i++) {
            if (vcores.get(i).mounted() == null) takeRequest(i);
            else if (asked.compareAndSet(i * STRIDE, 0, 1)) PENDING.getAndAdd(1);
        }
    }

    /** Returns whether a vcore has been asked, and takes the request back. */
    boolean takeRequest(int vcore) {
        if (vcore * STRIDE >= asked.length() || asked.get(vcore * STRIDE) == 0 || !asked.compareAndSet(vcore * STRIDE, 1, 0)) return false;
        PENDING.getAndAdd(-1);
        return true;
    }
}
