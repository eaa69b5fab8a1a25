package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/**
 * What every {@link EventQueue} promises, against real sockets and pipes.
 */
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueContractTest extends EventQueueFixture {
    protected Site site;
    protected BlockPool pool;
    protected Vcore vcore;
    protected EventQueue queue;

    protected EventQueueContractTest() {}

    @BeforeEach public void setUp() { openWith(BLOCKS); }

    /** Replaces the queue by one whose pool has {@code blocks} blocks. */
    protected final void openWith(int blocks) {
        closeSites();
        site = openSite(blocks);
        pool = site.pool;
        vcore = site.vcore;
        queue = site.queue;
    }

    /** A stream that also sends. */
    public class Stream extends Taking {
        /** Bytes to send, and how far that has come. */
        public long out;
        public int outLength;
        public int outSent;
        public boolean pending;
        public int sendError;
        public int sentCalls;
        /** Whether it was closed between a signal and the run that takes it, which comes all the same. */
        private boolean runOwed;

        public Stream(int fd) { super(site, fd, -1); }

        /** Of two descriptors the first, whose peer is the second. */
        public Stream(int[] pair) { super(site, pair[0], pair[1]); }

        public Stream opened() {
            assertEquals(0, queue.openStream(this));
            return this;
        }

        @Override protected void run() {
            if (slot() < 0) {
                assertTrue(runOwed, "run after close");
                runOwed = false;
                takeReady();
                return;
            }
            super.run();
            if (outSent < outLength && sendError == 0 && !pending) sendMore();
        }

        public final void send(long address, int length) {
            out = address;
            outLength = length;
            outSent = 0;
            sendMore();
        }

        public final void sendMore() {
            while (outSent < outLength) {
                int n = queue.send(this, out + outSent, outLength - outSent);
                if (n == EventQueue.PENDING) {
                    pending = true;
                    return;
                }
                if (n == EventQueue.WOULD_BLOCK) return;
                if (n < 0) {
                    sendError = n;
                    return;
                }
                outSent += n;
            }
        }

        @Override public void sent(int result) {
            assertTrue(pending, "sent() without a send");
            pending = false;
            sentCalls++;
            if (slot() < 0) return;
            if (result < 0) sendError = result;
            else outSent += result;
            signal(WRITABLE);
        }

        public final boolean allSent() { return outSent == outLength && !pending; }

        @Override public final void end() {
            runOwed = isSignalled();
            queue.close(this, false);
        }
    }

    /** A listening socket that remembers what it accepted. */
    public class Listening extends AcceptSource {
        public final List<Integer> accepted = new ArrayList<>();
        public final List<Integer> late = new ArrayList<>();
        public int error;
        public boolean accepting = true;

        public Listening(int fd) { super(vcore.newColor(), fd); }

        @Override protected void run() {
            takeReady();
            if (accepting) acceptAll();
        }

        public final void acceptAll() {
            for (int fd; (fd = queue.accept(this)) != EventQueue.WOULD_BLOCK; ) {
                if (fd >= 0) accepted.add(fd);
                else {
                    error = fd;
                    return;
                }
            }
        }

        @Override protected void acceptedLate(int fd) { late.add(fd); }
    }

    /** A watched descriptor that remembers what was signalled. */
    public class Watched extends EventSource {
        public final List<Integer> signals = new ArrayList<>();

        public Watched(int fd) { super(vcore.newColor(), fd); }

        /** Has it watched for what there is to read, and nothing said of what was before. */
        public final Watched opened() {
            assertEquals(0, queue.watch(this, READABLE));
            settle();
            return this;
        }

        @Override protected void run() { signals.add(takeReady()); }

        public final int seen() {
            int bits = 0;
            for (int signal : signals) bits |= signal;
            return bits;
        }
    }

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
