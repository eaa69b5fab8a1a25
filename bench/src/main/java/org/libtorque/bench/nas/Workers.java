package org.libtorque.bench.nas;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RecursiveAction;
import java.util.concurrent.ThreadFactory;
import org.libtorque.thread.Barrier;

/**
 * Those who share the work of a parallel region. {@link #run} has a body run once for each rank and returns when all have: what stands between two regions is run by one thread, which
 * sees all that they have written, and they see what it has.
 */
public abstract class Workers implements AutoCloseable {
    /** What each rank does in a region. */
    @FunctionalInterface
    public interface Region {
        /** @param rank from 0 */
        void run(int rank);
    }

    /** How many ranks there are. */
    public final int size;

    Workers(int size) { this.size = size; }

    /** Runs a region. */
    public abstract void run(Region region);

    @Override public abstract void close();

    /** Returns where the part of {@code rank} of so many things begins; that of the next rank begins where it ends. */
    public final int from(int rank, int things) { return (int) ((long) things * rank / size); }

    /** Makes workers that are threads of a factory and meet at our barrier. The first of them is the one that calls {@link #run}. */
    public static Workers onBarrier(int size, ThreadFactory threads) {
        var barrier = new Barrier(size);
        return new Team(size, threads, () -> {
            try {
                barrier.await();
            } catch (InterruptedException | BrokenBarrierException e) {
                throw new IllegalStateException("the barrier is broken", e);
            }
        });
    }

    /** As {@link #onBarrier}, with the JDK's barrier. */
    public static Workers onCyclicBarrier(int size, ThreadFactory threads) {
        var barrier = new CyclicBarrier(size);
        return new Team(size, threads, () -> {
            try {
                barrier.await();
            } catch (InterruptedException | BrokenBarrierException e) {
                throw new IllegalStateException("the barrier is broken", e);
            }
        });
    }

    /** Makes workers that are tasks of a fork-join pool, forked and joined in each region. */
    public static Workers onForkJoin(int size) { return new Forked(size); }

    /** Threads that live as long as the team and meet before and behind each region. */
    private static final class Team extends Workers {
        private final Runnable barrier;
        private final List<Thread> threads = new ArrayList<>();
        private Region region;
        private volatile Throwable failure;

        Team(int size, ThreadFactory factory, Runnable barrier) {
            super(size);
            this.barrier = barrier;
            for (int rank = 1; rank < size; rank++) {
                int r = rank;
                Thread thread = factory.newThread(() -> {
                    for (;;) {
                        barrier.run();
                        Region now = region;
                        if (now == null) return;
                        part(now, r);
                        barrier.run();
                    }
                });
                threads.add(thread);
                thread.start();
            }
        }

        private void part(Region now, int rank) {
            try {
                now.run(rank);
            } catch (Throwable t) {
                failure = t;
            }
        }

        @Override public void run(Region now) {
            region = now; // seen by the others by way of the barrier
            barrier.run();
            part(now, 0);
            barrier.run();
            Throwable f = failure;
            if (f != null) throw new IllegalStateException("a rank failed", f);
        }

        @Override public void close() {
            region = null;
            barrier.run();
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private static final class Forked extends Workers {
        private final ForkJoinPool pool;

        Forked(int size) {
            super(size);
            pool = new ForkJoinPool(size);
        }

        private static final class Part extends RecursiveAction {
            private static final long serialVersionUID = 1;
            private final transient Region region;
            private final int from, to;

            Part(Region region, int from, int to) {
                this.region = region;
                this.from = from;
                this.to = to;
            }

            @Override protected void compute() {
                if (to - from == 1) {
                    region.run(from);
                    return;
                }
                int middle = (from + to) >>> 1;
                invokeAll(new Part(region, from, middle), new Part(region, middle, to));
            }
        }

        @Override public void run(Region region) { pool.invoke(new Part(region, 0, size)); }

        @Override public void close() { pool.close(); }
    }
}
