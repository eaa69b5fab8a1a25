package org.libtorque.event;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.StreamSource;

/**
 * What one connection has still to send: a chain of blocks, to whose end an {@link OutputSink} puts bytes, and at most one part of a file, which goes out behind the bytes that
 * were in the chain before it, and before those that were put after.
 *
 * <p>{@code idle -send-> idle (sent at once, or no room) or IN FLIGHT -completed-> idle}. In flight means that the kernel holds bytes of the first block; they may be followed by
 * more in the same block, but the block is not released before the kernel is done, even if the connection has ended meanwhile.
 *
 * <p><em>Owns</em> the blocks, which go back to where they are from. Everything is the runner's. But for {@link #pending}, no cursor may stand here.
 */
final class Output {
    /** How {@link #send} came to its end. */
    enum Outcome {
        /** Nothing is left. */
        ALL_SENT,
        /** A file is done with: {@link #endFile}, then there may be more. */
        FILE_SENT,
        /** The kernel has taken bytes of the chain and will say when it is done with them. */
        IN_FLIGHT,
        /** There is no room. At home the source is signalled when there is some; anywhere else somebody must ask there. */
        NO_ROOM,
        /** Bytes of a file are still on disk: whoever sends it will be told when they are not. */
        ON_DISK,
        /** There is no room for bytes of a file: somebody must ask at home to be signalled. */
        NO_ROOM_FOR_FILE,
        /** Others shall have their turn; there is more to send. */
        BUDGET_SPENT,
        /** Sending is over, in the midst of what was promised, because of the {@link #failure}. */
        FAILED
    }

    /** Bytes of files sent per turn. */
    private static final int FILE_BUDGET = 1 << 20;

    /** The blocks, of a form that {@link OutputSink} knows; 0 if there are none. */
    long head, tail;
    /** Where in the first block the next byte to send is. */
    int offset;
    /** Bytes in the chain that the kernel has not taken. */
    long chained;
    private boolean inFlight;

    private FilePart file;
    /** Bytes of the chain that go before the file's. */
    private long beforeFile;
    /** Bytes that the kernel has taken, since ever. */
    private long taken;
    private int fileBudget;
    private Throwable failure;

    /** Returns how many bytes the kernel has not taken, the file's included; without those that a cursor has not written down. */
    long pending() { return file == null ? chained : chained + file.pending(); }

    /** Returns how many bytes the kernel has taken, since ever. */
    long taken() { return taken; }

    /** Counts bytes that the kernel has taken. */
    void count(long bytes) { taken += bytes; }

    /** Tells whether nothing is left to send, nor anybody to be told that a file was sent. */
    boolean isEmpty() { return chained == 0 && file == null; }

    boolean isInFlight() { return inFlight; }

    boolean hasFile() { return file != null; }

    /** Sends part of a file behind what is in the chain. There must be no other one. */
    void sendFile(FilePart part) {
        assert file == null;
        file = part;
        beforeFile = chained;
    }

    /** Returns the file that is being sent, null if there is none. */
    FilePart file() { return file; }

    /** Forgets the file that is being sent, and returns it: to be ended, and to tell whoever asked for it. Null if there is none. */
    FilePart endFile() {
        FilePart part = file;
        file = null;
        return part;
    }

    /** Allows as many bytes of files as one turn may send. */
    void renewBudget() { fileBudget = FILE_BUDGET; }

    /** Returns why sending has {@link Outcome#FAILED}. */
    Throwable failure() { return failure; }

    /** Sends as much as the kernel takes, or to the end of the file. Nothing may be in flight. */
    Outcome send(StreamSource source, Loop here) {
        assert !inFlight;
        while (true) {
            Outcome outcome;
            if ((file == null ? chained : beforeFile) > 0) outcome = sendBlock(source, here);
            else if (file == null) return Outcome.ALL_SENT;
            else outcome = sendFromFile(source, here);
            if (outcome != null) return outcome;
        }
    }

    /** Sends what is left of the first block. Returns null if there may be more to send. */
    private Outcome sendBlock(StreamSource source, Loop here) {
        int n = (int) Math.min(file == null ? chained : beforeFile, OutputSink.endOf(head) - offset);
        if (n == 0) {
            releaseHead(here.blocks);
            return null;
        }
        int result = here.queue.send(source, head + offset, n);
        if (result > 0) {
            taken(result, here.blocks);
            return null;
        }
        if (result == EventQueue.PENDING) {
            inFlight = true;
            return Outcome.IN_FLIGHT;
        }
        if (result == EventQueue.WOULD_BLOCK) return Outcome.NO_ROOM;
        failure = IoErrors.of(result, "send", "fd={}", source.fd());
        return Outcome.FAILED;
    }

    /** Sends bytes of the file. Returns null if there may be more to send. */
    private Outcome sendFromFile(StreamSource source, Loop here) {
        long before = taken;
        FilePart part = file; // writing its head may end all of this
        Outcome outcome = part.send(source, here, fileBudget, this);
        fileBudget -= (int) (taken - before);
        if (outcome == Outcome.FAILED) failure = part.failure();
        return outcome;
    }

    /** The kernel is done with what was in flight. */
    void completed() { inFlight = false; }

    /** The kernel has taken {@code n} bytes of the chain. */
    void taken(int n, BlockPool blocks) {
        offset += n;
        chained -= n;
        taken += n;
        if (file != null) beforeFile -= n;
        if (chained == 0) release(blocks);
    }

    void releaseHead(BlockPool blocks) {
        long block = head;
        head = OutputSink.nextOf(block);
        offset = OutputSink.HEADER_BYTES;
        blocks.releaseAnywhere(block);
    }

    /** Gives the blocks back. Nothing may be in flight. */
    void release(BlockPool blocks) {
        for (long block = head; block != 0; ) {
            long following = OutputSink.nextOf(block);
            blocks.releaseAnywhere(block);
            block = following;
        }
        head = tail = 0;
        chained = 0;
    }

    /** Drops what is in the chain and has not been sent. If something is in flight, its {@link #completed} must be followed by {@link #release}. */
    void drop(BlockPool blocks) {
        if (!inFlight) release(blocks);
    }
}
