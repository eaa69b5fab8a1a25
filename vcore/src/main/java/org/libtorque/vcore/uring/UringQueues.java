package org.libtorque.vcore.uring;

import java.util.Arrays;

/**
 * The io_uring queues of one runtime, by number: the number is half of a filled buffer's name ({@link UringInput}), by which whoever holds the
 * buffer finds the queue that it is of. Queues enter when they are made and leave when they are closed, which is when nobody holds a buffer of
 * theirs any more.
 */
final class UringQueues {
    private static final int MAX_QUEUES = 1 << 15;

    /** Replaced by a larger copy when it is full. Elements change under the lock; who has a buffer's name knows that its queue is there. */
    private volatile UringQueue[] queues = new UringQueue[8];

    /** Enters a queue and returns its number. */
    synchronized int add(UringQueue queue) {
        UringQueue[] all = queues;
        int number = 0;
        while (number < all.length && all[number] != null) number++;
        if (number == MAX_QUEUES) throw new IllegalStateException("no more than " + MAX_QUEUES + " queues");
        if (number == all.length) all = Arrays.copyOf(all, 2 * number);
        all[number] = queue;
        queues = all;
        return number;
    }

    synchronized void remove(int number) { queues[number] = null; }

    /** Returns the queue that a buffer is of. */
    UringQueue of(int buffer) { return queues[buffer >>> BufferRing.NUMBER_BITS]; }
}
