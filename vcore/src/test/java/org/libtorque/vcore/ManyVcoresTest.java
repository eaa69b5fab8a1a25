package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.Eventually;

/** Vcores on threads of their own, which sleep and are woken, steal and move, while outside threads post. */
class ManyVcoresTest {
    private static final int VCORES = 4;

    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final List<VcoreThread> threads = new ArrayList<>();
    private final Vcore[] vcores = new Vcore[VCORES];
    private final CountDownLatch bound = new CountDownLatch(VCORES);

    /** Sleeps on a semaphore, as on an eventfd. */
    private static final class SleepyQueue extends FakeQueue {
        final Semaphore tokens = new Semaphore(0);
        final AtomicInteger sources = new AtomicInteger();
        /** What is to be done by the next harvest; of the owner's thread. */
        final List<Runnable> later = new ArrayList<>();

        @Override public int harvest(int window, long timeoutNanos) {
            int events = later.size();
            for (Runnable r : later) r.run();
            later.clear();
            if (events > 0 || timeoutNanos == 0) return events;
            try {
                if (timeoutNanos == Long.MAX_VALUE) tokens.acquire();
                else tokens.tryAcquire(timeoutNanos, TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            tokens.drainPermits();
            return 0;
        }

        @Override public boolean hasDeferredWork() { return !later.isEmpty(); }

        @Override public void wake() { tokens.release(); }

        @Override public int sourceCount() { return sources.get(); }
    }

    private final class Mover extends Resident {
        Vcore at;

        Mover(Color color) {
            super(color);
            settle();
            at = color.home();
            queue().sources.incrementAndGet();
        }

        SleepyQueue queue() { return (SleepyQueue) at.queue(); }

        @Override protected boolean canMove() { return true; }

        @Override protected void depart() {
            assertSame(at, Vcore.current());
            queue().later.add(() -> { // in a later harvest
                queue().sources.decrementAndGet();
                at = null;
                departed();
            });
        }

        @Override protected void arrive() {
            at = Vcore.current();
            assertSame(at, color().home());
            queue().sources.incrementAndGet();
        }

        void end() {
            assertSame(at, Vcore.current());
            unsettle();
            queue().sources.decrementAndGet();
        }

        @Override protected void run() { }
    }

    private void start(Balance balance) {
        Scoreboard board = Scoreboard.flat(VCORES);
        for (int i = 0; i < VCORES; i++) {
            Vcore vcore = vcores[i] = new Vcore(i, i, Clock.SYSTEM, new BlockPool(4096, 4096), 1_000, (where, e) -> fail(e), board, balance);
            threads.add(new VcoreThread(vcore, () -> {
                try {
                    vcore.bind(new SleepyQueue());
                    bound.countDown();
                    vcore.runLoop();
                    assertEquals(0, vcore.shutDown(20_000_000_000L), "sources left at " + vcore);
                } catch (Throwable e) {
                    fail(e);
                }
            }));
        }
        threads.forEach(Thread::start);
        try {
            bound.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop() {
        for (Vcore vcore : vcores) vcore.requestStop();
        threads.forEach(Eventually::awaitEnd);
        assertNull(failure.get(), () -> {
            failure.get().printStackTrace();
            return failure.get().toString();
        });
    }

    private void fail(Throwable e) { failure.compareAndSet(null, e); }

    private static void burn(long nanos) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < nanos) Thread.onSpinWait();
    }

    /** What each of a colour's posters has posted and had run; plain, for one thread at a time runs a colour. */
    private static final class Strand {
        final Color color;
        final long[] ran;
        int inside;

        Strand(Color color, int posters) {
            this.color = color;
            ran = new long[posters];
        }
    }

    @ParameterizedTest @EnumSource(Balance.class)
    void everyTaskRunsOnceInItsPostersOrderAndOneOfAColorAtATime(Balance balance) {
        int posters = 2;
        int colors = 100;
        int each = 40_000;
        start(balance);
        List<Strand> strands = new ArrayList<>();
        List<Mover> movers = new ArrayList<>();
        var made = new CountDownLatch(colors);
        for (int i = 0; i < colors; i++) {
            Color color = vcores[i % 2].newColor(); // the other vcores have to steal
            strands.add(new Strand(color, posters));
            if (i % 3 > 0) {
                made.countDown();
                continue;
            }
            Team.homeTask(color, () -> {
                Mover mover = new Mover(color);
                synchronized (movers) {
                    movers.add(mover);
                }
                made.countDown();
            }).post();
        }
        Eventually.await("all is made", () -> made.getCount() == 0);
        var left = new AtomicInteger(posters * each);
        List<Thread> posting = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            int poster = p;
            posting.add(Thread.ofPlatform().name("poster " + p).start(() -> {
                var random = new SplittableRandom(poster);
                long[] posted = new long[colors];
                for (int i = 0; i < each; i++) {
                    int which = random.nextInt(3) > 0 ? random.nextInt(6) : random.nextInt(colors); // a few have most to do
                    Strand strand = strands.get(which);
                    long number = posted[which]++;
                    int nanos = random.nextInt(200) == 0 ? 200_000 : random.nextInt(20) == 0 ? 30_000 : random.nextInt(2_000);
                    boolean home = random.nextInt(20) == 0;
                    Task task = new Task(strand.color) {
                        @Override protected void run() {
                            assertEquals(1, ++strand.inside);
                            if (home) assertSame(color().home(), Vcore.current());
                            assertEquals(number, strand.ran[poster]++);
                            burn(nanos);
                            strand.inside--;
                            left.decrementAndGet();
                        }
                    };
                    task.runAtHome(home);
                    assertTrue(task.postSurely());
                    if (random.nextInt(30) == 0) burn(random.nextInt(1_000_000)); // so that there is idling
                }
            }));
        }
        Eventually.await(() -> left.get() + " tasks left: " + state(), Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> failure.get() != null || left.get() == 0);
        posting.forEach(Eventually::awaitEnd);
        assertEquals(0, left.get());
        long stolen = 0;
        long moves = 0;
        for (Vcore v : vcores) {
            stolen += v.stats().stolen();
            moves += v.stats().moves();
        }
        if (balance == Balance.STATIC) assertEquals(0, stolen);
        else assertTrue(stolen > 0, "nothing was stolen: " + state());
        if (balance != Balance.MIGRATE) assertEquals(0, moves);
        for (Mover mover : movers) Team.homeTask(mover.color(), mover::end).post();
        stop();
        for (Vcore v : vcores) assertEquals(0, ((SleepyQueue) v.queue()).sourceCount());
    }

