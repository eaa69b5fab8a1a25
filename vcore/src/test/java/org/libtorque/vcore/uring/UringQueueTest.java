package org.libtorque.vcore.uring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueContractTest;

/** The contract, and what only a queue with rings can get wrong: rings that are too small for what happens. */
class UringQueueTest extends EventQueueContractTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(256, 64);
    private final UringQueues queues = new UringQueues();
    private int sqEntries;
    private int cqEntries;
    private int bufferEntries;
    private int initialBuffers;

    @Override protected EventQueue open(BlockPool blocks) {
        return sqEntries == 0 ? new UringQueue(blocks, queues) : new UringQueue(blocks, queues, sqEntries, cqEntries, bufferEntries, initialBuffers);
    }

    private void openSmall(int sq, int cq, int buffers, int initial) {
        sqEntries = sq;
        cqEntries = cq;
        bufferEntries = buffers;
        initialBuffers = initial;
        openWith(BLOCKS);
    }

    @Test void itWorksHere() {
        for (int i = 0; i < 20; i++) assertNull(UringQueue.probe());
    }

    /** A burst of many times what the completion ring holds: the kernel keeps the rest on a list, and ends multishot operations. */
    @Test void nothingIsLostWhenCompletionsOverflow() {
        openSmall(4, 8, 512, 128);
        List<Stream> streams = new ArrayList<>();
        List<Integer> peers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            int[] pair = sockets.unixPair();
            streams.add(new Stream(pair[0]).opened());
            peers.add(pair[1]);
        }
        byte[] data = random(20_000, 1);
        for (int at = 0; at < data.length; at += 2_000) {
            for (int peer : peers) assertEquals(2_000, sockets.write(peer, data, at, 2_000));
            vcore.runOnce(false);
        }
        int last = peers.getLast();
        sockets.close(peers.removeLast());
        turnUntil("all have read all", () -> streams.stream().allMatch(s -> s.received.size() == data.length));
        for (Stream stream : streams) assertArrayEquals(data, stream.bytes());
        turnUntil("the end", () -> streams.getLast().last == 0);
        assertTrue(last >= 0);
        for (int peer : peers) sockets.writeAll(peer, "more");
        turnUntil("receives were armed again", () -> streams.stream().limit(99).allMatch(s -> s.received.size() == data.length + 4));
        for (Stream stream : streams) stream.end();
        for (int peer : peers) sockets.close(peer);
    }

    @Test void acceptsAndSendsSurviveOverflowToo() {
        openSmall(4, 8, 512, 128);
        int fd = sockets.listener(1_000);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        assertEquals(0, queue.listen(listening));
        vcore.runOnce(false);
        List<Integer> clients = new ArrayList<>();
        for (int i = 0; i < 150; i++) clients.add(sockets.connecting(port));
        turnUntil("all are accepted", () -> listening.accepted.size() == 150);
        List<Stream> streams = new ArrayList<>();
        List<Long> blocks = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            streams.add(new Stream(listening.accepted.get(i)).opened());
            blocks.add(pool.acquire());
        }
        for (int i = 0; i < 100; i++) streams.get(i).send(blocks.get(i), BLOCK); // 100 submissions through 4 entries, in one turn
        turnUntil("all is sent", () -> streams.stream().allMatch(Stream::allSent));
        for (Stream stream : streams) {
            assertEquals(1, stream.sentCalls);
            stream.end();
        }
        for (long block : blocks) pool.release(block);
        for (int i = 100; i < 150; i++) sockets.close(listening.accepted.get(i));
        for (int client : clients) sockets.close(client);
        queue.close(listening, false);
    }

    @Test void aListenerThatAcceptsNothingTakesFewDescriptorsAndLaterAll() {
        int fd = sockets.listener(2_000);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        listening.accepting = false;
        assertEquals(0, queue.listen(listening));
        settle();
        List<Integer> clients = new ArrayList<>();
        int before = LeakCheck.openDescriptors().size();
        for (int i = 0; i < 900; i++) {
            clients.add(sockets.connecting(port));
            if (i % 20 == 0) vcore.runOnce(false);
        }
        settle();
        int accepted = LeakCheck.openDescriptors().size() - before - 900;
        assertTrue(accepted > 200 && accepted < 400, "accepted: " + accepted);
        listening.accepting = true;
        listening.acceptAll();
        turnUntil("all are accepted", () -> listening.accepted.size() == 900);
        for (int client : clients) sockets.close(client);
        for (int server : listening.accepted) sockets.close(server);
        queue.close(listening, false);
    }

    @Test void wakeUpsSurviveOverflow() throws InterruptedException {
        openSmall(4, 8, 64, 16);
        int[][] pipes = new int[30][];
        List<Watched> watches = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            pipes[i] = sockets.pipe();
            watches.add(new Watched(pipes[i][0]));
            queue.watch(watches.get(i), Watched.READABLE);
        }
        settle();
        for (int round = 0; round < 20; round++) {
            for (int[] pipe : pipes) sockets.writeAll(pipe[1], "x");
            Thread waker = Thread.ofPlatform().start(queue::wake);
            waker.join();
            for (int i = 0; i < 5; i++) vcore.runOnce(false);
            for (int[] pipe : pipes) sockets.read(pipe[0]); // what stays ready is reported again when its poll is armed again
        }
        turnUntil("every watch was told", () -> watches.stream().allMatch(w -> w.signals.size() > 0));
        while (queue.harvest(64, 0) > 0) { }
        Thread waker = Thread.ofPlatform().start(queue::wake);
        queue.harvest(16, Long.MAX_VALUE); // returns
        waker.join();
        vcore.runOnce(false);
        for (int i = 0; i < 30; i++) {
            queue.close(watches.get(i), true);
            sockets.close(pipes[i]);
        }
    }

    @Test void oneStreamThatIsNotReadDoesNotTakeAllBuffers() {
        openSmall(64, 256, 256, 64);
        int[] pair = sockets.tcpPair();
        Stream greedy = new Stream(pair[0]).opened();
        greedy.reading = false;
        byte[] data = random(1 << 20, 2);
        int written = 0;
        for (int i = 0; i < 200; i++) {
            int n = sockets.write(pair[1], data, written, data.length - written);
            if (n > 0) written += n;
            vcore.runOnce(false);
        }
        // One multishot receive may fill 32 buffers before the cancellation takes effect.
        assertTrue(pool.acquiredBlocks() <= site.ownBlocks + 64, "blocks: " + pool.acquiredBlocks() + ", at first " + site.ownBlocks);
        int[] other = sockets.unixPair();
        Stream modest = new Stream(other[0]).opened();
        sockets.writeAll(other[1], "hello");
        turnUntil("others receive", () -> modest.received.size() == 5);
        greedy.reading = true;
        int already = written;
        int[] at = {already};
        greedy.readAll();
        turnUntil("the rest arrives when it is read", () -> {
            if (at[0] < data.length) {
                int n = sockets.write(pair[1], data, at[0], data.length - at[0]);
                if (n > 0) at[0] += n;
            }
            return greedy.received.size() == data.length;
        });
        assertArrayEquals(data, greedy.bytes());
        greedy.end();
        modest.end();
        sockets.close(pair[1], other[1]);
    }

    @Test void aThreadCanOpenAndCloseAnyNumberOfRings() {
        for (int i = 0; i < 40; i++) { // more than the 16 that can be registered at a time
            try (var ring = new Ring(ErrnoSlot.current(), 8, 16, memory.address())) {
                assertTrue(ring.isRegistered(), "ring " + i);
            }
        }
    }

    @Test void closingTheQueueLetsGoOfTheRingAndOfWhatIsInFlight() {
        for (int i = 0; i < 3; i++) {
            int[] pair = sockets.unixPair();
            var blocks = new BlockPool(BLOCK, 100 * BLOCK);
            var own = new UringQueue(blocks, queues);
            int result = own.openStream(new Stream(pair[0]));
            assertEquals(0, result);
            own.harvest(1, 0);
            sockets.close(pair[0]); // now only the receive in flight holds the socket open
            assertEquals(-11, sockets.readCount(pair[1]));
            own.close();
            turnUntil("the ring is gone, and the socket with it", () -> sockets.readCount(pair[1]) == 0);
            blocks.close();
            sockets.close(pair[1]);
        }
    }
}
