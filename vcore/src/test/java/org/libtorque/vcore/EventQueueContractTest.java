package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.Poll;
import org.libtorque.testkit.Eventually;

/** What every {@link EventQueue} promises of everything else, against real sockets and pipes: accepting, connecting, watching, running out of blocks, waiting. */
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueContractTest extends OneQueueFixture {
    protected EventQueueContractTest() {}

    // ---------------------------------------------------------------------------------------------------------- accepting

    @Test public void aBurstOfConnectionsIsAcceptedToTheLast() {
        int fd = sockets.listener(1_000);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        assertEquals(0, queue.listen(listening));
        List<Integer> clients = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            clients.add(sockets.connecting(port));
            if (i % 50 == 0) turn();
        }
        turnUntil("all are accepted", () -> listening.accepted.size() == 200);
        settle();
        assertEquals(200, new HashSet<>(listening.accepted).size());
        for (int accepted : listening.accepted) {
            assertTrue(sockets.isNonBlockingAndCloseOnExec(accepted));
            sockets.close(accepted);
        }
        for (int client : clients) sockets.close(client);
        clients.clear();
        clients.add(sockets.connecting(port));
        turnUntil("later ones too", () -> listening.accepted.size() == 201);
        sockets.close(listening.accepted.getLast(), clients.getLast());
        queue.close(listening, false);
    }

    @Test public void connectionsThatAreNotAskedForAreNotSignalledAgainButKept() {
        int fd = sockets.listener(100);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        listening.accepting = false;
        assertEquals(0, queue.listen(listening));
        int a = sockets.connecting(port);
        int b = sockets.connecting(port);
        settle();
        listening.acceptAll();
        turnUntil("both", () -> {
            listening.acceptAll();
            return listening.accepted.size() == 2;
        });
        queue.close(listening, false);
        sockets.close(a, b, listening.accepted.get(0), listening.accepted.get(1));
    }

    /** With io_uring the kernel accepts by itself until it is told that enough wait; all of them may be taken before it has followed. */
    @Test public void moreConnectionsThanMayWaitAreAcceptedToTheLastHoweverLateTheyAreTaken() {
        int fd = sockets.listener(2_000);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        listening.accepting = false;
        assertEquals(0, queue.listen(listening));
        List<Integer> clients = new ArrayList<>();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 400; i++) clients.add(sockets.connecting(port));
            int most = 0;
            for (int i = 0; i < 100 && most <= 256 + round; i++) { // taken in the middle of stopping to accept, and when that is over
                turn();
                most = listening.acceptedCount();
            }
            if (round == 3) settle();
            listening.acceptAll();
            listening.accepting = true; // from now on when it is signalled
            turnUntil("all are accepted", () -> listening.accepted.size() == clients.size());
            clients.add(sockets.connecting(port));
            turnUntil("later ones too", () -> listening.accepted.size() == clients.size());
            listening.accepting = false;
        }
        assertEquals(clients.size(), new HashSet<>(listening.accepted).size());
        for (int accepted : listening.accepted) sockets.close(accepted);
        for (int client : clients) sockets.close(client);
        queue.close(listening, false);
    }

    @Test public void connectionsAcceptedBeforeTheListenerClosesAreHandedOver() {
        for (int window : new int[] {1, 7, 500}) {
            int fd = sockets.listener(100);
            int port = sockets.port(fd);
            var listening = new Listening(fd);
            listening.accepting = false;
            assertEquals(0, queue.listen(listening));
            queue.harvest(1, 0);
            List<Integer> clients = new ArrayList<>();
            for (int i = 0; i < 50; i++) clients.add(sockets.connecting(port));
            queue.harvest(window, 0); // with io_uring the kernel has now accepted all, and told of some
            queue.close(listening, false);
            turnUntil("gone", () -> queue.sourceCount() == 0);
            var all = new ArrayList<>(listening.late);
            for (int accepted : all) assertTrue(sockets.isNonBlockingAndCloseOnExec(accepted));
            int served = 0;
            for (int accepted : all) sockets.writeAll(accepted, "!");
            for (int client : clients) {
                turnUntil("served or reset", () -> sockets.is(client, Poll.POLLIN | Poll.POLLHUP | Poll.POLLERR));
                if (sockets.readCount(client) == 1) served++;
                sockets.close(client);
            }
            assertEquals(all.size(), served, "what was accepted was handed over, what was not is reset");
            for (int accepted : all) sockets.close(accepted);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- connecting

    @Test public void aStreamThatConnectsIsSignalledAndThenReceives() {
        int listener = sockets.listener(10);
        var listening = new Listening(listener);
        assertEquals(0, queue.listen(listening));
        var stream = new Stream(sockets.connecting(sockets.port(listener)));
        stream.reading = false;
        assertEquals(0, queue.openConnecting(stream));
        stream.awaitSignal(EventSource.WRITABLE);
        assertEquals(0, sockets.socketError(stream.fd()));
        assertEquals(0, queue.connected(stream));
        stream.reading = true;
        turnUntil("accepted", () -> listening.accepted.size() == 1);
        sockets.writeAll(listening.accepted.getFirst(), "welcome");
        stream.awaitReceived(7);
        stream.end();
        queue.close(listening, false);
        sockets.close(listening.accepted.getFirst());
    }

    @Test public void aRefusedConnectionIsSignalledWithItsError() {
        int deaf = sockets.deaf();
        var stream = new Stream(sockets.connecting(sockets.port(deaf)));
        stream.reading = false;
        assertEquals(0, queue.openConnecting(stream));
        turnUntil("signalled", () -> stream.bits != 0);
        assertEquals(Errno.ECONNREFUSED, sockets.socketError(stream.fd()));
        stream.end();
        sockets.close(deaf);
    }

    // ------------------------------------------------------------------------------------------------------------ watching

    @Test public void aWatchedPipeIsSignalledForEachWriteAndForItsEnd() {
        int[] pipe = sockets.pipe();
        Watched watched = new Watched(pipe[0]).opened();
        assertEquals(0, watched.seen());
        sockets.writeAll(pipe[1], "a");
        turnUntil("signalled", () -> watched.seen() == EventSource.READABLE);
        settle();
        assertEquals(1, watched.signals.size());
        sockets.writeAll(pipe[1], "b");
        turnUntil("signalled again", () -> watched.signals.size() > 1);
        assertEquals(2, sockets.readCount(pipe[0]));
        watched.signals.clear();
        sockets.close(pipe[1]);
        turnUntil("the end", () -> (watched.seen() & EventSource.HANG_UP) != 0);
        queue.close(watched, true);
        assertTrue(sockets.isOpen(pipe[0]));
        sockets.close(pipe[0]);
    }

    @Test public void changingTheInterestReportsWhatIsReadyNow() {
        int[] pair = sockets.unixPair();
        Watched watched = new Watched(pair[0]).opened();
        assertEquals(0, watched.seen());
        assertEquals(0, queue.watch(watched, EventSource.READABLE | EventSource.WRITABLE));
        turnUntil("writable", () -> watched.seen() == EventSource.WRITABLE);
        sockets.writeAll(pair[1], "x");
        turnUntil("readable", () -> (watched.seen() & EventSource.READABLE) != 0);
        settle();
        watched.signals.clear();
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        turnUntil("readable again", () -> watched.seen() != 0);
        assertEquals(EventSource.READABLE, watched.seen());
        settle();
        watched.signals.clear();
        for (int i = 0; i < 5; i++) {
            queue.watch(watched, EventSource.WRITABLE);
            queue.watch(watched, EventSource.READABLE);
        }
        turnUntil("the last interest counts", () -> watched.seen() != 0);
        settle();
        assertEquals(EventSource.READABLE, watched.seen());
        queue.close(watched, true);
        settle();
        watched.signals.clear();
        sockets.writeAll(pair[1], "y");
        settle();
        assertEquals(List.of(), watched.signals);
        sockets.close(pair);
    }

    @Test public void priorityEventsAreReportedToThoseWhoAskedAndToThemAlone() {
        int[] pair = sockets.tcpPair();
        var watched = new Watched(pair[0]);
        assertEquals(0, queue.watch(watched, EventSource.PRIORITY));
        sockets.writeAll(pair[1], "x");
        settle();
        assertEquals(0, watched.seen());
        sockets.writeUrgent(pair[1], '!');
        turnUntil("told", () -> watched.seen() != 0);
        assertEquals(EventSource.PRIORITY, watched.seen());
        watched.signals.clear();
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        turnUntil("readable", () -> watched.seen() != 0);
        assertEquals(EventSource.READABLE, watched.seen());
        assertEquals(0, queue.watch(watched, EventSource.PRIORITY));
        turnUntil("there still", () -> (watched.seen() & EventSource.PRIORITY) != 0);
        queue.close(watched, false);
        sockets.close(pair[1]);
        turnUntil("gone", () -> queue.sourceCount() == 0);
    }

    @Test public void aWatchedDescriptorMayBeClosedAsSoonAsTheWatchHasEnded() {
        int[] pipe = sockets.pipe();
        Watched watched = new Watched(pipe[0]).opened();
        queue.close(watched, true);
        sockets.close(pipe);
        turnUntil("gone", () -> queue.sourceCount() == 0);
    }

    @Test public void whatIsClosedElsewhereIsHandedOverOnceAndNotHeldByTheQueue() {
        int[] pipe = sockets.pipe();
        int[] told = new int[1];
        Watched watched = new Watched(pipe[0]) {
            @Override protected boolean waitsWhenClosed() { return true; }

            @Override protected void closeElsewhere() { told[0]++; }
        };
        watched.opened();
        queue.close(watched, false);
        assertEquals(-1, watched.fd());
        turnUntil("handed over", () -> told[0] > 0);
        assertEquals(0, queue.sourceCount());
        assertTrue(sockets.isOpen(pipe[0]));
        assertFalse(sockets.is(pipe[1], Poll.POLLERR));
        sockets.close(pipe[0]);
        assertTrue(sockets.is(pipe[1], Poll.POLLERR), "that was the last descriptor of the reading end, and nothing else holds it");
        sockets.close(pipe[1]);
        settle();
        assertEquals(1, told[0]);
        int[] second = sockets.pipe();
        Watched never = new Watched(second[0]) {
            @Override protected boolean waitsWhenClosed() { return true; }

            @Override protected void closeElsewhere() { told[0]++; }
        };
        queue.close(never, false);
        assertEquals(2, told[0], "at once what was never registered");
        sockets.close(second);
    }

    @Test public void endingAWatchTouchesNoOtherDescriptorThatGotItsNumber() {
        int[] pipe = sockets.pipe();
        Watched watched = new Watched(pipe[0]).opened();
        queue.close(watched, true);
        sockets.close(pipe);
        int[] pair = sockets.unixPair(); // takes the lowest free numbers, those of the pipe
        assertEquals(pipe[0], pair[0]);
        Stream stream = new Stream(pair).opened();
        settle();
        sockets.writeAll(pair[1], "hello");
        stream.awaitReceived(5);
        stream.endBoth();
    }

    // ------------------------------------------------------------------------------------------------------ running out

    @Test public void withoutBuffersNothingIsLostAndReceivingGoesOnWhenThereAreSome() {
        Stream[] streams = new Stream[4];
        Writing[] writings = new Writing[4];
        for (int i = 0; i < 4; i++) {
            streams[i] = new Stream(sockets.unixPair()).opened();
            writings[i] = new Writing(streams[i].peer, random(150_000, 20 + i));
        }
        settle();
        // Somebody else takes all there is.
        List<Long> taken = new ArrayList<>();
        for (int i = 0; i < 4; i++) streams[i].reading = false;
        for (long block; (block = pool.acquire()) != 0; ) taken.add(block);
        // Keep every block that the queue has, too.
        List<Long> kept = new ArrayList<>();
        for (int round = 0; round < 400; round++) {
            for (int i = 0; i < 4; i++) {
                writings[i].some(2_000);
                int n = queue.receive(streams[i]);
                if (n <= 0) continue;
                streams[i].keep(queue.inputAddress(), n);
                kept.add(queue.keepInput(streams[i]));
            }
            turn();
        }
        assertTrue(streams[0].received.size() < 150_000, "it has run out");
        assertFalse(pool.hasRoom());
        // It does not spin for what cannot be had: an idle loop may block.
        assertFalse(queue.hasDeferredWork());
        for (long block : taken) pool.release(block);
        for (long block : kept) pool.release(block);
        for (int i = 0; i < 4; i++) {
            streams[i].awaitAll(writings[i], streams[i]::readAll);
            streams[i].endBoth();
        }
    }

    @Test public void openedOrNotForLackOfBlocksItKeepsNothingAfterItsEnd() {
        for (int blocks = 1; blocks < 5; blocks++) {
            try (var tiny = new BlockPool(BLOCK, (long) blocks * BLOCK)) {
                try {
                    open(tiny).close();
                } catch (OutOfBuffersException expected) {
                    assertTrue(blocks < 3, "two are enough");
                }
                assertEquals(0, tiny.acquiredBlocks());
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------ waiting, waking

    @Test public void pollingAnIdleQueueReturnsAtOnce() {
        settle();
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 20 && best >= 1_000_000; i++) { // one that nobody disturbs
            long start = System.nanoTime();
            assertEquals(0, queue.harvest(1, 0));
            best = Math.min(best, System.nanoTime() - start);
        }
        assertTrue(best < 500_000_000, "the shortest took " + best);
    }

    @Test public void aWaitIsNotRoundedToMilliseconds() {
        long best = Long.MAX_VALUE;
        for (long end = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos(); best >= 900_000 && System.nanoTime() < end; ) { // one that nobody disturbs
            long start = System.nanoTime();
            assertEquals(0, queue.harvest(16, 200_000));
            long took = System.nanoTime() - start;
            assertTrue(took >= 200_000, "took " + took);
            best = Math.min(best, took);
        }
        assertTrue(best < 900_000, "the shortest took " + best);
    }

    @Test public void aLongWaitEndsAtItsTimeOrLittleBefore() {
        long start = System.nanoTime();
        assertEquals(0, queue.harvest(16, 150_000_000));
        assertTrue(System.nanoTime() - start >= 149_000_000, "took " + (System.nanoTime() - start));
    }

    @Test public void waitingEndsWithTheTime() {
        settle();
        long start = System.nanoTime();
        assertEquals(0, queue.harvest(16, 20_000_000));
        long waited = System.nanoTime() - start;
        assertTrue(waited >= 19_000_000, "waited only " + waited);
    }

    @Test public void waitingEndsWithAnEvent() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        Thread peer = Thread.ofPlatform().start(() -> {
            pause(20);
            try (var own = new TestSockets()) {
                own.writeAll(stream.peer, "x");
            }
        });
        assertEquals(1, queue.harvest(16, Long.MAX_VALUE));
        turn();
        assertEquals("x", stream.text());
        Eventually.awaitEnd(peer);
        stream.endBoth();
    }

    @Test public void anotherThreadWakesAWaitingQueue() {
        settle();
        for (int i = 0; i < 50; i++) {
            int delay = i % 3;
            Thread waker = Thread.ofPlatform().start(() -> {
                pause(delay);
                queue.wake();
            });
            queue.harvest(16, Long.MAX_VALUE); // returns
            Eventually.awaitEnd(waker);
            while (queue.harvest(16, 0) > 0) { }
        }
    }

    @Test public void aWakeUpBeforeTheWaitCounts() {
        settle();
        queue.wake();
        queue.wake();
        queue.harvest(16, Long.MAX_VALUE); // returns
        while (queue.harvest(16, 0) > 0) { }
        long start = System.nanoTime();
        assertEquals(0, queue.harvest(16, 20_000_000), "both wake-ups are used up");
        assertTrue(System.nanoTime() - start >= 19_000_000);
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test public void aHarvestTakesNoMoreThanItsWindow() {
        List<Watched> all = new ArrayList<>();
        List<int[]> pipes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int[] pipe = sockets.pipe();
            pipes.add(pipe);
            all.add(new Watched(pipe[0]));
            queue.watch(all.get(i), EventSource.READABLE);
        }
        settle();
        for (int[] pipe : pipes) sockets.writeAll(pipe[1], "x");
        int total = 0;
        int most = 0;
        for (int i = 0; i < 40; i++) {
            int n = queue.harvest(3, 0);
            most = Math.max(most, n);
            total += n;
            if (total < 18) assertFalse(queue.caughtUp());
            if (n == 0) assertTrue(queue.caughtUp());
        }
        assertEquals(3, most);
        assertEquals(20, total);
        turnUntil("all have run", () -> all.stream().noneMatch(watched -> watched.signals.isEmpty())); // on a busy machine not in one turn
        for (Watched watched : all) {
            assertEquals(List.of(EventSource.READABLE), watched.signals);
            queue.close(watched, true);
        }
        for (int[] pipe : pipes) sockets.close(pipe);
    }
}