    private String state() {
        var text = new StringBuilder();
        for (Vcore v : vcores) text.append(v).append(' ').append(v.stats()).append('\n');
        return text.toString();
    }

    /** A wake-up that is lost is a task that never runs: each waits for the answer to the one before. */
    @Test void nobodySleepsOnATask() throws InterruptedException {
        start(Balance.MIGRATE);
        var answers = new Semaphore(0);
        for (int i = 0; i < 5_000; i++) {
            Color color = vcores[i % VCORES].newColor();
            int hops = i % 4;
            hop(color, hops, answers);
            assertTrue(answers.tryAcquire(Eventually.limitSeconds(), TimeUnit.SECONDS), () -> "lost: " + state() + Eventually.stacks());
        }
        stop();
    }

    /** From vcore to vcore by tasks that must be at home. */
    private void hop(Color color, int hops, Semaphore answers) {
        Team.homeTask(color, () -> {
            if (hops == 0) answers.release();
            else hop(vcores[(Vcore.current().index() + 1) % VCORES].newColor(), hops - 1, answers);
        }).post();
    }

    @Test void aLongTurnDoesNotKeepWhatWaitsFromThoseWhoAreIdle() throws InterruptedException {
        start(Balance.STEAL);
        Color heavy = vcores[0].newColor().pin();
        var started = new CountDownLatch(1);
        var done = new CountDownLatch(20);
        var go = new CountDownLatch(1);
        for (int i = 0; i < 8; i++) { // until it is known to be long
            Team.task(heavy, () -> burn(100_000)).post();
            Eventually.await("it has run", heavy::isIdle);
        }
        Team.task(heavy, () -> {
            for (int i = 0; i < 20; i++) Team.task(vcores[0].newColor(), () -> done.countDown()).post();
            started.countDown();
            try {
                assertTrue(go.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }).post();
        assertTrue(started.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
        assertTrue(done.await(Eventually.limitSeconds(), TimeUnit.SECONDS), "they wait for the long turn: " + state());
        go.countDown();
        stop();
    }
}
