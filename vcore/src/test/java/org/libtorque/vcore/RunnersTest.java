package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;

/**
 * Streams whose runners and homes change while both threads are at work: a peer sends numbered bytes, the runner of the moment echoes them through
 * its own queue, home harvests. Each vcore sleeps when it has nothing to do, so a wake-up that is lost is a test that hangs.
 *
 * <p>Colours do not move by themselves here; {@link Echo} plays their part: it says which site runs it, and each turn on another site is sent on
 * there.
 */
@ExtendWith(LeakCheck.class)
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class RunnersTest {
    private static final int BLOCK = 4096;

    private final TestSockets sockets = new TestSockets();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final List<Site> sites = new ArrayList<>();
    private CountDownLatch stopped;

    protected RunnersTest() {}

    /** Makes the queues of one test, which get by with few buffers. */
    protected abstract Function<BlockPool, EventQueue> opener();

    /** A vcore with its thread. */
    private final class Site {
        final BlockPool pool;
        final Vcore vcore;
        final Thread thread;
        final CountDownLatch opened = new CountDownLatch(1);
        volatile EventQueue queue;
        volatile int blocksLeft = -1;

        Site(int index, int blocks, Function<BlockPool, EventQueue> opener) {
            pool = new BlockPool(BLOCK, (long) blocks * BLOCK);
            vcore = new Vcore(index, 0, Clock.SYSTEM, pool, 4096, (where, cause) -> fail(cause));
            thread = Thread.ofPlatform().name("site " + index).start(() -> {
                try {
                    turn(opener);
                } catch (Throwable cause) {
                    fail(cause);
                    while (stopped.getCount() > 0) stopped.countDown(); // nobody waits for this one
                } finally {
                    opened.countDown();
                }
            });
        }

        private void turn(Function<BlockPool, EventQueue> opener) throws InterruptedException {
            queue = opener.apply(pool);
            vcore.bind(queue);
            opened.countDown();
            vcore.runLoop();
            while (queue.sourceCount() > 0 && failure.get() == null) vcore.runOnce(false);
            for (int i = 0; i < 20; i++) vcore.runOnce(false); // closes that were only written to the ring
            stopped.countDown();
            stopped.await(); // nobody has anything of another's any more
            queue.close();
            blocksLeft = pool.acquiredBlocks();
            vcore.bind(new FakeQueue());
            vcore.shutDown(0);
        }

        /** Runs something on this site's thread. */
        void post(Runnable action) {
            new Task(vcore.newColor().pin()) {
                @Override protected void run() { action.run(); }
            }.post();
        }
    }

    private void fail(Throwable cause) { failure.compareAndSet(null, cause); }

    private void open(int... blocks) {
        stopped = new CountDownLatch(blocks.length);
        Function<BlockPool, EventQueue> opener = opener();
        for (int i = 0; i < blocks.length; i++) sites.add(new Site(i, blocks[i], opener));
        for (Site site : sites) Eventually.await("site opens", () -> site.opened.getCount() == 0);
    }

    @AfterEach public void tearDown() {
        for (Site site : sites) site.vcore.requestStop();
        for (Site site : sites) Eventually.awaitEnd(site.thread);
        sockets.close();
        if (failure.get() != null) throw new AssertionError(failure.get());
        for (Site site : sites) assertEquals(0, site.blocksLeft, "blocks left with " + site.vcore);
    }

    /** What stands at a position of the stream. */
    private static byte at(long position) { return (byte) ((position * 0x9E3779B97F4A7C15L) >>> 53); }

    /** Echoes what it receives, wherever it is told to run and to be registered. All fields belong to the runner unless they say otherwise. */
    private final class Echo extends StreamSource {
        private static final int ROOM = 4 * BLOCK;

        final SplittableRandom random;
        final Task[] turns = new Task[sites.size()];
        final ConcurrentLinkedQueue<Runnable> requests = new ConcurrentLinkedQueue<>();
        final long out = NativeMemoryOf.allocate(ROOM);
        /** Who runs it; written by that site's thread alone, read by all. */
        volatile Site runner;
        Site home;
        Site target;
        /** Being moved: turns are noted and come when it has been. */
        boolean held;
        boolean missed;
        /** Work is left, though nothing may be signalled. */
        boolean again;
        boolean paused;
        boolean pending;
        boolean closed;
        int outStart;
        int outEnd;
        long received;
        final AtomicLong moves = new AtomicLong();
        final AtomicLong done = new AtomicLong();
        final AtomicLong away = new AtomicLong();
        volatile boolean ended;

        Echo(int fd, Site home, long seed) {
            super(home.vcore.newColor(), fd);
            this.home = home;
            random = new SplittableRandom(seed);
            runner = home;
            for (int i = 0; i < turns.length; i++) {
                Site site = sites.get(i);
                turns[i] = new Task(site.vcore.newColor().pin()) {
                    @Override protected void run() { turn(site); }
                };
            }
        }

        void open() {
            home.post(() -> {
                int result = home.queue.openStream(this);
                if (result < 0) fail(new AssertionError("open: " + result));
            });
        }

        /** Where its colour's task is run: sends the turn to whoever has it. */
        @Override protected void run() { sendTurn(runner); }

        private void sendTurn(Site to) { turns[sites.indexOf(to)].postSurely(); }

        /** Has something done by the runner in its next turn. */
        void request(Runnable request) {
            requests.add(request);
            sendTurn(runner);
        }

        void turn(Site site) {
            if (runner != site) {
                sendTurn(runner);
                return;
            }
            if (held) {
                missed = true;
                return;
            }
            int bits = takeReady();
            if (closed) return;
            if ((bits & SENT) != 0) {
                pending = false;
                int result = takeSent();
                if (result > 0) took(result);
                else if (result != EventQueue.WOULD_BLOCK) fail(new AssertionError("send: " + result));
            }
            if (bits != 0 || again) {
                again = false;
                work(site);
            }
            for (Runnable request; !held && !closed && runner == site && (request = requests.poll()) != null; ) request.run();
        }

        private void work(Site site) {
            if (site != home) away.incrementAndGet();
            int budget = 1 + random.nextInt(12);
            while (!paused && !ended) {
                if (!flush(site)) return;
                if (ROOM - outEnd < BLOCK && !pending) {
                    NativeMemory.copy(out + outStart, out, outEnd - outStart);
                    outEnd -= outStart;
                    outStart = 0;
                }
                if (ROOM - outEnd < BLOCK) return; // goes on when something is sent
                if (budget-- == 0) {
                    comeBack(site);
                    return;
                }
                int n = random.nextInt(3) == 0 ? receivePart(site) : receiveBlock(site);
                if (n == EventQueue.WOULD_BLOCK) break;
                if (n == EventQueue.NO_BUFFERS) {
                    comeBack(site);
                    break;
                }
                if (n < 0) {
                    fail(new AssertionError("receive: " + n));
                    return;
                }
                if (n == 0) ended = true;
                for (int i = 0; i < n; i++) {
                    if (NativeMemory.getByte(out + outEnd + i) != at(received + i)) {
                        fail(new AssertionError("byte " + (received + i) + " is wrong, in a piece of " + n));
                        return;
                    }
                }
                received += n;
                outEnd += n;
            }
            flush(site);
        }

        private int receivePart(Site site) { return site.queue.receive(this, out + outEnd, 1 + random.nextInt(BLOCK)); }

        private int receiveBlock(Site site) {
            int n = site.queue.receive(this);
            if (n <= 0) return n;
            NativeMemory.copy(site.queue.inputAddress(), out + outEnd, n);
            if (random.nextInt(4) == 0) site.pool.releaseAnywhere(site.queue.keepInput(this));
            else site.queue.leaveInput(this);
            return n;
        }

        private void comeBack(Site site) {
            again = true;
            sendTurn(site);
        }

        /** Returns false if it runs elsewhere now. */
        private boolean flush(Site site) {
            while (!pending && outStart < outEnd) {
                int n = site.queue.send(this, out + outStart, 1 + random.nextInt(outEnd - outStart));
                if (n > 0) {
                    took(n);
                } else if (n == EventQueue.PENDING) {
                    if (site != home) fail(new AssertionError("pending away from home"));
                    pending = true;
                } else if (n == EventQueue.WOULD_BLOCK) {
                    if (site == home) return true; // signalled when there is room
                    again = true;
                    runAt(home);
                    return false;
                } else {
                    fail(new AssertionError("send: " + n));
                    return true;
                }
            }
            return true;
        }

        private void took(int n) {
            outStart += n;
            if (outStart == outEnd && !pending) outStart = outEnd = 0;
        }

        @Override public void sent(int result) { putSent(result); }

        // Requests, each run by the runner.

        void runElsewhere(Site to) {
            request(() -> {
                runAt(to);
                done.incrementAndGet();
            });
        }

        private void runAt(Site to) {
            boolean more = again || !requests.isEmpty();
            runner = to; // nothing of this source is touched here any more
            if (more) sendTurn(to);
        }

        /** Runs something at home, going there first. */
        private void atHome(Runnable action) {
            request(() -> {
                if (runner == home) {
                    action.run();
                } else {
                    requests.add(action); // the one request at a time that the driver makes
                    runAt(home);
                }
            });
        }

        void move(Site to) {
            atHome(() -> {
                if (to == home) {
                    done.incrementAndGet();
                    return;
                }
                held = true;
                target = to;
                if (!home.queue.detach(this)) fail(new AssertionError("not detached"));
            });
        }

        @Override protected void detached() {
            Site to = target;
            home = to;
            runner = to;
            to.post(() -> {
                int result = to.queue.attach(this);
                if (result < 0) fail(new AssertionError("attach: " + result));
                held = false;
                moves.incrementAndGet();
                done.incrementAndGet();
                if (missed) {
                    missed = false;
                    sendTurn(to);
                }
            });
        }

        void pause(boolean wanted) {
            atHome(() -> {
                if (paused != wanted) {
                    paused = wanted;
                    home.queue.pauseReceiving(this, wanted);
                    if (!wanted) comeBack(home);
                }
                done.incrementAndGet();
            });
        }

        void end() {
            atHome(() -> {
                closed = true;
                home.queue.close(this, false);
                done.incrementAndGet();
            });
        }

        String state() {
            return "received " + received + ", out " + outStart + ".." + outEnd + ", pending " + pending + ", held " + held + ", paused " + paused
                    + ", again " + again + ", runner " + runner.vcore + ", home " + home.vcore + ", slot " + slot();
        }
    }

    /** Memory for one test, which ends with its JVM. */
    private static final class NativeMemoryOf {
        static long allocate(int bytes) { return java.lang.foreign.Arena.global().allocate(bytes, 64).address(); }
    }

    /** What the peer of one echo has sent and got back. */
    private final class Peer {
        final int fd;
        final Echo echo;
        final long length;
        long sent;
        long got;
        private final byte[] piece = new byte[20_000];

        Peer(int fd, Echo echo, long length) {
            this.fd = fd;
            this.echo = echo;
            this.length = length;
        }

        void turn(SplittableRandom random) {
            int count = (int) Math.min(length - sent, 1 + random.nextInt(piece.length));
            if (count > 0 && sent - got < 200_000) {
                for (int i = 0; i < count; i++) piece[i] = at(sent + i);
                int n = sockets.write(fd, piece, 0, count);
                if (n > 0) sent += n;
            }
            if (random.nextInt(4) == 0) return; // a slow reader now and then
            byte[] back = sockets.read(fd);
            if (back == null) throw new AssertionError("ended after " + got);
            for (int i = 0; i < back.length; i++) {
                if (back[i] != at(got + i)) throw new AssertionError("echoed byte " + (got + i) + " is wrong");
            }
            got += back.length;
        }
    }

    private interface Step {
        void on(Echo echo, SplittableRandom random);
    }

    /** Lets echoes work while {@code step} does something to one of them again and again, one thing at a time for each. */
    private void play(int echoes, long bytes, long steps, long seed, int bufferBytes, Step step) {
        var random = new SplittableRandom(seed);
        List<Peer> peers = new ArrayList<>();
        for (int i = 0; i < echoes; i++) {
            int[] pair = i % 2 == 0 || bufferBytes > 0 ? sockets.unixPair() : sockets.tcpPair(); // TCP waits for timers when its buffers are small
            if (bufferBytes > 0) {
                sockets.setBuffers(pair[0], bufferBytes, 0);
                sockets.setBuffers(pair[1], bufferBytes, bufferBytes);
            }
            var echo = new Echo(pair[0], sites.getFirst(), seed * 31 + i);
            peers.add(new Peer(pair[1], echo, bytes));
            echo.open();
        }
        long[] asked = new long[echoes];
        long begun = 0;
        long limit = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).multipliedBy(2).toNanos();
        while (true) {
            boolean over = begun >= steps;
            for (int i = 0; i < echoes; i++) {
                Peer peer = peers.get(i);
                peer.turn(random);
                over &= peer.got == bytes;
                if (peer.echo.done.get() == asked[i] && begun < steps && peer.sent > peer.length / steps * begun / echoes) {
                    asked[i]++;
                    begun++;
                    step.on(peer.echo, random);
                } else if (begun >= steps && peer.echo.done.get() == asked[i] && peer.echo.paused) {
                    asked[i]++;
                    peer.echo.pause(false);
                }
            }
            if (failure.get() != null) return;
            if (over) break;
            if (System.nanoTime() > limit) {
                var text = new StringBuilder("not over: ").append(begun).append(" steps");
                for (Peer peer : peers) text.append("\nsent " + peer.sent + ", got " + peer.got + "; " + peer.echo.state());
                throw new AssertionError(text + "\n" + Eventually.stacks());
            }
        }
        for (int i = 0; i < echoes; i++) {
            Echo echo = peers.get(i).echo;
            long before = asked[i];
            Eventually.await("the last step is done", () -> echo.done.get() == before);
            echo.end();
            Eventually.await("closed", () -> echo.done.get() == before + 1);
            sockets.close(peers.get(i).fd);
            totalMoves += echo.moves.get();
            totalAway += echo.away.get();
        }
        assertNull(failure.get());
    }

    private long totalMoves;
    private long totalAway;

    private Site other(Site site, SplittableRandom random) {
        Site to;
        do to = sites.get(random.nextInt(sites.size()));
        while (to == site);
        return to;
    }

    @ParameterizedTest @ValueSource(longs = {1, 2}) public void aStreamThatMovesBackAndForthLosesNothingAndKeepsTheOrder(long seed) {
        open(64, 64);
        play(1, 4 << 20, 2_000, seed, 0, (echo, random) -> echo.move(other(echo.home, random)));
        assertTrue(totalMoves >= 1_500, "moves: " + totalMoves);
    }

    @ParameterizedTest @ValueSource(longs = {3, 4}) public void aRunnerThatChangesWhileHomeHarvestsLosesNothingAndKeepsTheOrder(long seed) {
        open(64, 64, 64);
        play(3, 2 << 20, 3_000, seed, 0, (echo, random) -> echo.runElsewhere(sites.get(random.nextInt(sites.size()))));
        assertTrue(totalAway > 30, "turns away from home: " + totalAway);
    }

    @ParameterizedTest @ValueSource(longs = {5, 6}) public void withFewBuffersForeignRunnersStillGetEverything(long seed) {
        open(7, 4);
        play(4, 1 << 20, 1_000, seed, 0, (echo, random) -> echo.runElsewhere(sites.get(random.nextInt(sites.size()))));
        assertTrue(totalAway > 30, "turns away from home: " + totalAway);
    }

    @ParameterizedTest @ValueSource(longs = {7, 8, 9}) public void everythingAtOnceLosesNothingAndKeepsTheOrder(long seed) {
        open(12, 12, 12);
        play(4, 1 << 20, 4_000, seed, 16_384, (echo, random) -> {
            switch (random.nextInt(4)) {
                case 0 -> echo.move(sites.get(random.nextInt(sites.size())));
                case 1 -> echo.pause(random.nextBoolean());
                default -> echo.runElsewhere(sites.get(random.nextInt(sites.size())));
            }
        });
        assertTrue(totalMoves > 300, "moves: " + totalMoves);
        assertTrue(totalAway > 30, "turns away from home: " + totalAway);
    }

    // -------------------------------------------------------------------------------------------------------------- sleeping

    /** A stream whose runner, the second site, does only what it is told. */
    private final class Told extends StreamSource {
        final AtomicInteger signals = new AtomicInteger();
        private final ByteArrayOutputStream received = new ByteArrayOutputStream();

        Told(int fd) {
            super(sites.getFirst().vcore.newColor(), fd);
            on(sites.getFirst(), () -> sites.getFirst().queue.openStream(this));
        }

        @Override protected void run() {
            takeReady();
            signals.incrementAndGet();
        }

        @Override public void sent(int result) { fail(new AssertionError("sent")); }

        /** Receives once; returns what receiving returned. */
        int receive() {
            return on(sites.getLast(), () -> {
                int n = receiveNow();
                if (n > 0) sites.getLast().queue.leaveInput(this);
                return n;
            });
        }

        /** Receives until nothing is there. */
        void receiveAll() {
            on(sites.getLast(), () -> {
                while (receiveNow() > 0) sites.getLast().queue.leaveInput(this);
                return 0;
            });
        }

        private int receiveNow() {
            EventQueue queue = sites.getLast().queue;
            int n = queue.receive(this);
            if (n <= 0) return n;
            byte[] bytes = new byte[n];
            NativeMemory.copy(queue.inputAddress(), bytes, 0, n);
            received.writeBytes(bytes);
            return n;
        }

        /** Receives once and keeps the block, which is returned, or 0 if nothing is there. */
        long receiveAndKeep() {
            return on(sites.getLast(), () -> receiveNow() > 0 ? sites.getLast().queue.keepInput(this) : 0L);
        }

        void end() {
            on(sites.getFirst(), () -> {
                sites.getFirst().queue.close(this, false);
                return 0;
            });
        }

        /** Checks what was received. */
        void hasReceived(byte[] data) { assertArrayEquals(data, received.toByteArray()); }
    }

    /** Runs something on a site's thread and waits for it. */
    private static <T> T on(Site site, Supplier<T> action) {
        var result = new CompletableFuture<T>();
        site.post(() -> {
            try {
                result.complete(action.get());
            } catch (Throwable cause) {
                result.completeExceptionally(cause);
            }
        });
        return result.orTimeout(Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis(), TimeUnit.MILLISECONDS).join();
    }

    /** Waits until a site has nothing more to do and sleeps. */
    private static void awaitSleep(Site site) {
        for (int i = 0; i < 20; i++) on(site, () -> 0); // turns with a harvest each: that it takes none by itself may mean that it has no CPU
        long[] before = {-1};
        Eventually.await("asleep", () -> {
            long turns = site.vcore.stats().turns();
            pause(20);
            boolean quiet = turns == before[0];
            before[0] = turns;
            return quiet;
        });
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] numbered(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = at(i);
        return bytes;
    }

    @Test public void aSleepingHomeIsWokenWhenTheRunnerHasCaughtUp() {
        open(64, 64);
        int[] pair = sockets.unixPair();
        var stream = new Told(pair[0]);
        byte[] data = numbered(500_000);
        for (int written = 0; written < data.length; ) {
            int n = sockets.write(pair[1], data, written, Math.min(2_000, data.length - written));
            if (n > 0) {
                written += n;
                if (written % 64_000 != 0) continue; // in small pieces, so that there are many
            }
            awaitSleep(sites.getFirst());
            int before = stream.signals.get();
            assertTrue(before > 0);
            stream.receiveAll();
            if (n == -Errno.EAGAIN) Eventually.await("told of what was left in the socket", () -> stream.signals.get() > before);
        }
        Eventually.await("the rest", () -> {
            stream.receiveAll();
            return stream.received.size() == data.length;
        });
        stream.hasReceived(data);
        stream.end();
        sockets.close(pair[1]);
    }

    /** A home with few buffers and two streams, of which one has more to receive than there are buffers. */
    private final class Scarcity {
        private final int[] first = sockets.unixPair();
        private final int[] second = sockets.unixPair();
        private final byte[] data = numbered(20 * BLOCK);
        final Told greedy = new Told(first[0]);
        final Told modest = new Told(second[0]);

        Scarcity() {
            assertEquals(data.length, sockets.write(first[1], data, 0, data.length));
            awaitSleep(sites.getFirst());
        }

        /** Sends the other stream something, and tells whether it gets none of it for lack of buffers, as with io_uring. */
        boolean starves() {
            sockets.writeAll(second[1], "hello");
            awaitSleep(sites.getFirst());
            Eventually.await("it looks", () -> modest.signals.get() > 0);
            if (!sites.getFirst().queue.name().equals("io_uring")) return false;
            assertEquals(EventQueue.WOULD_BLOCK, modest.receive());
            awaitSleep(sites.getFirst());
            return true;
        }

        /** Checks that both get what is theirs, and ends them. */
        void isOver() {
            Eventually.await("the other receives", () -> modest.receive() == 5);
            Eventually.await("the rest", () -> {
                greedy.receiveAll();
                return greedy.received.size() == data.length;
            });
            greedy.hasReceived(data);
            greedy.end();
            modest.end();
            sockets.close(first[1], second[1]);
        }
    }

    @Test public void aSleepingHomeThatStarvesIsWokenWhenTheRunnerGivesABufferBack() {
        open(5, 64); // with io_uring four of them to receive into
        var scarcity = new Scarcity();
        scarcity.starves();
        assertTrue(scarcity.greedy.receive() > 0);
        scarcity.isOver();
    }

    @Test public void aSleepingHomeThatStarvesIsWokenWhenTheRunnerGivesABlockBack() {
        open(5, 64); // with io_uring four of them to receive into
        var scarcity = new Scarcity();
        List<Long> kept = new ArrayList<>();
        for (int inVain = 0; inVain < 3 && kept.size() < 20; ) {
            long block = scarcity.greedy.receiveAndKeep();
            if (block != 0) {
                kept.add(block);
            } else {
                inVain++;
                awaitSleep(sites.getFirst());
            }
        }
        if (scarcity.starves()) assertEquals(EventQueue.WOULD_BLOCK, scarcity.modest.receive());
        on(sites.getLast(), () -> {
            for (long block : kept) sites.getLast().pool.releaseAnywhere(block);
            return 0;
        });
        scarcity.isOver();
    }

    @Test public void streamsMayBeClosedInTheMiddleOfAllThis() {
        open(12, 12);
        var random = new SplittableRandom(10);
        var open = new ArrayDeque<Peer>();
        for (int round = 0; round < 400; round++) {
            int[] pair = random.nextBoolean() ? sockets.unixPair() : sockets.tcpPair();
            var echo = new Echo(pair[0], sites.get(random.nextInt(2)), round);
            open.add(new Peer(pair[1], echo, Long.MAX_VALUE));
            echo.open();
            for (Peer peer : open) peer.turn(random);
            switch (random.nextInt(3)) {
                case 0 -> echo.move(sites.get(random.nextInt(2)));
                case 1 -> echo.runElsewhere(sites.get(random.nextInt(2)));
                default -> { }
            }
            for (Peer peer : open) peer.turn(random);
            if (open.size() > 5) {
                Peer oldest = open.removeFirst();
                long before = oldest.echo.done.get();
                oldest.echo.end();
                Eventually.await("closed", () -> oldest.echo.done.get() > before && oldest.echo.fd() == -1);
                sockets.close(oldest.fd);
            }
            assertNull(failure.get());
        }
        for (Peer peer : open) {
            peer.echo.end();
            Eventually.await("closed", () -> peer.echo.fd() == -1);
            sockets.close(peer.fd);
        }
    }
}
