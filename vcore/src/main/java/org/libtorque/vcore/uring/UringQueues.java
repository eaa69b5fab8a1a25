package org.libtorque.vcore.uring;

import java.util.Arrays;

/**
 * The io_uring queues of one runtime, by number: the number is half of a filled buffer's name ({@link UringInput}), by which whoever holds the
 * buffer finds the queue that it is of. Queues enter when they are made and leave when they are closed, which is when nobody holds a buffer of
 * theirs any more.
 */
final class UringQueues {
    private static final int MAX_QUEUES = 1 << 15;

    // Replaced by larger copies when they are full. Elements change under the lock; who has a buffer's name knows that its queue is there.
    private volatile UringQueue[] queues = new UringQueue[8];
    private volatile int[][] links = new int[8][];

    /**
     * Enters a queue.
     *
     * @param linksOfBuffers what is linked to each of its buffers, by number
     * @return the queue's number
     */
    synchronized int add(UringQueue queue, int[] linksOfBuffers) {
        int number = 0;
        while (number < links.length && links[number] != null) number++;
        if (number == MAX_QUEUES) throw new IllegalStateException("no more than " + MAX_QUEUES + " queues");
        if (number == links.length) {
            queues = Arrays.copyOf(queues, 2 * number);
            links = Arrays.copyOf(links, 2 * number);
        }
        queues[number] = queue;
        links[number] = linksOfBuffers;
        return number;
    }

    synchronized void remove(int number) {
        queues[number] = null;
        links[number] = null;
    }

    /** Returns the queue that a buffer is of. */
    UringQueue of(int buffer) { return queues[buffer >>> BufferRing.NUMBER_BITS]; }

    /** Returns what is linked to a buffer. For who has the buffer. */
    int link(int buffer) { return links[buffer >>> BufferRing.NUMBER_BITS][buffer & BufferRing.NUMBER_MASK]; }

    /** Links something to a buffer. For who has the buffer. */
    void link(int buffer, int other) { links[buffer >>> BufferRing.NUMBER_BITS][buffer & BufferRing.NUMBER_MASK] = other; }
}
