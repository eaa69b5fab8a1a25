package org.libtorque.event;

import org.libtorque.memory.BlockPool;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.FailureHandler;
import org.libtorque.vcore.Vcore;

/**
 * What this layer keeps for each vcore: views, scratch memory, and its connections and listeners, so that they can be drained. Touched by the
 * vcore's thread alone.
 */
final class Loop {
    /** Bytes that a connection keeps of an incomplete message before it gets a whole block. */
    static final int SMALL_BLOCK_BYTES = 2048;
    static final int SCRATCH_BYTES = SMALL_BLOCK_BYTES;

    final Vcore vcore;
    final EventQueue queue;
    final BlockPool blocks;
    final BlockPool smallBlocks;
    final ErrnoSlot errno = ErrnoSlot.allocate();
    final long scratch;
    final RawView view = new RawView();
    final OutputSink sink;
    final FailureHandler failures;
    private boolean draining;
    private final Runnable onEmpty;

    /** Heads of intrusive lists. */
    StreamConnection connections;
    int connectionCount;
    LoopSource sources;

    /**
     * Called by the vcore's thread after {@link Vcore#bind}.
     *
     * @param onEmpty run when it drains and the last connection has ended; perhaps more than once
     */
    Loop(Vcore vcore, long smallBlockMemory, FailureHandler failures, Runnable onEmpty) {
        this.onEmpty = onEmpty;
        this.vcore = vcore;
        this.queue = vcore.queue();
        this.blocks = vcore.blocks();
        this.smallBlocks = new BlockPool(SMALL_BLOCK_BYTES, smallBlockMemory);
        this.scratch = smallBlocks.acquire();
        if (scratch == 0) throw smallBlocks.exhausted();
        this.sink = new OutputSink(blocks);
        this.failures = failures;
    }

    void checkCurrent(Object what) {
        if (!vcore.isCurrent()) {
            throw new IllegalStateException(what + " belongs to " + vcore + "; call from one of its callbacks, or through execute()");
        }
    }

    void opened(StreamConnection connection) {
        connection.nextOpen = connections;
        if (connections != null) connections.previousOpen = connection;
        connections = connection;
        connectionCount++;
    }

    void ended(StreamConnection connection) {
        if (connection.previousOpen != null) connection.previousOpen.nextOpen = connection.nextOpen;
        else connections = connection.nextOpen;
        if (connection.nextOpen != null) connection.nextOpen.previousOpen = connection.previousOpen;
        connection.nextOpen = connection.previousOpen = null;
        connectionCount--;
        for (LoopSource source = sources; source != null; source = source.nextSource) source.descriptorFreed();
        if (draining && connections == null) onEmpty.run();
    }

    boolean draining() { return draining; }

    /** Stops listening and asks every connection to come to its end. */
    void drain() {
        if (draining) return;
        draining = true;
        for (LoopSource source = sources; source != null; ) {
            LoopSource following = source.nextSource;
            source.drain();
            source = following;
        }
        for (StreamConnection c = connections; c != null; ) {
            StreamConnection following = c.nextOpen;
            c.drain();
            c = following;
        }
        if (connections == null) onEmpty.run();
    }

    /** Cuts off what is still open. */
    void abortAll() {
        while (connections != null) connections.endNow(null);
        while (sources != null) sources.endNow();
    }

    void add(LoopSource source) {
        source.nextSource = sources;
        if (sources != null) sources.previousSource = source;
        sources = source;
    }

    void remove(LoopSource source) {
        if (source.previousSource != null) source.previousSource.nextSource = source.nextSource;
        else sources = source.nextSource;
        if (source.nextSource != null) source.nextSource.previousSource = source.previousSource;
        source.nextSource = source.previousSource = null;
    }

    void close() {
        smallBlocks.release(scratch);
        smallBlocks.close();
    }
}
