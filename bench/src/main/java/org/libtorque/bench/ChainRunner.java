package org.libtorque.bench;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Uninterruptibly;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/** Runs chains of callbacks, on as many threads as it was made for. One thread at a time uses it. */
interface ChainRunner extends AutoCloseable {
    /** Has the first callback of each chain run, and from then on each that follows. */
    void start(Chain.Group group);

    /** Returns what the runner counts, since it was made; nothing if it does not. */
    default Map<String, Long> counters() { return Map.of(); }

    @Override void close();

    /** A callback of a chain for those who take runnables, of which one object is enough: it puts itself in again. */
    private static Runnable link(Chain chain, Executor executor) {
        return new Runnable() {
            @Override public void run() {
                if (chain.step()) executor.execute(this);
            }
        };
    }

    /**
     * This project: a vcore for each CPU, a colour for each chain.
     *
     * @param together whether all are at home on the first vcore in the beginning, rather than on all in turn
     */
    static ChainRunner torque(List<Integer> cpus, Balance balance, boolean together) {
        Torque torque = Torque.open(TorqueOptions.defaults()
                .withCpus(CpuSet.of(cpus.stream().mapToInt(Integer::intValue).toArray())).withBalance(balance));
        List<Vcore> vcores = torque.vcores();
        final class Link extends Task {
            private final Chain chain;

            Link(Color color, Chain chain) {
                super(color);
                this.chain = chain;
            }

            @Override protected void run() {
                if (chain.step()) post();
            }
        }
        return new ChainRunner() {
            @Override public void start(Chain.Group group) {
                for (Chain chain : group.chains) new Link(vcores.get(together ? 0 : chain.index % vcores.size()).newColor(), chain).post();
            }

            @Override public Map<String, Long> counters() {
                var sums = new TreeMap<String, Long>();
                for (Vcore vcore : vcores) {
                    Vcore.Stats stats = vcore.stats();
                    sums.merge("steals", stats.steals(), Long::sum);
                    sums.merge("stolen", stats.stolen(), Long::sum);
                    sums.merge("pushed", stats.pushed(), Long::sum);
                    sums.merge("wakes", stats.wakes(), Long::sum);
                    sums.merge("turns", stats.turns(), Long::sum);
                }
                return sums;
            }

            @Override public void close() { torque.close(); }
        };
    }

    /** Threads that share one queue with a lock around it: what the paper's library was before it had a queue for each thread. */
    static ChainRunner sharedQueue(int threads) {
        final class Queue implements Executor {
            private final ReentrantLock lock = new ReentrantLock();
            private final Condition filled = lock.newCondition();
            private final ArrayDeque<Runnable> tasks = new ArrayDeque<>(1024);     // with the lock
            private int waiting;                                                   // with the lock
            private boolean closed;                                                // with the lock

            @Override public void execute(Runnable task) {
                lock.lock();
                try {
                    tasks.add(task);
                    if (waiting > 0) filled.signal();
                } finally {
                    lock.unlock();
                }
            }

            private Runnable take() {
                lock.lock();
                try {
                    while (tasks.isEmpty() && !closed) {
                        waiting++;
                        filled.awaitUninterruptibly();
                        waiting--;
                    }
                    return tasks.poll();
                } finally {
                    lock.unlock();
                }
            }

            void runAll() {
                for (Runnable task; (task = take()) != null; ) task.run();
            }

            void close() {
                lock.lock();
                try {
                    closed = true;
                    filled.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        }
        var queue = new Queue();
        var workers = new ArrayList<Thread>();
        for (int i = 0; i < threads; i++) workers.add(Thread.ofPlatform().daemon().name("shared-queue-" + i).start(queue::runAll));
        return new ChainRunner() {
            @Override public void start(Chain.Group group) {
                for (Chain chain : group.chains) queue.execute(link(chain, queue));
            }

            @Override public void close() {
                queue.close();
                for (Thread worker : workers) Uninterruptibly.await(worker::join); // each ends after the task that it runs
            }
        };
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e); // the pool is being closed
        }
    }

    /**
     * The JDK's pool with stealing, first in first out as for event-like tasks. A callback is a task of the pool's own kind that never completes, so it can be forked again and
     * nothing is allocated. They are forked, not submitted from outside: a worker looks at what was submitted when it has nothing of its own, and chains that never end
     * would keep all but a few others waiting for ever.
     *
     * @param together whether all are forked by one worker in the beginning, rather than by all in turn
     */
    static ChainRunner forkJoin(int threads, boolean together) {
        final class Link extends ForkJoinTask<Void> {
            private static final long serialVersionUID = 1;
            private final transient Chain chain;

            Link(Chain chain) { this.chain = chain; }

            @Override protected boolean exec() {
                if (chain.step()) fork();
                return false;
            }

            @Override public Void getRawResult() { return null; }

            @Override protected void setRawResult(Void value) {}
        }
        var pool = new ForkJoinPool(threads, ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, true);
        return new ChainRunner() {
            @Override public void start(Chain.Group group) {
                int starters = together ? 1 : threads;
                var barrier = new CyclicBarrier(starters); // or one worker would take several starters, or begin to steal and never come back for one
                for (int i = 0; i < starters; i++) {
                    int first = i;
                    pool.execute(() -> {
                        await(barrier);
                        for (int k = first; k < group.chains.size(); k += starters) new Link(group.chains.get(k)).fork();
                    });
                }
            }

            @Override public Map<String, Long> counters() { return Map.of("steals", pool.getStealCount()); }

            @Override public void close() { pool.shutdownNow(); }
        };
    }

    /** Netty's executors, each a thread with a queue of its own; a chain stays with one. */
    static ChainRunner nettyExecutors(int threads, boolean together) { return netty(new DefaultEventExecutorGroup(threads), together); }

    /** Netty's event loops over epoll, which have a faster queue than its executors; a chain stays with one. */
    static ChainRunner nettyLoops(int threads, boolean together) {
        return netty(new MultiThreadIoEventLoopGroup(threads, EpollIoHandler.newFactory()), together);
    }

    private static ChainRunner netty(EventExecutorGroup group, boolean together) {
        var executors = new ArrayList<Executor>();
        group.forEach(executors::add);
        return striped(executors, together, () -> group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly());
    }

    /** Pools of one thread; a chain's number says which one it stays with. */
    static ChainRunner striped(int threads, boolean together) {
        var pools = new ArrayList<ExecutorService>();
        for (int i = 0; i < threads; i++) pools.add(Executors.newSingleThreadExecutor());
        return striped(pools, together, () -> pools.forEach(ExecutorService::shutdownNow));
    }

    /** A pool with one queue for all its threads. */
    static ChainRunner fixedPool(int threads) {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        return striped(List.of(pool), true, pool::shutdownNow);
    }

    private static ChainRunner striped(List<? extends Executor> executors, boolean together, Runnable close) {
        return new ChainRunner() {
            @Override public void start(Chain.Group group) {
                for (Chain chain : group.chains) {
                    Executor executor = executors.get(together ? 0 : chain.index % executors.size());
                    executor.execute(link(chain, executor));
                }
            }

            @Override public void close() { close.run(); }
        };
    }
}
