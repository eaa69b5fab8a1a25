package org.libtorque.event;

import java.lang.foreign.Arena;

/**
 * Memory that file operations pass names, vectors and struct statx in: pieces of one size, handed out last-in first-out, to any thread; an operation has one only while it is under
 * way. Freed when the runtime has ended, unless the kernel still has a piece.
 */
final class FileMemory {
    /** Where the parts of a piece begin: two names, or vectors in their place, then struct open_how, then struct statx. */
    static final int FIRST = 0, SECOND = FileName.MAX_BYTES, HOW = 2 * FileName.MAX_BYTES, STATX = HOW + 64;
    /** Parts that one operation can read into or write from. */
    static final int MAX_PARTS = HOW / 16;
    private static final int PIECE_BYTES = STATX + 512;
    private static final int PIECES_AT_ONCE = 16;

    private final Arena arena = Arena.ofShared();
    // Under the lock.
    private final BriefLock lock = new BriefLock();
    private long[] free = new long[PIECES_AT_ONCE];
    private int freeCount;
    private int made;

    long acquire() {
        lock.lock();
        try {
            if (freeCount == 0) {
                long chunk = arena.allocate((long) PIECES_AT_ONCE * PIECE_BYTES, 64).address();
                made += PIECES_AT_ONCE;
                if (free.length < made) free = new long[2 * made];
                for (int i = 0; i < PIECES_AT_ONCE; i++) free[freeCount++] = chunk + (long) i * PIECE_BYTES;
            }
            return free[--freeCount];
        } finally {
            lock.unlock();
        }
    }

    void release(long piece) {
        lock.lock();
        free[freeCount++] = piece;
        lock.unlock();
    }

    /** Frees it all, unless some is in use. */
    void close() {
        lock.lock();
        try {
            if (freeCount == made) arena.close();
        } finally {
            lock.unlock();
        }
    }
}
