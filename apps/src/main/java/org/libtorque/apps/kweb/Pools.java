package org.libtorque.apps.kweb;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.Torque;
import org.libtorque.event.Connection;
import org.libtorque.event.ConnectionHandler;
import org.libtorque.event.ListenOptions;
import org.libtorque.thread.Uthread;
import org.libtorque.thread.Uthreads;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;
import org.libtorque.vcore.Vcore;

/**
 * Mode {@code kweb}: the web server of Klues 2015, 2.6.2, with its scheduler of its own. Vcore 0 accepts, and does nothing else unless it is alone; the others have, each for itself, a queue of connections with
 * something to do and a pool of uthreads. Connections are assigned in turn and never leave their vcore. All that is of one vcore has one pinned colour, so nothing needs a lock: a thread runs until it waits.
 *
 * <p>A thread takes the connection at the head of the queue and serves requests of it, {@code burst} at most; if there are more, the connection goes to the tail. A request that takes long, because it computes or
 * asks another colour, goes into the queue by itself, and the connection is served on meanwhile: requests of one connection are in progress together, and their answers go out in the order of the requests.
 * What computes for long does so in slices, and comes behind what has been queued meanwhile after each.
 * (The original puts the connection back after each request, at the head of the queue as long as the burst lasts, and wakes a thread each time. What that comes to is the same.)
 */
final class Pools implements ConnectionHandler {
    /** Threads of a pool at most, as in the original. What they cannot take up waits in the queue. */
    private static final int MAX_THREADS = 100;

    private final Pool[] pools;
    private final Site site;
    private final int burst;
    /** Of the vcore that accepts. */
    private int next;

    Pools(Torque torque, Site site, int burst) {
        this.site = site;
        this.burst = burst;
        int vcores = torque.vcores().size();
        int first = vcores > 1 ? 1 : 0;
        pools = new Pool[vcores - first];
        for (int i = 0; i < pools.length; i++) pools[i] = new Pool(Uthreads.of(torque), torque.newColor(Placement.on(first + i)));
    }

    /** Returns options that have vcore 0 accept and the others serve. */
    ListenOptions placed(ListenOptions options) {
        return options.withPlacement(Placement.on(0)).withColors(() -> pools[next++ % pools.length].color);
    }

    @Override public void onOpen(Connection connection) {
        for (Pool pool : pools) {
            if (pool.color == connection.color()) new PooledSession(site.part(connection.vcore()), connection, pool, burst);
        }
    }

    /** One vcore's: all of it under its colour. */
    static final class Pool {
        private final Uthreads uthreads;
        private final Color color;
        private final ArrayDeque<Runnable> queue = new ArrayDeque<>();
        private final ArrayDeque<Worker> idle = new ArrayDeque<>();
        private int threads;
        /** Threads that neither are idle nor wait in the middle of some work. */
        private int working;

        Pool(Uthreads uthreads, Color color) {
            this.uthreads = uthreads;
            this.color = color;
        }

        /** Has one of the threads do something, behind what is queued. */
        void enqueue(Runnable work) {
            queue.addLast(work);
            if (working == 0) another();
        }

        /** Has one more thread go on with the queue: the one that was the last to go idle, or a new one. */
        private void another() {
            Worker worker = idle.pollFirst();
            if (worker == null && threads == MAX_THREADS) return; // one of them will come
            working++;
            if (worker != null) {
                worker.wake();
                return;
            }
            threads++;
            uthreads.spawn(color, new Worker(this)::run);
        }

        /** A thread is about to wait in the middle of its work: sees to it that another one goes on with the queue. */
        void beforeWaiting() {
            working--;
            if (working == 0 && !queue.isEmpty()) another();
        }

        /** It goes on. */
        void afterWaiting() { working++; }
    }

    private static final class Worker {
        private final Pool pool;
        private Thread thread;
        private boolean awake;

        Worker(Pool pool) { this.pool = pool; }

        void wake() {
            awake = true;
            LockSupport.unpark(thread);
        }

        void run() {
            thread = Thread.currentThread();
            while (true) {
                Runnable work = pool.queue.pollFirst();
                if (work != null) {
                    work.run();
                    if (Vcore.current().shouldYield()) Uthread.yield(); // the vcore has more to do than this queue, and its events keep coming
                    continue;
                }
                awake = false;
                pool.working--;
                pool.idle.addFirst(this); // the last one first: its stack is in cache
                while (!awake) LockSupport.park(pool); // for good, when the runtime has stopped
            }
        }
    }
}
