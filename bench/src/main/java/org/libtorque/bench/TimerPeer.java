package org.libtorque.bench;

import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import io.netty.util.TimerTask;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.event.TimerClock;
import org.libtorque.event.TimerOptions;
import org.libtorque.event.TimerRegistration;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;

/** Whose timers {@link TimersBench} measures. */
enum TimerPeer {
    EPOLL("epoll", "vcores over epoll, timers by the tick of a millisecond", cpus -> new Ours(cpus, Backend.EPOLL, false)),
    EPOLL_PRECISE("epoll-precise", "the same, precise timers", cpus -> new Ours(cpus, Backend.EPOLL, true)),
    IO_URING("io_uring", "vcores over io_uring, timers by the tick of a millisecond", cpus -> new Ours(cpus, Backend.IO_URING, false)),
    IO_URING_PRECISE("io_uring-precise", "the same, precise timers", cpus -> new Ours(cpus, Backend.IO_URING, true)),
    JDK("jdk", "ScheduledThreadPoolExecutor with a thread for each CPU, which runs the load too", Jdk::new),
    NETTY("netty", "Netty's HashedWheelTimer with a tick of 1 ms, whose thread calls; the load is on a fixed pool with a thread for each CPU", cpus -> new Netty(cpus, 1)),
    NETTY_DEFAULT("netty-100ms", "the same with the tick of 100 ms that is its default", cpus -> new Netty(cpus, 100));

    /** Timers and an executor, of one peer. */
    interface Timers extends AutoCloseable {
        /**
         * Calls back once at a time, then at whatever time the callback says.
         *
         * @param deadlineNanos of {@link System#nanoTime}
         * @param callback      is given the deadline and returns the next, or 0 for none
         */
        void start(long deadlineNanos, Callback callback);

        /** Calls back at a fixed rate, as the peer has it, with the number of times that have come at once; says false if it has no such thing. */
        void every(long periodNanos, LongConsumer callback);

        /** Where busy callbacks run. */
        Executor load(int index);

        @Override void close();
    }

    /** See {@link Timers#start}. */
    @FunctionalInterface interface Callback {
        long call(long deadlineNanos);
    }

    final String id;
    final String title;
    private final Function<List<Integer>, Timers> factory;

    TimerPeer(String id, String title, Function<List<Integer>, Timers> factory) {
        this.id = id;
        this.title = title;
        this.factory = factory;
    }

    Timers open(List<Integer> cpus) { return factory.apply(cpus); }

    static List<String> ids() { return Arrays.stream(values()).map(peer -> peer.id).toList(); }

    static TimerPeer byId(String id) { return Arrays.stream(values()).filter(peer -> peer.id.equals(id)).findFirst().orElse(null); }

    /** Ours: each timer under a colour of its own. */
    private static final class Ours implements Timers {
        private final Torque torque;
        private final boolean precise;

        Ours(List<Integer> cpus, Backend backend, boolean precise) {
            torque = Torque.open(TorqueOptions.defaults().withCpus(CpuSet.of(cpus.stream().mapToInt(Integer::intValue).toArray())).withBackend(backend));
            this.precise = precise;
        }

        private TimerOptions options(TimerOptions options) { return precise ? options.withPrecision() : options; }

        @Override public void start(long deadlineNanos, Callback callback) {
            long[] deadline = {deadlineNanos}; // the colour's
            torque.timer(options(TimerOptions.at(TimerClock.MONOTONIC, deadlineNanos)), torque.newColor(), (timer, _) -> next(timer, deadline, callback));
        }

        private static void next(TimerRegistration timer, long[] deadline, Callback callback) {
            deadline[0] = callback.call(deadline[0]);
            if (deadline[0] != 0) timer.rearmAt(deadline[0]);
        }

        @Override public void every(long periodNanos, LongConsumer callback) {
            torque.timer(options(TimerOptions.every(Duration.ofNanos(periodNanos))), torque.newColor(), (_, n) -> callback.accept(n));
        }

        @Override public Executor load(int index) {
            var color = torque.newColor();
            return action -> torque.post(color, action);
        }

        @Override public void close() { torque.close(); }
    }

    private static final class Jdk implements Timers {
        private final ScheduledThreadPoolExecutor executor;

        Jdk(List<Integer> cpus) { executor = new ScheduledThreadPoolExecutor(cpus.size()); }

        @Override public void start(long deadlineNanos, Callback callback) {
            executor.schedule(() -> {
                long next = callback.call(deadlineNanos);
                if (next != 0) start(next, callback);
            }, deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        @Override public void every(long periodNanos, LongConsumer callback) {
            executor.scheduleAtFixedRate(() -> callback.accept(1), periodNanos, periodNanos, TimeUnit.NANOSECONDS);
        }

        @Override public Executor load(int index) { return executor; }

        @Override public void close() { executor.shutdownNow(); }
    }

    private static final class Netty implements Timers {
        private final HashedWheelTimer wheel;
        private final java.util.concurrent.ExecutorService pool;

        Netty(List<Integer> cpus, long tickMillis) {
            wheel = new HashedWheelTimer(tickMillis, TimeUnit.MILLISECONDS);
            pool = Executors.newFixedThreadPool(cpus.size());
        }

        @Override public void start(long deadlineNanos, Callback callback) {
            wheel.newTimeout(_ -> {
                long next = callback.call(deadlineNanos);
                if (next != 0) start(next, callback);
            }, deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        /** It has none: the callback starts the next one, as its users do. */
        @Override public void every(long periodNanos, LongConsumer callback) {
            wheel.newTimeout(new TimerTask() {
                @Override public void run(Timeout timeout) {
                    callback.accept(1);
                    wheel.newTimeout(this, periodNanos, TimeUnit.NANOSECONDS);
                }
            }, periodNanos, TimeUnit.NANOSECONDS);
        }

        @Override public Executor load(int index) { return pool; }

        @Override public void close() {
            wheel.stop();
            pool.shutdownNow();
        }
    }
}
