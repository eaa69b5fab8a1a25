package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.Errno;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.AllocationProbe;

/** What every {@link EventQueue} promises of streams, against real sockets: receiving, pausing, sending, closing, and what that costs. */
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueStreamContractTest extends OneQueueFixture {
    protected EventQueueStreamContractTest() {}

    // ---------------------------------------------------------------------------------------------------------- receiving

    @Test public void dataArrivesCompleteAndInOrder() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        writeInPieces(stream);
        stream.endBoth();
    }

    @Test public void whatWasThereBeforeOpeningIsSignalled() {
        int[] pair = sockets.unixPair();
        sockets.writeAll(pair[1], "early");
        Stream stream = new Stream(pair).opened();
        stream.awaitReceived(5);
        assertEquals("early", stream.text());
        stream.endBoth();
    }

    @Test public void theEndComesAfterTheData() {
        for (int[] pair : List.of(sockets.tcpPair(), sockets.unixPair())) {
            Stream stream = new Stream(pair).opened();
            byte[] data = random(3 * BLOCK + 7, 3);
            assertEquals(data.length, sockets.write(pair[1], data, 0, data.length));
            sockets.close(pair[1]);
            stream.awaitEnd();
            assertArrayEquals(data, stream.bytes());
            stream.readAll();
            assertEquals(0, stream.last, "the end stays the end");
            stream.end();
        }
    }

    @Test public void dataAndEndAtOnceBeforeOpeningAreBothSeen() {
        int[] pair = sockets.tcpPair();
        sockets.writeAll(pair[1], "last words");
        sockets.close(pair[1]);
        Stream stream = new Stream(pair).opened();
        stream.awaitEnd();
        assertEquals("last words", stream.text());
        stream.end();
    }

    @Test public void thePeersHalfCloseLeavesTheOtherDirectionOpen() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        sockets.shutDownOutput(stream.peer);
        stream.awaitEnd();
        long block = pool.acquire();
        NativeMemory.fill(block, 100, (byte) 'x');
        stream.send(block, 100);
        turnUntil("sent", stream::allSent);
        assertEquals("x".repeat(100), new String(sockets.read(stream.peer), java.nio.charset.StandardCharsets.US_ASCII));
        pool.release(block);
        stream.endBoth();
    }

    @Test public void aResetIsAnError() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        settle();
        sockets.reset(stream.peer);
        turnUntil("the error", () -> stream.last == -Errno.ECONNRESET);
        stream.end();
    }

    @Test public void nothingIsSignalledTwice() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        sockets.writeAll(stream.peer, "a");
        stream.awaitReceived(1);
        settle();
        int runs = stream.runs;
        settle();
        assertEquals(runs, stream.runs);
        stream.reading = false;
        sockets.writeAll(stream.peer, "b");
        turnUntil("signalled", () -> stream.runs == runs + 1);
        settle();
        assertEquals(runs + 1, stream.runs, "what is not taken is not signalled again");
        stream.readAll();
        assertEquals("ab", stream.text());
        stream.endBoth();
    }

    @Test public void receivingIntoMemoryOfTheSourceKeepsTheOrder() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(2 * BLOCK, 4);
        sockets.write(stream.peer, data, 0, BLOCK);
        turnUntil("signalled", () -> stream.runs > 0);
        sockets.write(stream.peer, data, BLOCK, BLOCK);
        settle();
        long own = pool.acquire();
        var random = new SplittableRandom(5);
        turnUntil("all is there", () -> {
            while (true) {
                if (random.nextBoolean()) {
                    if (!stream.readSome()) return stream.received.size() == data.length;
                } else {
                    int n = queue.receive(stream, own, 1 + random.nextInt(500));
                    if (n == EventQueue.WOULD_BLOCK) return stream.received.size() == data.length;
                    stream.keep(own, n);
                }
            }
        });
        assertArrayEquals(data, stream.bytes());
        pool.release(own);
        stream.endBoth();
    }

    @Test public void keptInputStaysAsItIsWhileMoreArrives() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        List<long[]> kept = new ArrayList<>(); // block, address, length
        byte[] data = random(20 * 1_000, 6);
        for (int i = 0; i < 20; i++) {
            sockets.write(stream.peer, data, i * 1_000, 1_000);
            int before = stream.runs;
            turnUntil("signalled", () -> stream.runs > before);
            int n = queue.receive(stream);
            assertEquals(1_000, n);
            long address = queue.inputAddress();
            kept.add(new long[] {queue.keepInput(stream), address, n});
        }
        var all = new ByteArrayOutputStream();
        var blocks = new HashSet<Long>();
        for (long[] k : kept) {
            assertTrue(blocks.add(k[0]), "each has its own block");
            assertTrue(k[1] >= k[0] && k[1] + k[2] <= k[0] + BLOCK, "the data lies in the block");
            byte[] part = new byte[(int) k[2]];
            NativeMemory.copy(k[1], part, 0, part.length);
            all.writeBytes(part);
            pool.release(k[0]);
        }
        assertArrayEquals(data, all.toByteArray());
        stream.endBoth();
    }

    @Test public void whatIsLeftOfAnInputBlockCanBeKeptToo() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(3_000, 7);
        sockets.write(stream.peer, data, 0, data.length);
        turnUntil("signalled", () -> stream.runs > 0);
        long own = pool.acquire();
        assertEquals(1_000, queue.receive(stream, own, 1_000));
        assertEquals(2_000, queue.receive(stream));
        long address = queue.inputAddress();
        long block = queue.keepInput(stream);
        assertTrue(address >= block && address + 2_000 <= block + BLOCK, "the data lies in the block");
        byte[] rest = new byte[2_000];
        NativeMemory.copy(address, rest, 0, 2_000);
        assertArrayEquals(Arrays.copyOfRange(data, 1_000, 3_000), rest);
        pool.release(own);
        pool.release(block);
        stream.endBoth();
    }

    // ------------------------------------------------------------------------------------------------------------ pausing

    @Test public void aPausedStreamIsNotSignalledAndLosesNothing() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        queue.pauseReceiving(stream, true);
        settle();
        int runs = stream.runs;
        byte[] data = random(10_000, 8);
        sockets.write(stream.peer, data, 0, data.length);
        settle();
        assertEquals(runs, stream.runs);
        queue.pauseReceiving(stream, false);
        stream.readAll(); // as the contract asks for
        stream.awaitReceived(data.length);
        assertArrayEquals(data, stream.bytes());
        sockets.writeAll(stream.peer, "!");
        stream.awaitReceived(data.length + 1);
        stream.endBoth();
    }

    @Test public void pausingAndResumingAtAnyMomentLosesNothing() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        var writing = new Writing(stream.peer, random(300_000, 9));
        var random = new SplittableRandom(10);
        boolean paused = false;
        while (stream.received.size() < 300_000) {
            switch (random.nextInt(4)) {
                case 0 -> writing.some(random.nextInt(6_000));
                case 1 -> {
                    paused = !paused;
                    queue.pauseReceiving(stream, paused);
                    if (!paused) stream.readAll();
                }
                default -> turn();
            }
            if (writing.isOver() && !paused) stream.awaitAll(writing);
        }
        stream.awaitAll(writing);
        sockets.close(stream.peer);
        if (paused) {
            queue.pauseReceiving(stream, false);
            stream.readAll();
        }
        stream.awaitEnd();
        stream.end();
    }

    @Test public void theEndThatComesDuringAPauseIsSeenAfterIt() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        queue.pauseReceiving(stream, true);
        sockets.writeAll(stream.peer, "x");
        sockets.close(stream.peer);
        stream.reading = false;
        settle();
        stream.reading = true;
        queue.pauseReceiving(stream, false);
        stream.readAll();
        stream.awaitEnd();
        assertEquals("x", stream.text());
        stream.end();
    }

    @Test public void aResetDuringAPauseIsSignalledAsAHangUp() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        settle();
        stream.reading = false;
        queue.pauseReceiving(stream, true);
        queue.awaitHangUp(stream);
        queue.awaitHangUp(stream);
        settle();
        assertEquals(0, stream.bits);
        sockets.reset(stream.peer);
        stream.awaitSignal(EventSource.HANG_UP);
        stream.end();
    }

    @Test public void aPeersHalfCloseIsNoHangUpButAResetAfterItIs() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        sockets.shutDownOutput(stream.peer);
        stream.awaitEnd();
        queue.awaitHangUp(stream);
        settle();
        assertEquals(0, stream.bits & EventSource.HANG_UP);
        sockets.reset(stream.peer);
        stream.awaitSignal(EventSource.HANG_UP);
        stream.end();
    }

    // ------------------------------------------------------------------------------------------------------------ sending

    @Test public void bytesAreSentOnceAndInOrder() {
        for (int[] pair : List.of(sockets.tcpPair(), sockets.unixPair())) {
            Stream stream = new Stream(pair).opened();
            byte[] data = random(BLOCK, 11);
            long block = pool.acquire();
            NativeMemory.copy(data, 0, block, BLOCK);
            stream.send(block, BLOCK);
            turnUntil("sent", stream::allSent);
            assertArrayEquals(data, readFully(pair[1], BLOCK));
            pool.release(block);
            stream.endBoth();
        }
    }

    private byte[] readFully(int fd, int count) {
        var all = new ByteArrayOutputStream();
        turnUntil("the peer has read " + count, () -> {
            byte[] part = sockets.read(fd);
            if (part == null) throw new AssertionError("ended after " + all.size());
            all.writeBytes(part);
            return all.size() >= count;
        });
        return all.toByteArray();
    }

    @Test public void aSocketThatIsFullIsWaitedFor() {
        for (int[] pair : List.of(sockets.unixPair(), sockets.tcpPair())) {
            sockets.setBuffers(pair[0], 16_384, 0);
            Stream stream = new Stream(pair).opened();
            long block = pool.acquire();
            byte[] data = random(BLOCK, 12);
            NativeMemory.copy(data, 0, block, BLOCK);
            var sent = new ByteArrayOutputStream();
            var got = new ByteArrayOutputStream();
            int timesFull = 0;
            while (timesFull < 5) {
                stream.send(block, BLOCK);
                sent.writeBytes(data);
                for (int i = 0; i < 50 && !stream.allSent(); i++) turn();
                if (stream.allSent()) continue;
                timesFull++;
                turnUntil("there is room again", () -> {
                    got.writeBytes(sockets.read(stream.peer));
                    return stream.allSent();
                });
            }
            turnUntil("the rest", () -> {
                got.writeBytes(sockets.read(stream.peer));
                return got.size() == sent.size();
            });
            assertEquals(0, stream.sendError);
            assertArrayEquals(sent.toByteArray(), got.toByteArray());
            pool.release(block);
            stream.endBoth();
        }
    }

    @Test public void sendingToAPeerThatIsGoneFailsWithoutASignal() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        sockets.close(stream.peer);
        long block = pool.acquire();
        stream.send(block, 10);
        turnUntil("the error", () -> stream.sendError != 0);
        assertEquals(-Errno.EPIPE, stream.sendError);
        turnUntil("the end", () -> stream.last <= 0 && stream.last != EventQueue.WOULD_BLOCK);
        pool.release(block);
        stream.end();
    }

    @Test public void awaitWritableSignalsOnceThereIsRoom() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        queue.awaitWritable(stream);
        stream.awaitSignal(EventSource.WRITABLE);
        fill(stream.fd());
        stream.bits = 0;
        queue.awaitWritable(stream);
        settle();
        assertEquals(0, stream.bits & EventSource.WRITABLE);
        stream.awaitWritable();
        stream.endBoth();
    }

    // ------------------------------------------------------------------------------------------------------------ closing

    @Test public void closingShowsThePeerTheEnd() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        settle();
        stream.end();
        assertEquals(-1, stream.fd());
        assertEquals(-1, stream.slot());
        turnUntil("the peer sees the end", () -> sockets.readCount(stream.peer) == 0);
        sockets.close(stream.peer);
    }

    @Test public void closingRightAfterOpeningLeavesNothing() {
        int[] pair = sockets.tcpPair();
        sockets.writeAll(pair[1], "never read");
        Stream stream = new Stream(pair).opened();
        stream.end();
        turnUntil("gone", () -> queue.sourceCount() == 0 && sockets.readCount(stream.peer) != -Errno.EAGAIN);
        assertEquals(0, stream.runs);
        sockets.close(pair[1]);
    }

    @Test public void theMemoryOfASendInFlightIsTheKernelsUntilSentIsCalled() {
        int[] pair = sockets.tcpPair();
        sockets.setBuffers(pair[0], 4_096, 0);
        sockets.setBuffers(pair[1], 0, 4_096);
        Stream stream = new Stream(pair).opened();
        long block = pool.acquire();
        byte[] data = random(BLOCK, 13);
        NativeMemory.copy(data, 0, block, BLOCK);
        int[] accepted = {0};
        for (int i = 0; i < 2_000 && !(stream.pending && i > 1_000); i++) {
            if (stream.allSent()) {
                accepted[0] += stream.outSent;
                stream.send(block, BLOCK);
            }
            turn();
        }
        boolean inFlight = stream.pending;
        int calls = stream.sentCalls;
        stream.end();
        if (inFlight) {
            assertEquals(1, queue.sourceCount(), "known to the kernel still");
            turnUntil("sent() is called", () -> stream.sentCalls == calls + 1);
        }
        NativeMemory.fill(block, BLOCK, (byte) 0); // ours again
        pool.release(block);
        turnUntil("gone", () -> queue.sourceCount() == 0);
        assertEquals(calls + (inFlight ? 1 : 0), stream.sentCalls);
        var got = new ByteArrayOutputStream();
        turnUntil("the peer sees the end", () -> {
            byte[] part = sockets.read(stream.peer);
            if (part == null) return true;
            got.writeBytes(part);
            return false;
        });
        assertRepeats(data, got.toByteArray());
        sockets.close(pair[1]);
    }

    @Test public void nothingIsSignalledAfterClosingAlsoIfItHadHappenedBefore() {
        int[] pair = sockets.unixPair();
        int[] other = sockets.unixPair();
        Stream first = new Stream(pair).opened();
        settle();
        sockets.writeAll(pair[1], "for the first");
        first.end(); // its event is in the kernel, not harvested
        Stream second = new Stream(other[0]).opened();
        settle();
        assertEquals(0, first.runs);
        assertEquals(0, second.received.size());
        sockets.writeAll(other[1], "for the second");
        second.awaitReceived(14);
        assertEquals("for the second", second.text());
        second.end();
        sockets.close(pair[1], other[1]);
    }

    @Test public void aSlotsNextTenantNeverSeesTheLastOnesEvents() {
        var random = new SplittableRandom(14);
        int[][] pairs = new int[8][];
        Stream[] streams = new Stream[8];
        int[] names = new int[8];
        for (int round = 0; round < 400; round++) {
            int i = random.nextInt(8);
            if (streams[i] == null) {
                pairs[i] = sockets.unixPair();
                streams[i] = new Stream(pairs[i]).opened();
                names[i] = round;
                sockets.writeAll(pairs[i][1], String.format("%05d", round));
            } else if (random.nextBoolean()) {
                sockets.writeAll(pairs[i][1], String.format("%05d", names[i]));
            } else {
                streams[i].end();
                streams[i] = null;
                sockets.close(pairs[i][1]);
            }
            if (random.nextInt(3) == 0) turn();
            for (int j = 0; j < 8; j++) {
                if (streams[j] == null) continue;
                String name = String.format("%05d", names[j]);
                String text = streams[j].text();
                assertEquals(name.repeat(text.length() / 5), text);
            }
        }
        for (int j = 0; j < 8; j++) {
            if (streams[j] == null) continue;
            streams[j].endBoth();
        }
    }

    @Test public void manySourcesAreOpenAtOnceAndAllGoAway() {
        List<Stream> streams = new ArrayList<>();
        List<Integer> peers = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            int[] pair = sockets.unixPair();
            streams.add(new Stream(pair[0]).opened());
            peers.add(pair[1]);
        }
        assertEquals(300, queue.sourceCount());
        for (int i = 0; i < 300; i++) sockets.writeAll(peers.get(i), "to " + i);
        turnUntil("all have read", () -> streams.stream().allMatch(s -> s.received.size() > 3));
        for (int i = 0; i < 300; i++) assertEquals("to " + i, streams.get(i).text());
        for (Stream stream : streams) stream.end();
        turnUntil("gone", () -> queue.sourceCount() == 0);
        for (int peer : peers) {
            turnUntil("the peer sees the end", () -> sockets.readCount(peer) == 0);
            sockets.close(peer);
        }
    }

    // ------------------------------------------------------------------------------------------------------------ cost

    @Test public void receivingAndSendingAllocatesNothing() {
        int[] pair = sockets.unixPair();
        var echo = new Echo(pair[0]);
        assertEquals(0, queue.openStream(echo));
        var peer = new Pinger(pair[1]);
        assertEquals(0, queue.openStream(peer));
        peer.ping();
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> turn());
        assertTrue(peer.pongs > 100, "pongs: " + peer.pongs);
        queue.close(echo, false);
        queue.close(peer, false);
        turnUntil("gone", () -> queue.sourceCount() == 0);
        pool.release(echo.out);
        pool.release(peer.out);
    }

    /** Sends back what it gets. */
    private class Echo extends StreamSource {
        final long out = pool.acquire();
        int pongs;

        Echo(int fd) { super(vcore.newColor(), fd); }

        @Override protected void run() {
            takeReady();
            int n = queue.receive(this);
            if (n <= 0) return;
            NativeMemory.copy(queue.inputAddress(), out, n);
            queue.leaveInput(this);
            got(n);
            while (queue.receive(this) > 0) queue.leaveInput(this);
        }

        void got(int n) { queue.send(this, out, n); }

        @Override public void sent(int result) { }
    }

    /** Sends again when it has got back what it sent. */
    private final class Pinger extends Echo {
        Pinger(int fd) { super(fd); }

        void ping() { queue.send(this, out, 100); }

        @Override void got(int n) {
            pongs++;
            ping();
        }
    }

    @Test public void pausingWatchingAndAcceptingDoNotLoseBlocks() {
        int before = pool.acquiredBlocks();
        Stream stream = new Stream(sockets.unixPair()).opened();
        for (int i = 0; i < 200; i++) {
            sockets.writeAll(stream.peer, "some text");
            if (i % 7 == 0) {
                queue.pauseReceiving(stream, true);
                turn();
                queue.pauseReceiving(stream, false);
                stream.readAll();
            }
            turn();
        }
        stream.awaitReceived(200 * 9);
        assertNotEquals(0, before);
        assertTrue(pool.acquiredBlocks() <= before + 1, "blocks: " + before + ", then " + pool.acquiredBlocks());
        stream.endBoth();
        assertNull(failures.isEmpty() ? null : failures);
    }
}
