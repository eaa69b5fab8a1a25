package org.libtorque.thread;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/**
 * Looks after vcores whose thread does not come back from a uthread: one that blocks in a native call, or while it is pinned, or computes past a bound. Then a spare vcore on the same
 * CPU takes over what waits there, again and again until the thread has come back: colours that may run elsewhere, the queues of {@link Scheduler schedulers}, timers. After Go's
 * hand-off of a P, with the difference that an event queue belongs to one thread (an io_uring has one submitter), so the vcore is not handed over as a whole: its sources wait.
 *
 * <p>Safe because a vcore is <em>lent</em> while a uthread runs ({@link Vcore#lend}): the spare takes it for some microseconds, and a thread that comes back meanwhile waits as long.
 *
 * <p>{@code FREE -a vcore is stuck-> STANDING IN for one or more -all have come back-> hands back, FREE}. Spares are made when first needed, at most as many as there are vcores, and
 * kept. A spare that gets stuck itself is stood in for like any other, and what it stood in for as well; if no spare is left, what waits on it goes to a vcore as soon as one has
 * come back.
 */
final class Compensation {
    static final Duration DEFAULT_BOUND = Duration.ofMillis(20);
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final long MIN_PERIOD_NANOS = 1_000_000, MAX_PERIOD_NANOS = 50_000_000;
    /** How often a spare looks for what has turned up at a vcore that it stands in for, when it has nothing else to do. */
    private static final long LOOK_NANOS = 500_000;
    private static final long REPORT_NANOS = 1_000_000_000;

    private final Uthreads uthreads;
    private final int maxSpares;
    private volatile long boundNanos;
    private volatile long count;
    private Thread watcher; // guarded by this
    // ---- the watcher's
    private final List<Watched> watched = new ArrayList<>();
    private final List<Spare> spares = new ArrayList<>();
    private long lastLook;
    private long lastReport;
    private long unreported;

    /** A vcore, and what it was at when it was looked at last. */
    private static final class Watched {
        final Vcore vcore;
        Object mounted;
        long turn;
        long since;
        Spare standIn;

        Watched(Vcore vcore) { this.vcore = vcore; }
    }

    /** A vcore that stands in for others. */
    private final class Spare {
        /** For whom. Changed by the watcher alone. */
        final CopyOnWriteArrayList<Vcore> victims = new CopyOnWriteArrayList<>();
        final Vcore vcore;
        private final Task nudge;

        Spare(Vcore beside) {
            vcore = uthreads.torque().spareVcore(beside, this::run);
            nudge = new Task(vcore.newColor().pin()) {
                @Override protected void run() { }
            };
        }

        /** The body of its thread. */
        private void run(Vcore self) {
            while (!self.isStopping()) {
                if (victims.isEmpty()) {
                    self.handBack();
                    self.runOnce(true);
                    continue;
                }
                int taken = 0;
                for (Vcore victim : victims) taken += Math.max(0, self.takeOver(victim, () -> evacuate(victim)));
                if (self.runOnce(false) == 0 && taken == 0) LockSupport.parkNanos(this, LOOK_NANOS);
            }
        }

        void standInFor(Vcore victim) {
            boolean first = victims.isEmpty();
            for (Scheduler scheduler : uthreads.schedulers()) {
                VcoreContext of = scheduler.contextOf(victim);
                VcoreContext mine = scheduler.standIn(vcore);
                if (of == null || mine == null) continue;
                mine.away(false);
                of.away(true);
                mine.wake();
            }
            victims.add(victim);
            if (first) nudge.postSurely();
        }

        void leave(Vcore victim) {
            victims.remove(victim);
            for (Scheduler scheduler : uthreads.schedulers()) {
                VcoreContext of = scheduler.contextOf(victim);
                if (of != null && of.vcore() == victim) {
                    of.away(false);
                    of.wake();
                }
                VcoreContext mine = scheduler.contextOf(vcore);
                if (mine != null && victims.isEmpty()) {
                    mine.away(true);
                    mine.wake(); // to have what it has go elsewhere
                }
            }
        }
    }

    Compensation(Uthreads uthreads) {
        this.uthreads = uthreads;
        maxSpares = uthreads.torque().vcores().size();
        for (Vcore vcore : uthreads.torque().vcores()) watched.add(new Watched(vcore));
    }

    int maxSpares() { return maxSpares; }

    long count() { return count; }

    synchronized void bound(Duration bound) {
        if (bound.isNegative()) throw new IllegalArgumentException("the bound must not be negative: " + bound);
        boundNanos = Parker.nanosOf(bound);
        if (boundNanos > 0 && watcher == null) watcher = Thread.ofPlatform().daemon().name("torque-compensation").start(this::watch);
    }

