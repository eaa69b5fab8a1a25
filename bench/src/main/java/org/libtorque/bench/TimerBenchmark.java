package org.libtorque.bench;

import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.event.TimerClock;
import org.libtorque.event.TimerOptions;
import org.libtorque.event.TimerRegistration;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Color;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to arm, re-arm and cancel a timer while a thousand or a million are armed, here and with the JDK's heap and Netty's wheel. All deadlines are 30 to 90 s away, and
 * none comes.
 *
 * <ul>
 * <li>{@link #replace}, {@link #replaceJdk}, {@link #replaceNetty}: one operation cancels a timer and arms it, or another in its stead, for another time.
 * <li>{@link #rearm}: re-arms it for another time, as often earlier as later. {@link #putOff}: for a later one, as limits of connections do. The others have no such operation.
 * <li>{@link #touch}: no timers, but a compare-and-set in as many objects of the same size, in the same order: what memory costs whoever changes a word in one of so many.
 * <li>{@link #relink}: no timers either, but the same objects in circular lists: each is taken out of its list, appended to another, and has its word changed. That is what a wheel of
 *     intrusive lists, as constant in time as can be, makes memory do.
 * </ul>
 *
 * <p>Timers are gone through in the order in which they lie in memory, which the processor foresees, or in a random one, which it cannot: then everything that a million timers
 * consist of comes from far away each time, and the number of cache misses is what is measured. That is how it is with {@code touch} and {@code relink} too: what a timer adds is
 * the difference. Ours run on a vcore's thread, under their colour. Netty's cancelling and arming
 * only leaves notes in queues for the timer's own thread, whose work on another CPU is not in the figures.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(TimerBenchmark.OPERATIONS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(value = 2, jvmArgsAppend = {"-Xms2g", "-Xmx2g", "-Xmn1g", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders", "--enable-native-access=ALL-UNNAMED"})
@State(Scope.Thread)
public class TimerBenchmark {
    /** Operations in an invocation: so many that handing over to the vcore's thread does not show. */
    static final int OPERATIONS = 1 << 20;
    private static final long NEAREST = 30_000_000_000L, SPREAD = 60_000_000_000L;
    /** A power of two. */
    private static final int DELAYS = 1 << 12;

    /** How many are armed. */
    @Param({"1000", "1000000"})
    public int timers;

    /** The order in which they are gone through. */
    @Param({"sequential", "random"})
    public String order;

    private int[] sequence;
    private long[] delays;
    private int next;

    /** Decides on an order and on delays. */
    @Setup public void prepare() {
        var random = new SplittableRandom(7);
        sequence = new int[timers];
        for (int i = 0; i < timers; i++) sequence[i] = i;
        if (order.equals("random")) {
            for (int i = timers - 1; i > 0; i--) {
                int j = random.nextInt(i + 1);
                int other = sequence[j];
                sequence[j] = sequence[i];
                sequence[i] = other;
            }
        }
        delays = new long[DELAYS];
        for (int i = 0; i < DELAYS; i++) delays[i] = NEAREST + random.nextLong(SPREAD);
    }

    /** Returns the next timer's index; two fields, which stay in registers or nearly so. */
    private int nextIndex() {
        if (next == sequence.length) next = 0;
        return sequence[next++];
    }

    /** Timers of a runtime of one vcore. */
    @State(Scope.Thread)
    public static class Ours {
        private Torque torque;
        private Color color;
        private TimerRegistration[] timers;

        /** Opens the runtime and arms all. */
        @Setup public void open(TimerBenchmark benchmark) throws InterruptedException {
            torque = Torque.open(TorqueOptions.defaults().withCpus(CpuSet.of(CpuSet.allowed().toArray()[0])).withBackend(Backend.EPOLL).withOverstay(Duration.ZERO));
            color = torque.newColor();
            timers = new TimerRegistration[benchmark.timers];
            run(() -> {
                for (int i = 0; i < timers.length; i++) {
                    timers[i] = torque.timer(TimerOptions.UNARMED, color, (_, _) -> { throw new IllegalStateException("a timer fired"); });
                    timers[i].rearmAt(TimerClock.MONOTONIC.nanos() + benchmark.delays[i & DELAYS - 1]);
                }
            });
        }

        /** Runs something under the timers' colour, and waits. */
        void run(Runnable body) throws InterruptedException {
            var done = new CountDownLatch(1);
            torque.post(color, () -> {
                body.run();
                done.countDown();
            });
            done.await();
        }

        /** Closes the runtime. */
        @TearDown public void close() { torque.close(); }
    }

    /** Timers of the JDK. */
    @State(Scope.Thread)
    public static class Jdk {
        private final ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1);
        private ScheduledFuture<?>[] timers;

        /** Arms all. */
        @Setup public void open(TimerBenchmark benchmark) {
            executor.setRemoveOnCancelPolicy(true);
            timers = new ScheduledFuture<?>[benchmark.timers];
            for (int i = 0; i < timers.length; i++) timers[i] = executor.schedule(() -> { }, benchmark.delays[i & DELAYS - 1], TimeUnit.NANOSECONDS);
        }

        /** Ends the executor. */
        @TearDown public void close() { executor.shutdownNow(); }
    }

    /** Timers of Netty. */
    @State(Scope.Thread)
    public static class Netty {
        private final HashedWheelTimer wheel = new HashedWheelTimer(1, TimeUnit.MILLISECONDS, 512);
        private Timeout[] timers;

        /** Arms all. */
        @Setup public void open(TimerBenchmark benchmark) {
            timers = new Timeout[benchmark.timers];
            for (int i = 0; i < timers.length; i++) timers[i] = wheel.newTimeout(_ -> { }, benchmark.delays[i & DELAYS - 1], TimeUnit.NANOSECONDS);
        }

        /** Ends the timer's thread. */
        @TearDown public void close() { wheel.stop(); }
    }

    /** As large as a timer with compact headers: 104 bytes, and 40 for its task. */
    @SuppressWarnings("unused") private static final class Node {
        private static final VarHandle WORD = Handles.field(MethodHandles.lookup(), "word", long.class);

        private volatile long word;
        private Node next = this;
        private Node previous = this;
        private int list;
        private final byte[] task = new byte[24];
        private long p1, p2, p3, p4, p5, p6, p7, p8, p9;

        void change(long to) { WORD.compareAndSet(this, word, to); }
    }

    /** Objects in memory. */
    @State(Scope.Thread)
    public static class Nodes {
        private static final int LISTS = 64;
        private final Node[] firsts = new Node[LISTS];
        private Node[] nodes;

        /** Makes them. */
        @Setup public void open(TimerBenchmark benchmark) {
            nodes = new Node[benchmark.timers];
            for (int i = 0; i < nodes.length; i++) {
                nodes[i] = new Node();
                append(nodes[i], listOf(benchmark.delays[i & DELAYS - 1]));
            }
        }

        /** As the wheel, whose slots for these times are of 4.3 s each. */
        private static int listOf(long delay) { return (int) (delay >>> 32); }

        private void append(Node node, int list) {
            node.list = list;
            Node first = firsts[list];
            if (first == null) {
                firsts[list] = node.next = node.previous = node;
                return;
            }
            Node last = first.previous;
            node.next = first;
            node.previous = last;
            last.next = node;
            first.previous = node;
        }

        private void takeOut(Node node) {
            Node next = node.next;
            if (next == node) {
                firsts[node.list] = null;
                return;
            }
            Node previous = node.previous;
            previous.next = next;
            next.previous = previous;
            if (firsts[node.list] == node) firsts[node.list] = next;
        }
    }

    /** Cancels and arms. */
    @Benchmark public void replace(Ours ours) throws InterruptedException {
        ours.run(() -> {
            long now = TimerClock.MONOTONIC.nanos();
            for (int i = 0; i < OPERATIONS; i++) {
                TimerRegistration timer = ours.timers[nextIndex()];
                if (!timer.cancel()) throw new IllegalStateException("it was not armed");
                timer.rearmAt(now + delays[i & DELAYS - 1]);
            }
        });
    }

    /** Arms for another time. */
    @Benchmark public void rearm(Ours ours) throws InterruptedException {
        ours.run(() -> {
            long now = TimerClock.MONOTONIC.nanos();
            for (int i = 0; i < OPERATIONS; i++) {
                if (!ours.timers[nextIndex()].rearmAt(now + delays[i & DELAYS - 1])) throw new IllegalStateException("it was not armed");
            }
        });
    }

    /** Arms for a later time. */
    @Benchmark public void putOff(Ours ours) throws InterruptedException {
        ours.run(() -> {
            long later = TimerClock.MONOTONIC.nanos() + NEAREST + SPREAD;
            for (int i = 0; i < OPERATIONS; i++) {
                if (!ours.timers[nextIndex()].rearmAt(later + i)) throw new IllegalStateException("it was not armed");
            }
        });
    }

    /** Cancels, and arms another. */
    @Benchmark public void replaceJdk(Jdk jdk) {
        for (int i = 0; i < OPERATIONS; i++) {
            int index = nextIndex();
            jdk.timers[index].cancel(false);
            jdk.timers[index] = jdk.executor.schedule(() -> { }, delays[i & DELAYS - 1], TimeUnit.NANOSECONDS);
        }
    }

    /** Cancels, and arms another. */
    @Benchmark public void replaceNetty(Netty netty) {
        for (int i = 0; i < OPERATIONS; i++) {
            int index = nextIndex();
            netty.timers[index].cancel();
            netty.timers[index] = netty.wheel.newTimeout(_ -> { }, delays[i & DELAYS - 1], TimeUnit.NANOSECONDS);
        }
    }

    /** Changes a word. */
    @Benchmark public void touch(Nodes nodes) {
        for (int i = 0; i < OPERATIONS; i++) nodes.nodes[nextIndex()].change(i);
    }

    /** Changes a list and a word. */
    @Benchmark public void relink(Nodes nodes) {
        for (int i = 0; i < OPERATIONS; i++) {
            Node node = nodes.nodes[nextIndex()];
            nodes.takeOut(node);
            nodes.append(node, Nodes.listOf(delays[i & DELAYS - 1]));
            node.change(i);
        }
    }
}
