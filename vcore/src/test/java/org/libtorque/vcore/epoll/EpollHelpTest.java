package org.libtorque.vcore.epoll;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Vcore;

/** Events of an epoll instance that another vcore than its owner takes. */
@ExtendWith(LeakCheck.class)
class EpollHelpTest {
    private static final int BLOCK = 16 * 1024;

    private final ErrnoSlot errno = ErrnoSlot.allocate();
    private final BlockPool pool = new BlockPool(BLOCK, 8 * BLOCK), helperPool = new BlockPool(BLOCK, 8 * BLOCK);
    private Vcore vcore;
    private EpollQueue queue, helper;

    /** An eventfd that counts how often it was rung. */
    private final class Bell extends EventSource {
        final AtomicLong rung = new AtomicLong();

        Bell() { super(vcore.newColor(), EventFd.create(errno, 0, EventFd.EFD_CLOEXEC | EventFd.EFD_NONBLOCK)); }

        Bell watched() {
            assertEquals(0, queue.watch(this, READABLE));
            return this;
        }

        /** Tells whether somebody has taken the event, which is still to be run. */
        boolean isTaken() { return isSignalled(); }

        void ring() { EventFd.write(errno, fd(), 1); }

        @Override protected void run() {
            if (takeReady() != 0) rung.incrementAndGet();
        }
    }

    @BeforeEach void open() {
        vcore = new Vcore(0, 0, Clock.SYSTEM, pool, 4096, (where, failure) -> { });
        queue = new EpollQueue(pool);
        helper = new EpollQueue(helperPool);
        vcore.bind(queue);
    }

    @AfterEach void close() {
        helper.close();
        helperPool.close();
        vcore.bind(queue);
        assertEquals(0, vcore.shutDown(1_000_000_000));
    }

    /** Runs what was signalled. */
    private void runAll() {
        while (vcore.runOnce(false) > 0) { }
    }

    @Test void whatAHelperTakesIsSignalledOnceAndGoneForTheOwner() {
        List<Bell> bells = new ArrayList<>();
        for (int i = 0; i < 5; i++) bells.add(new Bell().watched());
        bells.get(1).ring();
        bells.get(3).ring();
        assertTrue(queue.othersMayHarvest());
        assertEquals(2, queue.harvestBy(helper, 64));
        assertEquals(0, queue.harvest(64, 0));
        runAll();
        for (int i = 0; i < 5; i++) assertEquals(i % 2, bells.get(i).rung.get(), "bell " + i);
        bells.get(3).ring();
        assertEquals(1, queue.harvest(64, 0));
        assertEquals(0, queue.harvestBy(helper, 64));
        runAll();
        assertEquals(2, bells.get(3).rung.get());
        for (Bell bell : bells) queue.close(bell, false);
    }

    @Test void aHelperTakesNoMoreThanItsWindow() {
        List<Bell> bells = new ArrayList<>();
        for (int i = 0; i < 5; i++) bells.add(new Bell().watched());
        for (Bell bell : bells) bell.ring();
        assertEquals(2, queue.harvestBy(helper, 2));
        assertEquals(3, queue.harvest(64, 0));
        runAll();
        for (Bell bell : bells) assertEquals(1, bell.rung.get());
        for (Bell bell : bells) queue.close(bell, false);
    }

    @Test void aWakeUpThatAHelperTakesStillWakesTheOwner() {
        queue.wake();
        assertEquals(1, queue.harvestBy(helper, 64));
        queue.harvest(1, Long.MAX_VALUE); // returns
        assertEquals(0, queue.harvest(1, 0));
    }

    /** As if the owner had lost its CPU: what comes meanwhile is somebody's. */
    @Test void anOwnerThatWaitsInTheKernelIsHelpedAndNeverMissesAWakeUp() throws InterruptedException {
        Bell bell = new Bell().watched();
        for (int round = 1; round <= 200; round++) {
            var taken = new AtomicLong();
            var waiting = new Thread(() -> taken.set(queue.harvest(1, Long.MAX_VALUE)));
            waiting.start();
            if (round % 2 == 0) Eventually.await("the owner waits", () -> waiting.getState() == Thread.State.RUNNABLE && !queue.isEntered());
            bell.ring();
            long helped = queue.harvestBy(helper, 1);
            while (helped > 0 && queue.harvestBy(helper, 1) > 0) { }
            if (helped > 0) { // the owner waits still: what wakes it gets through to it, whoever comes upon it first
                queue.wake();
                queue.harvestBy(helper, 1);
                queue.harvestBy(helper, 1);
            }
            waiting.join();
            while (queue.harvest(8, 0) > 0) { } // what the helper has rung once more
            runAll();
            assertEquals(round, bell.rung.get());
        }
        queue.close(bell, false);
    }

    /** The owner watches and closes while both take events: whoever is rung runs once. */
    @Test void ownerAndHelperTakeEachEventOnce() throws InterruptedException {
        var stop = new AtomicBoolean();
        var failure = new AtomicReference<Throwable>();
        var helped = new AtomicLong();
        var thread = new Thread(() -> {
            try {
                while (!stop.get()) {
                    helped.addAndGet(queue.harvestBy(helper, 3));
                    Thread.yield(); // on one CPU the owner's turn
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        });
        thread.start();
        int rounds = 500;
        for (int round = 0; round < rounds; round++) {
            Bell bell = new Bell().watched();
            for (int i = 0; i < 4; i++) {
                bell.ring();
                if (i == 0) Eventually.await("the helper has taken it", bell::isTaken); // of what follows it gets what it comes to first, on one CPU hardly anything
                while (bell.rung.get() <= i) vcore.runOnce(false);
                assertEquals(i + 1, bell.rung.get());
            }
            queue.close(bell, false);
        }
        stop.set(true);
        thread.join();
        assertEquals(null, failure.get());
        assertTrue(helped.get() >= rounds, "helped with " + helped);
    }
}