    boolean isOn() { return boundNanos > 0; }

    private void watch() {
        while (true) {
            long bound = boundNanos;
            boolean over = uthreads.torque().isStopping();
            if (bound == 0 && spares.stream().allMatch(spare -> spare.victims.isEmpty()) || over) {
                synchronized (this) {
                    if (boundNanos > 0 && !over) continue;
                    watcher = null;
                    return;
                }
            }
            LockSupport.parkNanos(this, period(bound));
            try {
                look(System.nanoTime(), bound);
            } catch (RuntimeException e) { // such as a spare that could not be started: the runtime is stopping, or threads are out
                LOG.log(Level.DEBUG, "looking after vcores", e);
            }
        }
    }

    private void look(long now, long bound) {
        // When this thread comes late itself, the machine had no time for it, and perhaps none for the vcores: that does not count.
        long stalled = lastLook == 0 ? 0 : Math.max(0, now - lastLook - 2 * period(bound));
        lastLook = now;
        for (int i = 0; i < watched.size(); i++) { // it grows with the spares
            Watched w = watched.get(i);
            Object mounted = w.vcore.mounted();
            long turn = w.vcore.turnStart();
            w.since += stalled;
            if (mounted == null || mounted != w.mounted || turn != w.turn) {
                w.mounted = mounted;
                w.turn = turn;
                w.since = now;
                if (w.standIn != null) {
                    w.standIn.leave(w.vcore);
                    w.standIn = null;
                }
            } else if (bound > 0 && w.standIn == null && now - w.since >= bound) {
                Spare spare = freeSpare(w.vcore);
                if (spare == null) { // as many as may be are at work
                    askVcore(w, now, bound);
                    continue;
                }
                w.standIn = spare;
                spare.standInFor(w.vcore);
                for (Spare stuck : spares) { // what it stood in for has nobody now
                    if (stuck.vcore != w.vcore) continue;
                    for (Watched other : watched) {
                        if (other.standIn != stuck) continue;
                        stuck.leave(other.vcore);
                        other.standIn = spare;
                        spare.standInFor(other.vcore);
                    }
                }
                count++; // one writer
                report(w, now);
            }
        }
    }

    /** A spare is stuck that stands in for nobody any more: what waits on it goes to a vcore that is not stuck. */
    private void askVcore(Watched stuck, long now, long bound) {
        for (Spare spare : spares) if (spare.vcore == stuck.vcore && !spare.victims.isEmpty()) return;
        for (Watched w : watched) {
            Vcore helper = w.vcore;
            if (w == stuck || w.standIn != null || helper.isParked() || w.mounted != null && now - w.since >= bound) continue;
            new Task(helper.newColor().pin()) {
                @Override protected void run() { helper.takeOver(stuck.vcore, () -> evacuate(stuck.vcore)); }
            }.postSurely();
            return;
        }
    }

    private static long period(long bound) { return Math.clamp(bound / 2, MIN_PERIOD_NANOS, MAX_PERIOD_NANOS); }

    private Spare freeSpare(Vcore beside) {
        for (Spare spare : spares) {
            if (spare.vcore != beside && spare.victims.isEmpty() && spare.vcore.cpu() == beside.cpu() && spare.vcore.mounted() == null) return spare;
        }
        if (spares.size() >= maxSpares) return null;
        Spare made = new Spare(beside);
        spares.add(made);
        watched.add(new Watched(made.vcore));
        return made;
    }

    /** What schedulers keep for a vcore that is stood in for goes elsewhere. In custody of that vcore. */
    private void evacuate(Vcore victim) {
        for (Scheduler scheduler : uthreads.schedulers()) {
            VcoreContext context = scheduler.contextOf(victim);
            if (context != null && context.isParked()) context.leave();
        }
    }

    private void report(Watched w, long now) {
        unreported++;
        if (count > 1 && now - lastReport < REPORT_NANOS) return;
        lastReport = now;
        StringBuilder text = new StringBuilder(1024).append(w.vcore).append(": ").append(w.mounted).append(" has been running for ").append((now - w.since) / 1_000_000)
                .append(" ms; another thread on this CPU does what else waits");
        if (unreported > 1) text.append(" (").append(unreported - 1).append(" others since the last report)");
        unreported = 0;
        StackTraceElement[] stack = w.mounted instanceof Uthread uthread ? uthread.thread().getStackTrace() : new StackTraceElement[0];
        for (StackTraceElement frame : stack) text.append("\n\tat ").append(frame);
        LOG.log(Level.WARNING, text.toString());
    }
}
