package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.libtorque.memory.BlockPool;

/** What tests of one {@link EventQueue} stand on: the queue with its vcore and blocks, and sources of each kind that remember what happens to them. */
@SuppressWarnings("exports") // JUnit's annotations: nobody outside gets to see this class
public abstract class OneQueueFixture extends EventQueueFixture {
    protected Site site;
    protected BlockPool pool;
    protected Vcore vcore;
    protected EventQueue queue;

    protected OneQueueFixture() {}

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
}
