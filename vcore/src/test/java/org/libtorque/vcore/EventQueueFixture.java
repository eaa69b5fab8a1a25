package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;

/**
 * What tests of an {@link EventQueue} stand on: queues whose loops the test's thread turns, so that each step is where the test puts it, and real sockets and pipes. Whatever a
 * test leaves behind (sources, blocks, descriptors) fails it.
 *
 * <p>Methods of the tests are public because the subclasses are in other packages, which are all that is open to JUnit when one of them runs alone.
 */
@ExtendWith(LeakCheck.class)
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class EventQueueFixture {
    /** Small, so that a few kilobytes take several blocks. */
    protected static final int BLOCK = 4096;
    protected static final int BLOCKS = 256;

    /** One vcore with its queue and blocks. */
    protected static final class Site {
        public final BlockPool pool;
        public final Vcore vcore;
        public final EventQueue queue;
        /** Blocks that the queue itself keeps when nothing is registered. */
        public final int ownBlocks;

        private Site(BlockPool pool, Vcore vcore, EventQueue queue) {
            this.pool = pool;
            this.vcore = vcore;
            this.queue = queue;
            ownBlocks = pool.acquiredBlocks();
        }
    }

    protected final TestSockets sockets = new TestSockets();
    protected final List<Throwable> failures = new ArrayList<>();
    private final List<Site> sites = new ArrayList<>();

    protected EventQueueFixture() {}

    /** Makes a queue; those of one test are of one runtime. */
    protected abstract EventQueue open(BlockPool blocks);

    protected final Site openSite(int blocks) {
        var pool = new BlockPool(BLOCK, (long) blocks * BLOCK);
        var vcore = new Vcore(sites.size(), 0, Clock.SYSTEM, pool, 16, (where, failure) -> failures.add(failure));
        EventQueue queue = open(pool);
        vcore.bind(queue);
        sites.add(new Site(pool, vcore, queue));
        return sites.getLast();
    }

    protected final void closeSites() {
        long limit = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos();
        while (sites.stream().anyMatch(site -> site.queue.sourceCount() > 0) && System.nanoTime() < limit) turn();
        for (Site site : sites) assertEquals(0, site.queue.sourceCount(), "sources left with " + site.vcore);
        assertEquals(List.of(), failures);
        settle();
        for (Site site : sites) site.queue.close();
        for (Site site : sites) {
            assertEquals(0, site.pool.acquiredBlocks(), "blocks left with " + site.vcore);
            site.vcore.bind(new FakeQueue());
            assertEquals(0, site.vcore.shutDown(0));
        }
        sites.clear();
    }

    @AfterEach public void tearDown() {
        closeSites();
        sockets.close();
    }

    /** Turns each loop once. */
    protected final void turn() {
        for (int i = 0; i < sites.size(); i++) sites.get(i).vcore.runOnce(false); // where allocations are counted, too
    }

    /** Turns the loops often enough for whatever is under way to arrive. */
    protected final void settle() {
        for (int i = 0; i < 20; i++) turn();
    }

    /** Turns the loops until {@code condition} holds. */
    protected final void turnUntil(String what, BooleanSupplier condition) {
        long limit = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos();
        while (!condition.getAsBoolean()) {
            turn();
            if (System.nanoTime() > limit) throw new AssertionError("never happened: " + what);
        }
    }

    protected static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    /** Fills a socket's buffer behind the queue's back, as sendfile(2) would. */
    protected final void fill(int fd) {
        byte[] filling = new byte[1 << 16];
        while (sockets.write(fd, filling, 0, filling.length) > 0) { }
    }

    /** Checks that {@code bytes} are those of {@code block} over and over. */
    protected static void assertRepeats(byte[] block, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) assertEquals(block[i % block.length], bytes[i], "byte " + i);
    }

    /** Writes a megabyte in pieces of any size, and checks that it is received. */
    protected final void writeInPieces(Taking stream) {
        var writing = new Writing(stream.peer, random(1 << 20, 1));
        var random = new SplittableRandom(2);
        while (!writing.isOver()) {
            writing.some(1 + random.nextInt(30_000));
            turn();
        }
        stream.awaitAll(writing);
    }

    /** Bytes that somebody writes to a socket as there is room for them. */
    protected final class Writing {
        private final int fd;
        private final byte[] data;
        private int written;

        protected Writing(int fd, byte[] data) {
            this.fd = fd;
            this.data = data;
        }

        /** Writes up to so many bytes. */
        public void some(int most) {
            int n = sockets.write(fd, data, written, Math.min(most, data.length - written));
            if (n > 0) written += n;
        }

        /** Writes as much as there is room for. */
        public void rest() { some(Integer.MAX_VALUE); }

        public boolean isOver() { return written == data.length; }
    }

    /** A stream that takes all there is through the queue of its runner, unless told otherwise, and remembers it. */
    public abstract class Taking extends StreamSource {
        /** The other side's descriptor; -1 if it is nobody's business. */
        public final int peer;
        public final ByteArrayOutputStream received = new ByteArrayOutputStream();
        /** What the last receive returned that was not data. */
        public int last = EventQueue.WOULD_BLOCK;
        public int runs;
        public int bits;
        public boolean reading = true;
        /** Whose queue it receives through. */
        Site runner;

        protected Taking(Site home, int fd, int peer) {
            super(home.vcore.newColor(), fd);
            this.peer = peer;
            runner = home;
        }

        @Override protected void run() {
            runs++;
            bits |= takeReady();
            if (reading) readAll();
        }

        public final void readAll() {
            while (readSome()) { }
        }

        public final boolean readSome() {
            int n = runner.queue.receive(this);
            if (n <= 0) {
                last = n;
                return false;
            }
            keep(runner.queue.inputAddress(), n);
            runner.queue.leaveInput(this);
            return true;
        }

        /** Remembers bytes that were received. */
        public final void keep(long address, int n) {
            byte[] bytes = new byte[n];
            NativeMemory.copy(address, bytes, 0, n);
            received.writeBytes(bytes);
        }

        public final byte[] bytes() { return received.toByteArray(); }

        public final String text() { return received.toString(StandardCharsets.ISO_8859_1); }

        /** Turns until it has received so many bytes in all. */
        public final void awaitReceived(int count) { turnUntil("received " + count, () -> received.size() == count); }

        /** Turns until all has been written and received, and compares. */
        public final void awaitAll(Writing writing) { awaitAll(writing, () -> { }); }

        /** The same, with something done in each turn. */
        public final void awaitAll(Writing writing, Runnable meanwhile) {
            turnUntil("all is there", () -> {
                writing.rest();
                meanwhile.run();
                return received.size() == writing.data.length;
            });
            assertArrayEquals(writing.data, bytes());
        }

        /** Turns until it has been told so. {@code bits}: one of {@link EventSource}'s. */
        public final void awaitSignal(int signal) { turnUntil("signalled " + signal, () -> (bits & signal) != 0); }

        /** Turns until it has been told that there is room to send, while the other side reads. Returns what that has read. */
        public final byte[] awaitWritable() {
            var got = new ByteArrayOutputStream();
            turnUntil("writable", () -> {
                got.writeBytes(sockets.read(peer));
                return (bits & WRITABLE) != 0;
            });
            return got.toByteArray();
        }

        /** Turns until it is at its end. */
        public final void awaitEnd() { turnUntil("the end", () -> last == 0); }

        /** Closes it. */
        public abstract void end();

        /** Closes it and the other side. */
        public final void endBoth() {
            end();
            sockets.close(peer);
        }
    }
}
