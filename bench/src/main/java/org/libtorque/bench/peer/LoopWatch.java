package org.libtorque.bench.peer;

import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * Watches an event loop from within: runs in each of its turns, so that it never sleeps by itself, and notes the longest time between two turns and how often the loop's thread has slept
 * all the same. That is when something in it has waited, for the disk for one, and, other than the time, does not count what the thread waits for its CPU. The loop's.
 */
final class LoopWatch implements Runnable {
    private final Consumer<Runnable> loop;
    private boolean watching;
    private long last;
    private long longest;
    private long sleepsBefore;

    /** @param loop has something run in the next turn */
    LoopWatch(Consumer<Runnable> loop) { this.loop = loop; }

    void start() {
        longest = 0;
        last = System.nanoTime();
        sleepsBefore = FileProtocol.sleeps();
        if (watching) return;
        watching = true;
        loop.accept(this);
    }

    @Override public void run() {
        if (!watching) return;
        long now = System.nanoTime();
        longest = Math.max(longest, now - last);
        last = now;
        loop.accept(this);
    }

    byte[] report() {
        watching = false;
        return ByteBuffer.allocate(FileProtocol.REPORT_BYTES).putLong(longest).putLong(FileProtocol.sleeps() - sleepsBefore).array();
    }
}
