package org.libtorque.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.IdleQueue;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Control;

/**
 * What it costs to post a task and to run it, when nobody else is near: one operation is both. The vcore has an event queue that does nothing, so no system call is in it, and its
 * thread is a vcore's. The tasks themselves count down and post.
 *
 * <ul>
 * <li>{@link #sameColor}: a task posts itself. The vcore runs up to 16 of a colour in a row, so a turn's costs are shared by as many.
 * <li>{@link #uniqueColors}: a task posts one of another colour, that one the next, 64 colours in a ring: a turn for each task, mostly out of the slot for what was just posted.
 * <li>{@link #manyWaiting}: 64 colours wait in the run queue, and each task posts itself.
 * <li>{@link #oneAfterTheOther}: 64 colours wait in the run queue, each with one task; who posts them is the loop's thread between turns of the loop.
 * <li>{@link #fromOutside}: through the inbox, with a turn of the loop for each task. The same thread plays the poster, so no cache line is another CPU's.
 * <li>{@link #post} and {@link #turn}: the same with a thread that posts and a vcore's that runs.
 * </ul>
 *
 * Names that begin with {@code part} are what these are made of, {@code floor} is what queues without colours cost. {@code -prof gc} must show no byte but for
 * {@link #floorConcurrentLinkedQueue}, which makes a node for each.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = {"-Djmh.executor=CUSTOM", "-Djmh.executor.class=org.libtorque.bench.LoneVcore$Threads"})
public class ColorBenchmark {
    /** Tasks in an invocation; enough that the harness's own part does not show. */
    static final int BATCH = 4096;
    /** A power of two; few enough that all stays in the first-level cache, as does what a busy loop works on. */
    static final int COLORS = 64;
    /** By how much the clock that is not the system's goes at each look: a short task. */
    private static final long STEP_NANOS = 40;

    /** A vcore and its colours, played by the thread of JMH that runs the benchmark. */
    @State(Scope.Thread)
    public static class Played {
        /** What the vcore does for others: there are none here, but choosing what runs next is another code. */
        @Param({"STATIC", "MIGRATE"})
        public String balance;

        /** {@code system}, or {@code free}: one that is not read from the machine, which shows what reading costs. */
        @Param("system")
        public String clock;

        Vcore vcore;
        int left;
        Task[] reposting;
        Task[] passing;
        Task[] counting;
        private long time;

        private long freeClock() { return time += STEP_NANOS; }

        /** Makes the vcore and takes its place. */
        @Setup public void prepare() {
            Clock source = switch (clock) {
                case "system" -> Clock.SYSTEM;
                case "free" -> this::freeClock;
                default -> throw new IllegalArgumentException("the clock is system or free, not " + clock);
            };
            vcore = LoneVcore.make(source, Balance.valueOf(balance));
            vcore.bind(new IdleQueue());
            reposting = new Task[COLORS];
            passing = new Task[COLORS];
            counting = new Task[COLORS];
            for (int i = 0; i < COLORS; i++) {
                int next = i + 1 & COLORS - 1;
                Color color = vcore.newColor();
                reposting[i] = new Task(color) {
                    @Override protected void run() {
                        if (--left >= COLORS) post(); // the last of each colour end the batch
                    }
                };
                passing[i] = new Task(color) {
                    @Override protected void run() {
                        if (--left > 0) passing[next].post();
                    }
                };
                counting[i] = new Task(color) {
                    @Override protected void run() { left--; }
                };
            }
        }

        /** Turns the loop until all have run. */
        int runAll() {
            int turns = 0;
            for (; left > 0; turns++) vcore.runOnce(false);
            return turns;
        }
    }

    /** A field for atomic operations. */
    @State(Scope.Thread)
    public static class Word {
        private static final Object OTHER = new Object();
        private static final VarHandle WORD = Handles.field(MethodHandles.lookup(), "word", Object.class);

        @SuppressWarnings("unused") private Object word;
    }

    /** Queues without colours, with 64 runnables that put themselves in again. */
    @State(Scope.Thread)
    public static class Queues {
        private final ArrayDeque<Runnable> deque = new ArrayDeque<>(2 * COLORS);
        private final ConcurrentLinkedQueue<Runnable> shared = new ConcurrentLinkedQueue<>();
        private final Runnable[] ofDeque = new Runnable[COLORS];
        private final Runnable[] ofShared = new Runnable[COLORS];
        private int left;

        /** Makes the runnables. */
        @Setup public void prepare() {
            for (int i = 0; i < COLORS; i++) {
                int self = i;
                ofDeque[i] = () -> {
                    if (--left >= COLORS) deque.add(ofDeque[self]);
                };
                ofShared[i] = () -> {
                    if (--left >= COLORS) shared.add(ofShared[self]);
                };
            }
        }
    }

    /** A vcore and tasks that another thread posts. Needs two CPUs. */
    @State(Scope.Group)
    public static class Shared {
        private static final VarHandle RUNS = Handles.field(MethodHandles.lookup(), Posted.class, "runs", long.class);

        private static final class Posted extends Task {
            long posts;
            long runs;

            Posted(Color color) { super(color); }

            @Override protected void run() { RUNS.setRelease(this, runs + 1); }

            boolean isQueued() { return (long) RUNS.getAcquire(this) != posts; }
        }

        private final Posted[] tasks = new Posted[COLORS];
        private Vcore vcore;
        private int next;

        /** Makes the vcore; its thread takes its place later. */
        @Setup public void prepare() {
            vcore = LoneVcore.make(Clock.SYSTEM, Balance.MIGRATE);
            for (int i = 0; i < COLORS; i++) tasks[i] = new Posted(vcore.newColor());
        }
    }

    // ---- posting and running by the vcore's own thread

    /** A task that posts itself. */
    @Benchmark @OperationsPerInvocation(BATCH) public int sameColor(Played p) {
        p.left = BATCH + COLORS - 1;
        p.reposting[0].post();
        while (p.left >= COLORS) p.vcore.runOnce(false);
        return p.left;
    }

    /** A chain over unique colours. */
    @Benchmark @OperationsPerInvocation(BATCH) public int uniqueColors(Played p) {
        p.left = BATCH;
        p.passing[0].post();
        return p.runAll();
    }

    /** As many chains as there are colours. */
    @Benchmark @OperationsPerInvocation(BATCH) public int manyWaiting(Played p) {
        p.left = BATCH;
        for (Task task : p.reposting) task.post();
        return p.runAll();
    }

    /** One task for each colour, then another. */
    @Benchmark @OperationsPerInvocation(COLORS) public int oneAfterTheOther(Played p) {
        p.left = COLORS;
        for (Task task : p.counting) task.post();
        return p.runAll();
    }

    /** Posted by somebody who is not a vcore. */
    @Benchmark public int fromOutside(Played p) {
        p.left = 1;
        Vcore.switchTo(null);
        p.counting[0].post();
        Vcore.switchTo(p.vcore);
        return p.runAll();
    }

    // ---- from another thread

    /** Posts the next of 64 tasks, when it has run since the last time. */
    @Benchmark @Group("across") public int post(Shared s, Control control) {
        if (Vcore.current() != null) Vcore.switchTo(null);
        Shared.Posted task = s.tasks[s.next];
        while (task.isQueued()) {
            if (control.stopMeasurement) return s.next;
            Thread.onSpinWait();
        }
        task.posts++;
        task.post();
        return s.next = s.next + 1 & COLORS - 1;
    }

    /** A turn of the loop, which runs what has been posted meanwhile. */
    @Benchmark @Group("across") public int turn(Shared s) {
        if (Vcore.current() != s.vcore) s.vcore.bind(new IdleQueue());
        return s.vcore.runOnce(false);
    }

    // ---- parts

    /** Nothing: what JMH adds to each of these. */
    @Benchmark public void partNothing() {}

    /** An atomic exchange of a reference; the mark of a task, or taking what a colour has. */
    @Benchmark public Object partExchange(Word w) { return Word.WORD.getAndSet(w, Word.OTHER); }

    /** Two compare-and-sets of a reference that succeed; posting to an idle colour and letting it go. */
    @Benchmark public boolean partTwoCompareAndSets(Word w) {
        return Word.WORD.compareAndSet(w, null, Word.OTHER) & Word.WORD.compareAndSet(w, Word.OTHER, null);
    }

    /** A full fence, as on the way through an inbox. */
    @Benchmark public void partFullFence() { VarHandle.fullFence(); }

    /** Reading the clock, once in a colour's turn. */
    @Benchmark public long partNanoTime() { return System.nanoTime(); }

    /** Finding the vcore of the calling thread. */
    @Benchmark public Vcore partCurrent() { return Vcore.current(); }

    /** A turn of the loop that finds nothing to do. */
    @Benchmark public int partEmptyTurn(Played p) { return p.vcore.runOnce(false); }

    // ---- floors

    /** One thread's own, without any atomic operation: nobody else could post, or steal. */
    @Benchmark @OperationsPerInvocation(BATCH) public int floorArrayDeque(Queues q) {
        q.left = BATCH;
        for (Runnable runnable : q.ofDeque) q.deque.add(runnable);
        while (q.left > 0) q.deque.poll().run();
        return q.left;
    }

    /** The JDK's, which anybody may use; makes a node for each. */
    @Benchmark @OperationsPerInvocation(BATCH) public int floorConcurrentLinkedQueue(Queues q) {
        q.left = BATCH;
        for (Runnable runnable : q.ofShared) q.shared.add(runnable);
        while (q.left > 0) q.shared.poll().run();
        return q.left;
    }
}
