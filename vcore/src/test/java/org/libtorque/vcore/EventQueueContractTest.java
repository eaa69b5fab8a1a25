package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.memory.BlockPool;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;

/**
 * What every {@link EventQueue} promises, against real sockets and pipes, with the loop turned by the test's thread. Whatever a test leaves behind
 * (sources, blocks, descriptors) fails it.
 *
 * <p>Its methods are public because the subclasses are in other packages, which are all that is open to JUnit when one of them runs alone.
 */
@ExtendWith(LeakCheck.class)
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueContractTest {
    /** Small, so that a few kilobytes take several blocks. */
    protected static final int BLOCK = 4096;
    protected static final int BLOCKS = 256;

    protected final TestSockets sockets = new TestSockets();
    protected final List<Throwable> failures = new ArrayList<>();
    protected BlockPool pool;
    protected Vcore vcore;
    protected EventQueue queue;
    /** Blocks that the queue itself keeps when nothing is registered. */
    protected int ownBlocks;

    protected EventQueueContractTest() {}

    protected abstract EventQueue open(BlockPool blocks);

    @BeforeEach public void setUp() { openWith(BLOCKS); }

    /** Replaces the queue by one whose pool has {@code blocks} blocks. */
    protected final void openWith(int blocks) {
        if (vcore != null) assertEquals(0, vcore.shutDown(0));
        pool = new BlockPool(BLOCK, (long) blocks * BLOCK);
        vcore = new Vcore(0, 0, Clock.SYSTEM, pool, 16, (where, failure) -> failures.add(failure));
        queue = open(pool);
        vcore.bind(queue);
        ownBlocks = pool.acquiredBlocks();
    }

    @AfterEach public void tearDown() {
        long limit = System.nanoTime() + 2_000_000_000L;
        while (queue.sourceCount() > 0 && System.nanoTime() < limit) vcore.runOnce(false);
        assertEquals(0, queue.sourceCount(), "sources left");
        assertEquals(List.of(), failures);
        while (vcore.runOnce(false) > 0) { }
        queue.close();
        assertEquals(0, pool.acquiredBlocks(), "blocks left");
        vcore.bind(new FakeQueue());
        assertEquals(0, vcore.shutDown(0));
        sockets.close();
    }

    /** Turns the loop until {@code condition} holds. */
    protected final void turnUntil(String what, BooleanSupplier condition) {
        long limit = System.nanoTime() + Eventually.scaled(Duration.ofSeconds(5)).toNanos();
        while (!condition.getAsBoolean()) {
            vcore.runOnce(false);
            if (System.nanoTime() > limit) throw new AssertionError("never happened: " + what);
        }
    }

    /** Turns the loop often enough for whatever is under way to arrive. */
    protected final void settle() {
        for (int i = 0; i < 20; i++) vcore.runOnce(false);
    }

    protected static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    /** A stream that takes all there is, unless told otherwise, and remembers it. */
    public class Stream extends StreamSource {
        public final ByteArrayOutputStream received = new ByteArrayOutputStream();
        /** What the last receive returned that was not data. */
        public int last = EventQueue.WOULD_BLOCK;
        public int runs;
        public int bits;
        public boolean reading = true;
        /** Bytes to send, and how far that has come. */
        public long out;
        public int outLength;
        public int outSent;
        public boolean pending;
        public int sendError;
        public int sentCalls;

        public Stream(int fd) { super(vcore.newColor(), fd); }

        public Stream openedOn() {
            assertEquals(0, queue.openStream(this));
            return this;
        }

        @Override protected void run() {
            runs++;
            int now = takeReady();
            bits |= now;
            if (slot() < 0) throw new AssertionError("run after close");
            if (reading) readAll();
            if (outSent < outLength && sendError == 0 && !pending) sendMore();
        }

        public final void readAll() {
            while (readSome()) { }
        }

        public final boolean readSome() {
            int n = queue.receive(this);
            if (n <= 0) {
                last = n;
                return false;
            }
            byte[] bytes = new byte[n];
            NativeMemory.copy(queue.inputAddress(), bytes, 0, n);
            received.writeBytes(bytes);
            queue.leaveInput(this);
            return true;
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

        public final byte[] bytes() { return received.toByteArray(); }

        public final String text() { return received.toString(java.nio.charset.StandardCharsets.ISO_8859_1); }

        public final void end() { queue.close(this, false); }
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

        @Override protected void run() { signals.add(takeReady()); }

        public final int seen() {
            int bits = 0;
            for (int signal : signals) bits |= signal;
            return bits;
        }
    }

    // ---------------------------------------------------------------------------------------------------------- receiving

    @Test public void dataArrivesCompleteAndInOrder() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        byte[] data = random(1 << 20, 1);
        var random = new SplittableRandom(2);
        for (int at = 0; at < data.length; ) {
            int n = sockets.write(pair[1], data, at, Math.min(data.length - at, 1 + random.nextInt(30_000)));
            if (n > 0) at += n;
            vcore.runOnce(false);
        }
        turnUntil("all is there", () -> stream.received.size() == data.length);
        assertArrayEquals(data, stream.bytes());
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void whatWasThereBeforeOpeningIsSignalled() {
        int[] pair = sockets.unixPair();
        sockets.writeAll(pair[1], "early");
        Stream stream = new Stream(pair[0]).openedOn();
        turnUntil("signalled", () -> stream.received.size() == 5);
        assertEquals("early", stream.text());
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void theEndComesAfterTheData() {
        for (int[] pair : List.of(sockets.tcpPair(), sockets.unixPair())) {
            Stream stream = new Stream(pair[0]).openedOn();
            byte[] data = random(3 * BLOCK + 7, 3);
            assertEquals(data.length, sockets.write(pair[1], data, 0, data.length));
            sockets.close(pair[1]);
            turnUntil("the end", () -> stream.last == 0);
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
        Stream stream = new Stream(pair[0]).openedOn();
        turnUntil("the end", () -> stream.last == 0);
        assertEquals("last words", stream.text());
        stream.end();
    }

    @Test public void thePeersHalfCloseLeavesTheOtherDirectionOpen() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        sockets.shutDownOutput(pair[1]);
        turnUntil("the end", () -> stream.last == 0);
        long block = pool.acquire();
        NativeMemory.fill(block, 100, (byte) 'x');
        stream.send(block, 100);
        turnUntil("sent", stream::allSent);
        assertEquals("x".repeat(100), new String(sockets.read(pair[1]), java.nio.charset.StandardCharsets.US_ASCII));
        pool.release(block);
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void aResetIsAnError() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        sockets.reset(pair[1]);
        turnUntil("the error", () -> stream.last == -Errno.ECONNRESET);
        stream.end();
    }

    @Test public void nothingIsSignalledTwice() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        sockets.writeAll(pair[1], "a");
        turnUntil("read", () -> stream.received.size() == 1);
        settle();
        int runs = stream.runs;
        settle();
        assertEquals(runs, stream.runs);
        stream.reading = false;
        sockets.writeAll(pair[1], "b");
        turnUntil("signalled", () -> stream.runs == runs + 1);
        settle();
        assertEquals(runs + 1, stream.runs, "what is not taken is not signalled again");
        stream.readAll();
        assertEquals("ab", stream.text());
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void receivingIntoMemoryOfTheSourceKeepsTheOrder() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        stream.reading = false;
        byte[] data = random(2 * BLOCK, 4);
        sockets.write(pair[1], data, 0, BLOCK);
        turnUntil("signalled", () -> stream.runs > 0);
        sockets.write(pair[1], data, BLOCK, BLOCK);
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
                    byte[] part = new byte[n];
                    NativeMemory.copy(own, part, 0, n);
                    stream.received.writeBytes(part);
                }
            }
        });
        assertArrayEquals(data, stream.bytes());
        pool.release(own);
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void keptInputStaysAsItIsWhileMoreArrives() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        stream.reading = false;
        List<long[]> kept = new ArrayList<>(); // block, address, length
        byte[] data = random(20 * 1_000, 6);
        for (int i = 0; i < 20; i++) {
            sockets.write(pair[1], data, i * 1_000, 1_000);
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
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void whatIsLeftOfAnInputBlockCanBeKeptToo() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        stream.reading = false;
        byte[] data = random(3_000, 7);
        sockets.write(pair[1], data, 0, data.length);
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
        stream.end();
        sockets.close(pair[1]);
    }

    // ------------------------------------------------------------------------------------------------------------ pausing

    @Test public void aPausedStreamIsNotSignalledAndLosesNothing() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        queue.pauseReceiving(stream, true);
        settle();
        int runs = stream.runs;
        byte[] data = random(10_000, 8);
        sockets.write(pair[1], data, 0, data.length);
        settle();
        assertEquals(runs, stream.runs);
        queue.pauseReceiving(stream, false);
        stream.readAll(); // as the contract asks for
        turnUntil("all is there", () -> stream.received.size() == data.length);
        assertArrayEquals(data, stream.bytes());
        sockets.writeAll(pair[1], "!");
        turnUntil("signalled again", () -> stream.received.size() == data.length + 1);
        stream.end();
        sockets.close(pair[1]);
    }

    @Test public void pausingAndResumingAtAnyMomentLosesNothing() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        byte[] data = random(300_000, 9);
        var random = new SplittableRandom(10);
        int at = 0;
        boolean paused = false;
        while (stream.received.size() < data.length) {
            switch (random.nextInt(4)) {
                case 0 -> {
                    int n = sockets.write(pair[1], data, at, Math.min(data.length - at, random.nextInt(6_000)));
                    if (n > 0) at += n;
                }
                case 1 -> {
                    paused = !paused;
                    queue.pauseReceiving(stream, paused);
                    if (!paused) stream.readAll();
                }
                default -> vcore.runOnce(false);
            }
            if (at == data.length && !paused) turnUntil("the rest", () -> stream.received.size() == data.length);
        }
        assertArrayEquals(data, stream.bytes());
        sockets.close(pair[1]);
        if (paused) {
            queue.pauseReceiving(stream, false);
            stream.readAll();
        }
        turnUntil("the end", () -> stream.last == 0);
        stream.end();
    }

    @Test public void theEndThatComesDuringAPauseIsSeenAfterIt() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        queue.pauseReceiving(stream, true);
        sockets.writeAll(pair[1], "x");
        sockets.close(pair[1]);
        stream.reading = false;
        settle();
        stream.reading = true;
        queue.pauseReceiving(stream, false);
        stream.readAll();
        turnUntil("the end", () -> stream.last == 0);
        assertEquals("x", stream.text());
        stream.end();
    }

    @Test public void aResetDuringAPauseIsSignalledAsAHangUp() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        stream.reading = false;
        queue.pauseReceiving(stream, true);
        queue.awaitHangUp(stream);
        queue.awaitHangUp(stream);
        settle();
        assertEquals(0, stream.bits);
        sockets.reset(pair[1]);
        turnUntil("the hang-up", () -> (stream.bits & EventSource.HANG_UP) != 0);
        stream.end();
    }

    @Test public void aPeersHalfCloseIsNoHangUpButAResetAfterItIs() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        sockets.shutDownOutput(pair[1]);
        turnUntil("the end", () -> stream.last == 0);
        queue.awaitHangUp(stream);
        settle();
        assertEquals(0, stream.bits & EventSource.HANG_UP);
        sockets.reset(pair[1]);
        turnUntil("the hang-up", () -> (stream.bits & EventSource.HANG_UP) != 0);
        stream.end();
    }

    // ------------------------------------------------------------------------------------------------------------ sending

    @Test public void bytesAreSentOnceAndInOrder() {
        for (int[] pair : List.of(sockets.tcpPair(), sockets.unixPair())) {
            Stream stream = new Stream(pair[0]).openedOn();
            byte[] data = random(BLOCK, 11);
            long block = pool.acquire();
            NativeMemory.copy(data, 0, block, BLOCK);
            stream.send(block, BLOCK);
            turnUntil("sent", stream::allSent);
            assertArrayEquals(data, readFully(pair[1], BLOCK));
            pool.release(block);
            stream.end();
            sockets.close(pair[1]);
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
            Stream stream = new Stream(pair[0]).openedOn();
            long block = pool.acquire();
            byte[] data = random(BLOCK, 12);
            NativeMemory.copy(data, 0, block, BLOCK);
            var sent = new ByteArrayOutputStream();
            var got = new ByteArrayOutputStream();
            int timesFull = 0;
            while (timesFull < 5) {
                stream.send(block, BLOCK);
                sent.writeBytes(data);
                for (int i = 0; i < 50 && !stream.allSent(); i++) vcore.runOnce(false);
                if (stream.allSent()) continue;
                timesFull++;
                turnUntil("there is room again", () -> {
                    got.writeBytes(sockets.read(pair[1]));
                    return stream.allSent();
                });
            }
            turnUntil("the rest", () -> {
                got.writeBytes(sockets.read(pair[1]));
                return got.size() == sent.size();
            });
            assertEquals(0, stream.sendError);
            assertArrayEquals(sent.toByteArray(), got.toByteArray());
            pool.release(block);
            stream.end();
            sockets.close(pair[1]);
        }
    }

    @Test public void sendingToAPeerThatIsGoneFailsWithoutASignal() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        sockets.close(pair[1]);
        long block = pool.acquire();
        stream.send(block, 10);
        turnUntil("the error", () -> stream.sendError != 0);
        assertEquals(-Errno.EPIPE, stream.sendError);
        turnUntil("the end", () -> stream.last <= 0 && stream.last != EventQueue.WOULD_BLOCK);
        pool.release(block);
        stream.end();
    }

    @Test public void awaitWritableSignalsOnceThereIsRoom() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        queue.awaitWritable(stream);
        turnUntil("writable", () -> (stream.bits & EventSource.WRITABLE) != 0);
        // Filled behind the queue's back, as sendfile(2) would.
        byte[] filling = new byte[1 << 16];
        while (sockets.write(pair[0], filling, 0, filling.length) > 0) { }
        stream.bits = 0;
        queue.awaitWritable(stream);
        settle();
        assertEquals(0, stream.bits & EventSource.WRITABLE);
        turnUntil("writable", () -> {
            sockets.read(pair[1]);
            return (stream.bits & EventSource.WRITABLE) != 0;
        });
        stream.end();
        sockets.close(pair[1]);
    }

    // ------------------------------------------------------------------------------------------------------------ closing

    @Test public void closingShowsThePeerTheEnd() {
        int[] pair = sockets.tcpPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        stream.end();
        assertEquals(-1, stream.fd());
        assertEquals(-1, stream.slot());
        turnUntil("the peer sees the end", () -> sockets.readCount(pair[1]) == 0);
        sockets.close(pair[1]);
    }

    @Test public void closingRightAfterOpeningLeavesNothing() {
        int[] pair = sockets.tcpPair();
        sockets.writeAll(pair[1], "never read");
        Stream stream = new Stream(pair[0]).openedOn();
        stream.end();
        turnUntil("gone", () -> queue.sourceCount() == 0 && sockets.readCount(pair[1]) != -Errno.EAGAIN);
        assertEquals(0, stream.runs);
        sockets.close(pair[1]);
    }

    @Test public void theMemoryOfASendInFlightIsTheKernelsUntilSentIsCalled() {
        int[] pair = sockets.tcpPair();
        sockets.setBuffers(pair[0], 4_096, 0);
        sockets.setBuffers(pair[1], 0, 4_096);
        Stream stream = new Stream(pair[0]).openedOn();
        long block = pool.acquire();
        byte[] data = random(BLOCK, 13);
        NativeMemory.copy(data, 0, block, BLOCK);
        int[] accepted = {0};
        for (int i = 0; i < 2_000 && !(stream.pending && i > 1_000); i++) {
            if (stream.allSent()) {
                accepted[0] += stream.outSent;
                stream.send(block, BLOCK);
            }
            vcore.runOnce(false);
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
            byte[] part = sockets.read(pair[1]);
            if (part == null) return true;
            got.writeBytes(part);
            return false;
        });
        byte[] bytes = got.toByteArray();
        for (int i = 0; i < bytes.length; i++) assertEquals(data[i % BLOCK], bytes[i], "byte " + i);
        sockets.close(pair[1]);
    }

    @Test public void nothingIsSignalledAfterClosingAlsoIfItHadHappenedBefore() {
        int[] pair = sockets.unixPair();
        int[] other = sockets.unixPair();
        Stream first = new Stream(pair[0]).openedOn();
        settle();
        sockets.writeAll(pair[1], "for the first");
        first.end(); // its event is in the kernel, not harvested
        Stream second = new Stream(other[0]).openedOn();
        settle();
        assertEquals(0, first.runs);
        assertEquals(0, second.received.size());
        sockets.writeAll(other[1], "for the second");
        turnUntil("read", () -> second.received.size() == 14);
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
                streams[i] = new Stream(pairs[i][0]).openedOn();
                names[i] = round;
                sockets.writeAll(pairs[i][1], String.format("%05d", round));
            } else if (random.nextBoolean()) {
                sockets.writeAll(pairs[i][1], String.format("%05d", names[i]));
            } else {
                streams[i].end();
                streams[i] = null;
                sockets.close(pairs[i][1]);
            }
            if (random.nextInt(3) == 0) vcore.runOnce(false);
            for (int j = 0; j < 8; j++) {
                if (streams[j] == null) continue;
                String name = String.format("%05d", names[j]);
                String text = streams[j].text();
                assertEquals(name.repeat(text.length() / 5), text);
            }
        }
        for (int j = 0; j < 8; j++) {
            if (streams[j] == null) continue;
            streams[j].end();
            sockets.close(pairs[j][1]);
        }
    }

    @Test public void manySourcesAreOpenAtOnceAndAllGoAway() {
        List<Stream> streams = new ArrayList<>();
        List<Integer> peers = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            int[] pair = sockets.unixPair();
            streams.add(new Stream(pair[0]).openedOn());
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
            if (i % 50 == 0) vcore.runOnce(false);
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
        turnUntil("connected", () -> (stream.bits & EventSource.WRITABLE) != 0);
        assertEquals(0, sockets.socketError(stream.fd()));
        assertEquals(0, queue.connected(stream));
        stream.reading = true;
        turnUntil("accepted", () -> listening.accepted.size() == 1);
        sockets.writeAll(listening.accepted.getFirst(), "welcome");
        turnUntil("read", () -> stream.received.size() == 7);
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
        var watched = new Watched(pipe[0]);
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        settle();
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
        var watched = new Watched(pair[0]);
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        settle();
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
        var watched = new Watched(pipe[0]);
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        settle();
        queue.close(watched, true);
        sockets.close(pipe);
        turnUntil("gone", () -> queue.sourceCount() == 0);
    }

    @Test public void endingAWatchTouchesNoOtherDescriptorThatGotItsNumber() {
        int[] pipe = sockets.pipe();
        var watched = new Watched(pipe[0]);
        assertEquals(0, queue.watch(watched, EventSource.READABLE));
        settle();
        queue.close(watched, true);
        sockets.close(pipe);
        int[] pair = sockets.unixPair(); // takes the lowest free numbers, those of the pipe
        assertEquals(pipe[0], pair[0]);
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        sockets.writeAll(pair[1], "hello");
        turnUntil("read", () -> stream.received.size() == 5);
        stream.end();
        sockets.close(pair[1]);
    }

    // ------------------------------------------------------------------------------------------------------ running out

    @Test public void withoutBuffersNothingIsLostAndReceivingGoesOnWhenThereAreSome() {
        int[][] pairs = new int[4][];
        Stream[] streams = new Stream[4];
        for (int i = 0; i < 4; i++) {
            pairs[i] = sockets.unixPair();
            streams[i] = new Stream(pairs[i][0]).openedOn();
        }
        settle();
        // Somebody else takes all there is.
        List<Long> taken = new ArrayList<>();
        for (int i = 0; i < 4; i++) streams[i].reading = false;
        byte[][] data = new byte[4][];
        int[] written = new int[4];
        for (int i = 0; i < 4; i++) data[i] = random(150_000, 20 + i);
        for (long block; (block = pool.acquire()) != 0; ) taken.add(block);
        // Keep every block that the queue has, too.
        List<Long> kept = new ArrayList<>();
        var got = new ByteArrayOutputStream[4];
        for (int i = 0; i < 4; i++) got[i] = new ByteArrayOutputStream();
        boolean[] starved = new boolean[4];
        for (int round = 0; round < 400; round++) {
            for (int i = 0; i < 4; i++) {
                int n = sockets.write(pairs[i][1], data[i], written[i], Math.min(2_000, data[i].length - written[i]));
                if (n > 0) written[i] += n;
                n = queue.receive(streams[i]);
                if (n == EventQueue.NO_BUFFERS) starved[i] = true;
                if (n <= 0) continue;
                byte[] part = new byte[n];
                NativeMemory.copy(queue.inputAddress(), part, 0, n);
                got[i].writeBytes(part);
                kept.add(queue.keepInput(streams[i]));
            }
            vcore.runOnce(false);
        }
        assertTrue(got[0].size() < data[0].length, "it has run out");
        assertFalse(pool.hasRoom());
        // It does not spin for what cannot be had: an idle loop may block.
        assertFalse(queue.hasDeferredWork());
        for (long block : taken) pool.release(block);
        for (long block : kept) pool.release(block);
        for (int i = 0; i < 4; i++) {
            int number = i;
            turnUntil("stream " + i + " gets the rest", () -> {
                int n = sockets.write(pairs[number][1], data[number], written[number], data[number].length - written[number]);
                if (n > 0) written[number] += n;
                while ((n = queue.receive(streams[number])) > 0) {
                    byte[] part = new byte[n];
                    NativeMemory.copy(queue.inputAddress(), part, 0, n);
                    got[number].writeBytes(part);
                    queue.leaveInput(streams[number]);
                }
                return got[number].size() == data[number].length;
            });
            assertArrayEquals(data[i], got[i].toByteArray());
            streams[i].end();
            sockets.close(pairs[i][1]);
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
        long start = System.nanoTime();
        assertEquals(0, queue.harvest(1, 0));
        assertTrue(System.nanoTime() - start < 500_000_000);
    }

    @Test public void waitingEndsWithTheTime() {
        settle();
        long start = System.nanoTime();
        assertEquals(0, queue.harvest(16, 20_000_000));
        long waited = System.nanoTime() - start;
        assertTrue(waited >= 19_000_000, "waited only " + waited);
    }

    @Test public void waitingEndsWithAnEvent() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        settle();
        Thread peer = Thread.ofPlatform().start(() -> {
            pause(20);
            try (var own = new TestSockets()) {
                own.writeAll(pair[1], "x");
            }
        });
        assertEquals(1, queue.harvest(16, Long.MAX_VALUE));
        vcore.runOnce(false);
        assertEquals("x", stream.text());
        Eventually.awaitEnd(peer);
        stream.end();
        sockets.close(pair[1]);
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
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> vcore.runOnce(false));
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
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair[0]).openedOn();
        for (int i = 0; i < 200; i++) {
            sockets.writeAll(pair[1], "some text");
            if (i % 7 == 0) {
                queue.pauseReceiving(stream, true);
                vcore.runOnce(false);
                queue.pauseReceiving(stream, false);
                stream.readAll();
            }
            vcore.runOnce(false);
        }
        turnUntil("all is there", () -> stream.received.size() == 200 * 9);
        assertNotEquals(0, before);
        assertTrue(pool.acquiredBlocks() <= before + 1, "blocks: " + before + ", then " + pool.acquiredBlocks());
        stream.end();
        sockets.close(pair[1]);
        assertNull(failures.isEmpty() ? null : failures);
    }
}
