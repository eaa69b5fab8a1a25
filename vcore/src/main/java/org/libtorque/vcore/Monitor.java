package org.libtorque.vcore;

import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks at the vcores of a runtime from time to time, from a thread of its own, and reports two mistakes that programs of callbacks make:
 *
 * <ul>
 * <li>a task that <em>overstays</em>: it blocks, or computes for long, and everything else of its vcore waits;
 * <li>a colour that is <em>never idle</em>: it has more to do than one CPU can, and since its tasks never run in parallel, more CPUs would not help it.
 * </ul>
 *
 * <p>It reads what vcores write anyway (which task runs, since when), in opaque mode, and costs them nothing. A report can be late by two periods. What it says of the task was
 * true when it looked.
 *
 * <p>Time for which the machine keeps a vcore's thread off its CPU is no task's: one that still wants its CPU is reported only when it has had that for half of the bound at least.
 *
 * <p>What runs inside of something {@link Mounted}, such as a user-level thread, is looked for on its stack, and its overstaying is left to who looks after it, if somebody does.
 *
 * <p>{@link #look} is a look; {@link #start} has a daemon thread do it every period.
 */
public final class Monitor implements AutoCloseable {
    /** How long until a colour that is still not idle is reported again. */
    private static final long REPEAT_NANOS = 60_000_000_000L;

    /**
     * A task that has been running for too long, or again and again in one turn of its colour.
     *
     * @param vcore    where
     * @param callback what runs: the class of the program's callback where that is known, else of the task
     * @param color    what it is serialised with
     * @param duration for how long, at least
     * @param stack    where its thread is
     */
    public record Overstay(Vcore vcore, String callback, Color color, Duration duration, List<StackTraceElement> stack) {}

    /**
     * A colour that has not been without work for long.
     *
     * @param color    which
     * @param callback what it runs at the moment
     * @param duration for how long, at least
     * @param turn     what a turn of it takes on average
     * @param stack    where the thread that runs it is
     */
    public record NeverIdle(Color color, String callback, Duration duration, Duration turn, List<StackTraceElement> stack) {}

    /** Is told, on the monitor's thread. What it lets out is logged, and it is told of the next. */
    public interface Listener {
        /** A task overstays; said once for each run of a task. */
        void onOverstay(Overstay report);

        /** A colour is never idle; said once a minute while that lasts. */
        void onNeverIdle(NeverIdle report);
    }

    private final List<Vcore> vcores;
    private final Clock clock;
    private final ThreadTimes times;
    private final Listener listener;
    private final long periodNanos;
    private final long overstayNanos;
    private final long neverIdleNanos;
    private final Seen[] seen;
    private final Map<Color, Long> reported = new IdentityHashMap<>();
    private Thread thread;
    private boolean looked;
    private long lastLook;

    /** What a vcore was at when it was looked at last. */
    private static final class Seen {
        Task task;
        long turn;
        long since;
        long ran; // of its thread, at that time
        boolean reported;
    }

    /**
     * @param overstay  how long a task may run; zero to report none
     * @param neverIdle how long a colour may be without a break; zero to report none
     * @throws IllegalArgumentException if both are zero, or one is negative
     */
    public Monitor(List<Vcore> vcores, Clock clock, Listener listener, Duration overstay, Duration neverIdle) {
        this(vcores, clock, ThreadTimes.KERNEL, listener, overstay, neverIdle);
    }

    /** @param times of the vcores' threads */
    Monitor(List<Vcore> vcores, Clock clock, ThreadTimes times, Listener listener, Duration overstay, Duration neverIdle) {
        if (overstay.isNegative() || neverIdle.isNegative()) throw new IllegalArgumentException("bounds must not be negative: " + overstay + ", " + neverIdle);
        if (overstay.isZero() && neverIdle.isZero()) throw new IllegalArgumentException("there is nothing to look for");
        this.vcores = List.copyOf(vcores);
        this.clock = clock;
        this.times = times;
        this.listener = listener;
        overstayNanos = overstay.toNanos();
        neverIdleNanos = neverIdle.toNanos();
        long bound = overstayNanos == 0 ? neverIdleNanos : neverIdleNanos == 0 ? overstayNanos : Math.min(overstayNanos, neverIdleNanos);
        periodNanos = Math.clamp(bound / 2, 5_000_000, 1_000_000_000);
        seen = new Seen[this.vcores.size()];
        for (int i = 0; i < seen.length; i++) seen[i] = new Seen();
    }

    /** Returns how often the thread looks. */
    public Duration period() { return Duration.ofNanos(periodNanos); }

    /** Starts looking. */
    public synchronized void start() {
        if (thread != null) throw new IllegalStateException("it was started");
        thread = Thread.ofPlatform().daemon().name("torque-monitor").start(() -> {
            try {
                while (true) {
                    Thread.sleep(period());
                    lookSurely();
                }
            } catch (InterruptedException e) {
                // closed
            }
        });
    }

    /** Looks, and goes on looking whatever the listener lets out. */
    private void lookSurely() {
        try {
            look();
        } catch (Throwable failure) {
            System.getLogger("org.libtorque").log(System.Logger.Level.ERROR, "the monitor's listener failed", failure);
        }
    }

    /**
     * Looks once. By one thread at a time. What the listener lets out ends the look, not the next; what was reported to it counts as reported.
     */
    public void look() {
        long now = clock.nanoTime();
        // When this thread comes as late as that, the machine had no time for it, and perhaps none for the vcores: what is over two periods does not count.
        long stalled = looked ? Math.max(0, now - lastLook - 2 * periodNanos) : 0;
        looked = true;
        lastLook = now;
        for (int i = 0; i < seen.length; i++) {
            Vcore vcore = vcores.get(i);
            Task task = vcore.runningTask();
            long turn = vcore.turnStart();
            Seen last = seen[i];
            last.since += stalled;
            if (task == null || task != last.task || turn != last.turn) {
                last.task = task;
                last.turn = turn;
                last.since = now;
                last.ran = task == null || overstayNanos == 0 ? 0 : times.ranNanos(vcore);
                last.reported = false;
            } else if (overstayNanos > 0 && !last.reported && now - last.since >= overstayNanos && !isKeptOff(vcore, last.ran)) {
                last.reported = true;
                boolean watched = vcore.mounted() instanceof Mounted m && m.isWatched();
                if (!watched) listener.onOverstay(new Overstay(vcore, nameOf(task), task.color(), Duration.ofNanos(now - last.since), stackOf(vcore)));
            }
            if (neverIdleNanos > 0 && task != null) lookAt(vcore, task, now);
        }
        reported.values().removeIf(when -> now - when >= REPEAT_NANOS);
    }

    /** Tells whether a vcore's thread would run, but has hardly been let since it had run for so long. */
    private boolean isKeptOff(Vcore vcore, long before) {
        long ran = times.ranNanos(vcore);
        return before >= 0 && ran >= 0 && ran - before < overstayNanos / 2 && times.isRunnable(vcore);
    }

    private void lookAt(Vcore vcore, Task task, long now) {
        Color color = task.color();
        long since = color.busySince();
        if (since == 0 || now - since < neverIdleNanos || reported.containsKey(color)) return;
        reported.put(color, now);
        listener.onNeverIdle(new NeverIdle(color, nameOf(task), Duration.ofNanos(now - since), Duration.ofNanos(color.cost), stackOf(vcore)));
    }

    /** Of what is mounted on the vcore's thread, else of that. */
    private static List<StackTraceElement> stackOf(Vcore vcore) {
        StackTraceElement[] own = vcore.mounted() instanceof Mounted m ? m.thread().getStackTrace() : new StackTraceElement[0];
        return own.length > 0 ? List.of(own) : vcore.stack();
    }

    private static String nameOf(Task task) { return task.subject().getClass().getName(); }

    /** Stops looking. */
    @Override public synchronized void close() {
        if (thread != null) thread.interrupt();
    }
}
