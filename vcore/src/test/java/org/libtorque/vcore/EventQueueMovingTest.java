package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;
import org.libtorque.sys.Sockets;
import org.libtorque.testkit.AllocationProbe;

/**
 * What every {@link EventQueue} promises about sources whose runner is not home, and about sources that move: with two queues, both driven by the test's thread.
 */
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueMovingTest extends EventQueueFixture {
    /** Where sources begin. */
    protected Site a;
    /** Where they are run or moved to. */
    protected Site b;

    protected EventQueueMovingTest() {}

    @BeforeEach public void setUp() { openWith(BLOCKS, BLOCKS); }

    private void openWith(int blocksOfA, int blocksOfB) {
        closeSites();
        a = openSite(blocksOfA);
        b = openSite(blocksOfB);
    }

    /** A stream that can be run and moved elsewhere. */
    private final class Stream extends Taking {
        int detachments;
        Runnable onDetached = () -> { };
        Runnable onSent = () -> { };
        final List<Integer> sent = new ArrayList<>();

        Stream(int fd) { super(a, fd, -1); }

        Stream(int[] pair) { super(a, pair[0], pair[1]); }

        Stream opened() {
            assertEquals(0, a.queue.openStream(this));
            return this;
        }

        @Override public void sent(int result) {
            sent.add(result);
            onSent.run();
        }

        @Override protected void detached() {
            detachments++;
            assertNull(home());
            assertEquals(-1, slot());
            assertTrue(fd() >= 0);
            onDetached.run();
        }

        /** Detaches from where it is, waits until that is done, and attaches to {@code to}. */
        void move(Site to) {
            detach();
            assertEquals(0, to.queue.attach(this));
            assertSame(to.queue, home());
            runner = to;
        }

        void detach() {
            int before = detachments;
            assertTrue(home().detach(this));
            turnUntil("detached", () -> detachments == before + 1);
        }

        @Override public void end() { (home() == null ? b.queue : home()).close(this, false); }
    }

    // -------------------------------------------------------------------------------------------------- runner and home apart

    @Test public void aForeignRunnerReceivesWhatHomeHarvested() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        stream.runner = b;
        writeInPieces(stream);
        sockets.close(stream.peer);
        stream.awaitEnd();
        stream.readAll();
        assertEquals(0, stream.last, "the end stays the end");
        stream.end();
    }

    @Test public void theRunnerMayChangeBetweenAnyTwoReceives() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(300_000, 3);
        var writing = new Writing(stream.peer, data);
        var random = new SplittableRandom(4);
        long own = a.pool.acquire();
        int rounds = 0;
        while (stream.received.size() < data.length) {
            assertTrue(rounds++ < 200_000, "never got everything: " + stream.received.size());
            if (random.nextInt(3) == 0) writing.some(1 + random.nextInt(9_000));
            if (random.nextInt(3) == 0) turn();
            stream.runner = random.nextBoolean() ? a : b;
            EventQueue queue = stream.runner.queue;
            if (random.nextBoolean()) {
                int n = queue.receive(stream, own, 1 + random.nextInt(BLOCK));
                if (n > 0) stream.keep(own, n);
            } else {
                int n = queue.receive(stream);
                if (n > 0) {
                    stream.keep(queue.inputAddress(), n);
                    if (random.nextInt(4) == 0) stream.runner.pool.releaseAnywhere(queue.keepInput(stream));
                    else queue.leaveInput(stream);
                }
            }
        }
        assertArrayEquals(data, stream.bytes());
        a.pool.release(own);
        stream.endBoth();
    }

    @Test public void inputThatAForeignRunnerKeepsStaysAsItIs() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(30 * 1_000, 5);
        List<long[]> kept = new ArrayList<>(); // block, address
        for (int i = 0; i < 30; i++) {
            Site runner = i % 3 == 0 ? a : b;
            int before = stream.runs;
            sockets.write(stream.peer, data, i * 1_000, 1_000);
            turnUntil("signalled", () -> stream.runs > before);
            assertEquals(1_000, runner.queue.receive(stream));
            long address = runner.queue.inputAddress();
            long block = runner.queue.keepInput(stream);
            assertTrue(address >= block && address + 1_000 <= block + BLOCK, "the data lies in the block");
            kept.add(new long[] {block, address});
            assertEquals(EventQueue.WOULD_BLOCK, runner.queue.receive(stream));
        }
        for (int i = 0; i < 30; i++) {
            byte[] part = new byte[1_000];
            NativeMemory.copy(kept.get(i)[1], part, 0, 1_000);
            assertArrayEquals(Arrays.copyOfRange(data, i * 1_000, (i + 1) * 1_000), part, "number " + i);
            (i % 2 == 0 ? a : b).pool.releaseAnywhere(kept.get(i)[0]);
        }
        stream.endBoth();
    }

    @Test public void aStreamThatIsThrottledGoesOnWhenItsForeignRunnerHasCaughtUp() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.runner = b;
        var writing = new Writing(stream.peer, random(400_000, 6));
        for (int round = 0; round < 20; round++) {
            stream.reading = false;
            for (int i = 0; i < 60; i++) {
                writing.some(2_000);
                turn();
            }
            stream.reading = true;
            stream.readAll(); // what the contract asks of one who did not when told
        }
        stream.awaitAll(writing);
        stream.endBoth();
    }

    @Test public void sendingAwayFromHomeIsAtOnceOrNotAtAll() {
        int[] pair = sockets.unixPair();
        sockets.setBuffers(pair[0], 16_384, 0);
        Stream stream = new Stream(pair).opened();
        settle();
        long block = b.pool.acquire();
        byte[] data = random(BLOCK, 7);
        NativeMemory.copy(data, 0, block, BLOCK);
        int total = 0;
        int n;
        while ((n = b.queue.send(stream, block + total % BLOCK, BLOCK - total % BLOCK)) > 0) total += n;
        assertEquals(EventQueue.WOULD_BLOCK, n);
        assertTrue(total >= BLOCK, "sent: " + total);
        settle();
        assertEquals(0, stream.bits & EventSource.WRITABLE, "nobody asked");
        a.queue.awaitWritable(stream); // it goes home to ask
        settle();
        assertEquals(0, stream.bits & EventSource.WRITABLE);
        var got = new ByteArrayOutputStream();
        got.writeBytes(stream.awaitWritable());
        n = b.queue.send(stream, block + total % BLOCK, BLOCK - total % BLOCK);
        assertTrue(n > 0);
        total += n;
        int expected = total;
        turnUntil("the rest", () -> {
            got.writeBytes(sockets.read(stream.peer));
            return got.size() == expected;
        });
        assertRepeats(data, got.toByteArray());
        assertEquals(List.of(), stream.sent);
        b.pool.release(block);
        sockets.close(pair[1]);
        turnUntil("the end", () -> stream.last != EventQueue.WOULD_BLOCK);
        block = b.pool.acquire();
        assertEquals(-Errno.EPIPE, b.queue.send(stream, block, 10));
        b.pool.release(block);
        stream.end();
    }

    @Test public void closingDropsInputThatAForeignRunnerHasBegunToRead() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        sockets.writeAll(stream.peer, "first");
        turnUntil("signalled", () -> stream.runs > 0);
        sockets.writeAll(stream.peer, "second");
        settle();
        assertTrue(b.queue.receive(stream) > 0);
        b.queue.leaveInput(stream);
        sockets.writeAll(stream.peer, "third");
        settle();
        stream.end();
        turnUntil("gone", () -> a.queue.sourceCount() == 0);
        sockets.close(stream.peer);
    }

    // ------------------------------------------------------------------------------------------------------------------ moving

    @Test public void aMovedStreamReceivesAndSendsInItsNewQueue() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        sockets.writeAll(stream.peer, "one");
        stream.awaitReceived(3);
        stream.move(b);
        assertEquals(0, a.queue.sourceCount());
        assertEquals(1, b.queue.sourceCount());
        sockets.writeAll(stream.peer, "two");
        stream.awaitReceived(6);
        long block = b.pool.acquire();
        NativeMemory.fill(block, 100, (byte) 'x');
        int n = b.queue.send(stream, block, 100);
        if (n == EventQueue.PENDING) turnUntil("sent", () -> stream.sent.equals(List.of(100)));
        else assertEquals(100, n);
        turnUntil("arrived", () -> sockets.readCount(stream.peer) == 100);
        b.pool.release(block);
        stream.move(a);
        sockets.writeAll(stream.peer, "three");
        sockets.close(stream.peer);
        stream.awaitEnd();
        assertEquals("onetwothree", stream.text());
        stream.move(b);
        stream.readAll();
        assertEquals(0, stream.last, "the end stays the end");
        stream.end();
    }

    @Test public void whatArrivesWhileDetachedIsSignalledAfterwards() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        stream.detach();
        sockets.writeAll(stream.peer, "in between");
        settle();
        assertEquals(0, stream.runs);
        assertEquals(0, b.queue.attach(stream));
        stream.runner = b;
        stream.awaitReceived(10);
        stream.detach();
        sockets.writeAll(stream.peer, "!");
        sockets.close(stream.peer);
        assertEquals(0, a.queue.attach(stream));
        stream.awaitEnd();
        assertEquals("in between!", stream.text());
        stream.end();
    }

    @Test public void inputOfBeforeTheMoveComesBeforeWhatArrivesAfter() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(60_000, 8);
        int at = 0;
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < 5; i++) {
                assertEquals(2_000, sockets.write(stream.peer, data, at, 2_000));
                at += 2_000;
                settle();
            }
            stream.move(round % 2 == 0 ? b : a);
        }
        stream.reading = true;
        stream.readAll();
        stream.awaitReceived(data.length);
        assertArrayEquals(data, stream.bytes());
        sockets.writeAll(stream.peer, "more");
        stream.awaitReceived(data.length + 4);
        stream.endBoth();
    }

    @Test public void aStreamThatIsThrottledGoesOnAfterAMove() {
        for (int when = 0; when < 3; when++) {
            Stream stream = new Stream(sockets.unixPair()).opened();
            stream.reading = false;
            byte[] data = random(200_000, 12);
            var writing = new Writing(stream.peer, data);
            for (int i = 0; i < 60; i++) {
                writing.some(2_000);
                turn();
            }
            settle();
            stream.runner = b;
            if (when == 0) stream.readAll(); // home does not know yet that it is to go on
            stream.detach();
            if (when == 1) stream.readAll(); // there is no home
            assertEquals(0, b.queue.attach(stream));
            if (when == 2) stream.readAll();
            stream.reading = true;
            stream.awaitAll(writing);
            settle();
            stream.move(a);
            sockets.writeAll(stream.peer, "more");
            stream.awaitReceived(data.length + 4);
            stream.endBoth();
        }
    }

    @Test public void aPausedStreamStaysPausedWhenItMoves() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        settle();
        a.queue.pauseReceiving(stream, true);
        a.queue.awaitHangUp(stream);
        settle();
        stream.move(b);
        int runs = stream.runs;
        sockets.writeAll(stream.peer, "later");
        settle();
        assertEquals(runs, stream.runs);
        b.queue.pauseReceiving(stream, false);
        stream.readAll();
        stream.awaitReceived(5);
        b.queue.pauseReceiving(stream, true);
        settle();
        stream.move(a);
        stream.reading = false;
        stream.bits = 0;
        settle();
        assertEquals(0, stream.bits & EventSource.HANG_UP);
        sockets.reset(stream.peer);
        stream.awaitSignal(EventSource.HANG_UP);
        stream.end();
    }

    @Test public void waitingForRoomToSendMovesAlong() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        fill(stream.fd());
        a.queue.awaitWritable(stream);
        settle();
        stream.move(b);
        settle();
        assertEquals(0, stream.bits & EventSource.WRITABLE);
        stream.awaitWritable();
        stream.endBoth();
    }

    @Test public void roomThatComesWhileDetachedIsSignalled() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        fill(stream.fd());
        a.queue.awaitWritable(stream);
        settle();
        stream.detach();
        for (byte[] some; (some = sockets.read(stream.peer)).length > 0; ) assertTrue(some.length > 0);
        assertEquals(0, b.queue.attach(stream));
        stream.runner = b;
        stream.awaitSignal(EventSource.WRITABLE);
        stream.endBoth();
    }

    @Test public void aPendingSendComesToItsEndBeforeTheStreamIsDetached() {
        int[] pair = sockets.unixPair();
        sockets.setBuffers(pair[0], 4_096, 0);
        Stream stream = new Stream(pair).opened();
        settle();
        byte[] data = random(BLOCK, 9);
        long block = a.pool.acquire();
        NativeMemory.copy(data, 0, block, BLOCK);
        int total = 0;
        boolean full = false;
        while (!full) {
            int n = a.queue.send(stream, block + total % BLOCK, BLOCK - total % BLOCK);
            if (n == EventQueue.PENDING) {
                for (int i = 0; i < 200 && stream.sent.isEmpty(); i++) turn();
                full = stream.sent.isEmpty();
                if (!full) total += stream.sent.removeLast();
            } else if (n == EventQueue.WOULD_BLOCK) {
                full = true;
            } else {
                total += n;
            }
        }
        boolean pending = a.queue.name().equals("io_uring");
        stream.onDetached = () -> assertEquals(pending ? 1 : 0, stream.sent.size(), "sent() comes first");
        stream.move(b);
        if (pending) {
            int result = stream.sent.removeLast();
            assertTrue(result > 0 || result == EventQueue.WOULD_BLOCK, "result " + result);
            if (result > 0) total += result;
        }
        stream.bits = 0;
        int sentSoFar = total;
        int[] more = {0};
        var got = new ByteArrayOutputStream();
        int n = b.queue.send(stream, block + sentSoFar % BLOCK, BLOCK - sentSoFar % BLOCK);
        turnUntil("the stream goes on where it was", () -> {
            got.writeBytes(sockets.read(stream.peer));
            if (n > 0) more[0] = n;
            else if (!stream.sent.isEmpty()) more[0] = stream.sent.getLast();
            else if (n == EventQueue.WOULD_BLOCK && (stream.bits & EventSource.WRITABLE) != 0 && more[0] == 0) {
                more[0] = Math.max(0, b.queue.send(stream, block + sentSoFar % BLOCK, BLOCK - sentSoFar % BLOCK));
            }
            return more[0] > 0 && got.size() == sentSoFar + more[0];
        });
        assertRepeats(data, got.toByteArray());
        a.pool.release(block);
        stream.endBoth();
    }

    /** Nothing else is in flight when the peer has ended: so the queue lets go of the stream at once, in the middle of the completion. */
    @Test public void theCompletionOfASendMayDetachAStreamWhosePeerHasEnded() {
        for (boolean attached : new boolean[] {false, true}) {
            Stream other = new Stream(sockets.tcpPair()).opened();
            Stream stream = endedByPeer();
            stream.onSent = () -> assertTrue(a.queue.detach(stream));
            if (attached) stream.onDetached = () -> assertEquals(0, a.queue.attach(stream));
            long text = a.pool.acquire();
            int result = a.queue.send(stream, text, 100);
            if (result != EventQueue.PENDING) stream.sent(result);
            turnUntil("detached", () -> stream.detachments > 0);
            settle();
            assertEquals(1, stream.detachments);
            Stream next = new Stream(sockets.tcpPair()).opened();
            Stream afterNext = new Stream(sockets.tcpPair()).opened();
            for (Stream each : List.of(other, next, afterNext)) writeInPieces(each);
            if (!attached) assertEquals(0, b.queue.attach(stream));
            else assertTrue(a.queue.detach(stream)); // b closes it
            for (Stream each : List.of(other, next, afterNext)) {
                each.detach();
                each.endBoth();
            }
            stream.endBoth();
            a.pool.release(text);
        }
    }

    @Test public void theCompletionOfASendMayCloseAStreamWhosePeerHasEnded() {
        Stream stream = endedByPeer();
        stream.onSent = () -> a.queue.close(stream, false);
        long text = a.pool.acquire();
        int result = a.queue.send(stream, text, 100);
        if (result != EventQueue.PENDING) stream.sent(result);
        turnUntil("closed", () -> a.queue.sourceCount() == 0);
        settle();
        assertEquals(1, stream.sent.size());
        sockets.close(stream.peer);
        Stream next = new Stream(sockets.tcpPair()).opened();
        Stream afterNext = new Stream(sockets.tcpPair()).opened();
        for (Stream each : List.of(next, afterNext)) writeInPieces(each);
        for (Stream each : List.of(next, afterNext)) {
            each.detach();
            each.endBoth();
        }
        a.pool.release(text);
    }

    private Stream endedByPeer() {
        Stream stream = new Stream(sockets.tcpPair()).opened();
        Sockets.shutdown(ErrnoSlot.current(), stream.peer, Sockets.SHUT_WR);
        stream.awaitEnd();
        return stream;
    }


    @Test public void aStreamThatConnectsMayMoveMeanwhile() {
        for (boolean early : new boolean[] {true, false}) {
            int listener = sockets.listener(10);
            var stream = new Stream(sockets.connecting(sockets.port(listener)));
            stream.reading = false;
            assertEquals(0, a.queue.openConnecting(stream));
            if (!early) settle(); // connected already, and known to be
            stream.move(b);
            stream.awaitSignal(EventSource.WRITABLE);
            assertEquals(0, sockets.socketError(stream.fd()));
            assertEquals(0, b.queue.connected(stream));
            stream.reading = true;
            int server = sockets.accept(listener);
            sockets.writeAll(server, "welcome");
            stream.awaitReceived(7);
            stream.end();
            sockets.close(listener, server);
        }
    }

    @Test public void aWatchMovesWithItsInterest() {
        int[] pair = sockets.unixPair();
        var seen = new ArrayList<Integer>();
        var detachments = new int[1];
        var watch = new EventSource(a.vcore.newColor(), pair[0]) {
            @Override protected void run() { seen.add(takeReady()); }

            @Override protected void detached() { detachments[0]++; }
        };
        assertEquals(0, a.queue.watch(watch, EventSource.READABLE));
        settle();
        assertTrue(a.queue.detach(watch));
        turnUntil("detached", () -> detachments[0] == 1);
        sockets.writeAll(pair[1], "x");
        settle();
        assertEquals(List.of(), seen);
        assertEquals(0, b.queue.attach(watch));
        turnUntil("what happened in between", () -> seen.equals(List.of(EventSource.READABLE)));
        settle();
        seen.clear();
        assertEquals(0, b.queue.watch(watch, EventSource.WRITABLE));
        turnUntil("the new interest", () -> !seen.isEmpty());
        settle();
        seen.clear();
        assertTrue(b.queue.detach(watch));
        turnUntil("detached", () -> detachments[0] == 2);
        assertEquals(0, a.queue.attach(watch));
        turnUntil("the interest has moved along", () -> !seen.isEmpty());
        settle();
        int all = 0;
        for (int bits : seen) all |= bits;
        assertEquals(EventSource.WRITABLE, all);
        a.queue.close(watch, true);
        sockets.close(pair);
    }

    /** A listening socket that accepts where it is registered. */
    private final class Listening extends AcceptSource {
        final List<Integer> accepted = new ArrayList<>();
        int detachments;
        boolean accepting = true;

        Listening(int fd) { super(a.vcore.newColor(), fd); }

        @Override protected void run() {
            takeReady();
            if (accepting && home() != null) acceptAll();
        }

        void acceptAll() {
            for (int fd; (fd = home().accept(this)) != EventQueue.WOULD_BLOCK; ) accepted.add(fd);
        }

        @Override protected void acceptedLate(int fd) { accepted.add(fd); }

        @Override protected void detached() { detachments++; }
    }

    @Test public void aListeningSocketMovesAndLosesNobody() {
        int fd = sockets.listener(1_000);
        int port = sockets.port(fd);
        var listening = new Listening(fd);
        assertEquals(0, a.queue.listen(listening));
        var random = new SplittableRandom(10);
        List<Integer> clients = new ArrayList<>();
        for (int round = 0; round < 40; round++) {
            listening.accepting = round % 4 != 3; // once in a while some are kept by the queue when it moves
            for (int i = random.nextInt(6); i > 0; i--) clients.add(sockets.connecting(port));
            for (int i = random.nextInt(3); i > 0; i--) turn();
            int before = listening.detachments;
            Site to = round % 2 == 0 ? b : a;
            assertTrue(listening.home().detach(listening));
            for (int i = random.nextInt(3); i > 0; i--) clients.add(sockets.connecting(port));
            turnUntil("detached", () -> listening.detachments == before + 1);
            for (int i = random.nextInt(3); i > 0; i--) clients.add(sockets.connecting(port));
            assertEquals(0, to.queue.attach(listening));
            if (!listening.accepting) {
                settle();
                listening.accepting = true;
                listening.acceptAll();
            }
        }
        turnUntil("all are accepted", () -> listening.accepted.size() == clients.size());
        assertTrue(clients.size() > 100);
        for (int server : listening.accepted) {
            assertTrue(sockets.isNonBlockingAndCloseOnExec(server));
            sockets.close(server);
        }
        for (int client : clients) sockets.close(client);
        listening.home().close(listening, false);
    }

    @Test public void connectionsKeptByADetachedListenerAreHandedOverWhenItIsClosed() {
        int fd = sockets.listener(100);
        var listening = new Listening(fd);
        listening.accepting = false;
        assertEquals(0, a.queue.listen(listening));
        int client = sockets.connecting(sockets.port(fd));
        settle();
        assertTrue(a.queue.detach(listening));
        turnUntil("detached", () -> listening.detachments == 1);
        b.queue.close(listening, false);
        settle();
        turnUntil("served or reset", () -> !listening.accepted.isEmpty() || sockets.is(client, Poll.POLLHUP | Poll.POLLERR));
        for (int server : listening.accepted) sockets.close(server);
        sockets.close(client);
    }

    // ------------------------------------------------------------------------------------------------------- closing and moving

    @Test public void whatIsClosedCannotBeDetached() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        settle();
        stream.end();
        assertFalse(a.queue.detach(stream));
        settle();
        assertEquals(0, stream.detachments);
        turnUntil("the peer sees the end", () -> sockets.readCount(stream.peer) == 0);
        sockets.close(stream.peer);
    }

    @Test public void whatIsRegisteredElsewhereCannotBeDetachedHere() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        assertFalse(b.queue.detach(stream));
        sockets.writeAll(stream.peer, "x");
        stream.awaitReceived(1);
        stream.endBoth();
    }

    @Test public void closingWinsOverDetaching() {
        for (int turns = 0; turns < 3; turns++) {
            int[] pair = sockets.unixPair();
            sockets.writeAll(pair[1], "never read");
            Stream stream = new Stream(pair).opened();
            stream.reading = false;
            for (int i = 0; i < turns; i++) turn();
            assertTrue(a.queue.detach(stream));
            int detachments = stream.detachments; // epoll needs no later harvest for it
            stream.end();
            assertEquals(-1, stream.fd());
            settle();
            assertEquals(detachments, stream.detachments);
            turnUntil("the peer sees the end", () -> sockets.readCount(stream.peer) != -Errno.EAGAIN);
            sockets.close(pair[1]);
            turnUntil("gone", () -> a.queue.sourceCount() == 0);
        }
    }

    @Test public void aDetachedStreamMayBeClosedByAnyQueueWithItsInput() {
        for (boolean withInput : new boolean[] {false, true}) {
            Stream stream = new Stream(sockets.unixPair()).opened();
            stream.reading = false;
            if (withInput) sockets.writeAll(stream.peer, "never read");
            settle();
            stream.detach();
            b.queue.close(stream, false);
            assertEquals(-1, stream.fd());
            turnUntil("the peer sees the end", () -> sockets.readCount(stream.peer) != -Errno.EAGAIN);
            sockets.close(stream.peer);
        }
    }

    @Test public void aDetachedDescriptorMayBeKept() {
        int[] pair = sockets.unixPair();
        Stream stream = new Stream(pair).opened();
        settle();
        stream.detach();
        b.queue.close(stream, true);
        settle();
        assertTrue(sockets.isOpen(pair[0]));
        sockets.close(pair);
    }

    /** For a queue that the kernel can refuse a registration. */
    protected final void assertThatAStreamThatCannotBeAttachedStaysDetached() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        sockets.writeAll(stream.peer, "one");
        stream.awaitReceived(3);
        stream.detach();
        var inTheWay = new Stream(stream.fd());
        assertEquals(0, b.queue.openStream(inTheWay));
        for (int i = 0; i < 3; i++) {
            assertEquals(-Errno.EEXIST, b.queue.attach(stream));
            assertNull(stream.home());
            assertEquals(-1, stream.slot());
            assertEquals(1, b.queue.sourceCount());
        }
        assertEquals(0, a.queue.attach(stream), "elsewhere it can");
        b.queue.close(inTheWay, true);
        sockets.writeAll(stream.peer, "two");
        stream.awaitReceived(6);
        assertEquals("onetwo", stream.text());
        stream.move(b);
        stream.endBoth();
    }

    @Test public void itMayBeAttachedAgainAsSoonAsItIsDetached() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        for (Site to : List.of(a, b, a, a, b)) {
            stream.onDetached = () -> {
                stream.onDetached = () -> { };
                stream.runner = to;
                assertEquals(0, to.queue.attach(stream));
            };
            int before = stream.received.size();
            int detachments = stream.detachments;
            assertTrue(stream.home().detach(stream));
            sockets.writeAll(stream.peer, "abc");
            turnUntil("moved and read", () -> stream.detachments == detachments + 1 && stream.received.size() == before + 3);
            assertSame(to.queue, stream.home());
        }
        stream.endBoth();
    }

    @Test public void aStreamWhoseEndHasComeBeforeItsDataWasReadMovesWithBoth() {
        Stream stream = new Stream(sockets.unixPair()).opened();
        stream.reading = false;
        byte[] data = random(3 * BLOCK, 11);
        sockets.write(stream.peer, data, 0, data.length);
        settle();
        sockets.close(stream.peer);
        settle();
        stream.move(b);
        settle();
        stream.move(a);
        stream.readAll();
        turnUntil("the end", () -> {
            stream.readAll();
            return stream.last == 0;
        });
        assertArrayEquals(data, stream.bytes());
        stream.end();
    }

    @Test public void aResetThatComesWithTheMoveIsStillAReset() {
        Stream other = new Stream(sockets.unixPair()).opened();
        for (int round = 0; round < 60; round++) {
            Stream stream = new Stream(sockets.tcpPair()).opened();
            settle();
            if (round % 3 == 1) sockets.writeAll(other.peer, "x");
            sockets.reset(stream.peer);
            if (round % 3 > 0) a.queue.harvest(1, 0); // takes the reset, or what came before it: then the reset may be known to the kernel only
            stream.reading = false;
            stream.move(b);
            settle();
            turnUntil("the error", () -> {
                if (stream.last == EventQueue.WOULD_BLOCK) stream.readAll();
                return stream.last != EventQueue.WOULD_BLOCK;
            });
            assertEquals(-Errno.ECONNRESET, stream.last, "round " + round);
            settle();
            stream.end();
        }
        other.endBoth();
    }

    // ------------------------------------------------------------------------------------------------------------ running out

    @Test public void aStarvingHomeGoesOnWhenOthersGiveBack() {
        for (boolean keep : new boolean[] {true, false}) {
            openWith(6, 64);
            Stream[] streams = new Stream[4];
            Writing[] writings = new Writing[4];
            for (int i = 0; i < 4; i++) {
                streams[i] = new Stream(sockets.unixPair()).opened();
                streams[i].runner = b;
                writings[i] = new Writing(streams[i].peer, random(100_000, 20 + i));
            }
            var random = new SplittableRandom(30);
            List<Long> kept = new ArrayList<>();
            for (int i = 0; i < 4; i++) streams[i].reading = false;
            for (int round = 0; round < 4_000; round++) {
                int i = random.nextInt(4);
                writings[i].some(1 + random.nextInt(3_000));
                turn();
                int n = b.queue.receive(streams[i]);
                if (n > 0) {
                    streams[i].keep(b.queue.inputAddress(), n);
                    if (keep) kept.add(b.queue.keepInput(streams[i]));
                    else b.queue.leaveInput(streams[i]);
                }
                if (kept.size() > random.nextInt(12)) b.pool.releaseAnywhere(kept.remove(random.nextInt(kept.size())));
            }
            for (long block : kept) b.pool.releaseAnywhere(block);
            for (int i = 0; i < 4; i++) {
                streams[i].awaitAll(writings[i], () -> {
                    for (Stream stream : streams) stream.readAll();
                });
            }
            for (Stream stream : streams) stream.endBoth();
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- cost

    @Test public void aForeignRunnerAllocatesNothingNorDoesHome() {
        int[] pair = sockets.unixPair();
        var echo = new Bouncing(pair[0]);
        var peer = new Bouncing(pair[1]);
        assertEquals(0, a.queue.openStream(echo));
        assertEquals(0, a.queue.openStream(peer));
        assertEquals(100, b.queue.send(peer, echo.out, 100));
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, this::turn);
        assertTrue(peer.runs > 100, "runs: " + peer.runs);
        a.queue.close(echo, false);
        a.queue.close(peer, false);
        turnUntil("gone", () -> a.queue.sourceCount() == 0);
        b.pool.release(echo.out);
        b.pool.release(peer.out);
    }

    /** Sends back what it gets, away from home. */
    private final class Bouncing extends StreamSource {
        final long out = b.pool.acquire();
        int runs;

        Bouncing(int fd) { super(a.vcore.newColor(), fd); }

        @Override protected void run() {
            takeReady();
            int n;
            while ((n = b.queue.receive(this)) > 0) {
                runs++;
                NativeMemory.copy(b.queue.inputAddress(), out, n);
                b.queue.leaveInput(this);
                if (b.queue.send(this, out, n) != n) throw new AssertionError("not sent");
            }
        }

        @Override public void sent(int result) { throw new AssertionError("sent by " + this); }
    }
}
