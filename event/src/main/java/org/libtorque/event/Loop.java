package org.libtorque.event;

import org.libtorque.memory.BlockPool;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.FailureHandler;
import org.libtorque.vcore.Timer;
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
    /** What waits for disks; set before anything runs here. */
    AsyncFiles files;
    private boolean draining;
    /** Whether all connections have been asked to come to their end; they are the last ones then. */
    private boolean asked;
    private boolean over;
    private final Runnable onEmpty;
    private final Runnable leaveSink;
    private final Asking asking = new Asking();

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
        this.leaveSink = sink::leave;
        vcore.attach(this);
        this.failures = failures;
    }

    /** Returns the loop of a vcore of a running runtime. */
    static Loop of(Vcore vcore) { return (Loop) vcore.attachment(); }

    /** Returns the loop of the calling vcore. */
    static Loop current() {
        Vcore vcore = Vcore.current();
        if (vcore != null && vcore.attachment() instanceof Loop loop) return loop;
        throw new IllegalStateException("only callbacks can do this: call from one, or through execute()");
    }

    /** For a task that has written to a connection: the cursor stands there no longer than the colour is here. */
    void leaveSinkAtEndOfTurn() { vcore.atEndOfTurn(leaveSink); }

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

    /** A connection goes on at another vcore. */
    void movedOut(StreamConnection connection) {
        unlink(connection);
        endIfEmpty();
    }

    /** Nothing can be asked of what is on the way here; so it is not the end before that has come. */
    private void endIfEmpty() {
        if (!asked || connections != null) return;
        if (vcore.isExpecting()) askSoon();
        else onEmpty.run();
    }

    void ended(StreamConnection connection) {
        unlink(connection);
        for (LoopSource source = sources; source != null; source = source.nextSource) source.descriptorFreed();
        endIfEmpty();
    }

    private void unlink(StreamConnection connection) {
        if (connection.previousOpen != null) connection.previousOpen.nextOpen = connection.nextOpen;
        else connections = connection.nextOpen;
        if (connection.nextOpen != null) connection.nextOpen.previousOpen = connection.previousOpen;
        connection.nextOpen = connection.previousOpen = null;
        connectionCount--;
    }

    boolean draining() { return draining; }

    /** Tells whether all has been cut off: what still comes is too late. */
    boolean over() { return over; }

    /** Stops listening and asks every connection to come to its end. */
    void drain() {
        if (draining) return;
        draining = true;
        for (LoopSource source = sources; source != null; ) {
            LoopSource following = source.nextSource;
            source.drain();
            source = following;
        }
        askSoon();
    }

    /**
     * Asks connections to come to their end as soon as the kernel has told of everything that had happened by now: connections that it has accepted,
     * data that has arrived. A close that overtakes data loses it, and resets the connection.
     */
    void askSoon() {
        asked = false;
        asking.turns = 0;
        vcore.timers().schedule(asking, vcore.now());
    }

    /** Runs once in each turn, behind the harvest. */
    private final class Asking extends Timer {
        private static final int MIN_TURNS = 2;
        /** Enough at any rate: the kernel may have news for ever. */
        private static final int MAX_TURNS = 1_000;
        int turns;

        @Override protected void onExpiry(long nowNanos) {
            // The first harvest may have begun before what is waited for was submitted.
            if (++turns < MIN_TURNS || !queue.caughtUp() && turns < MAX_TURNS) {
                vcore.timers().schedule(this, nowNanos);
                return;
            }
            asked = true;
            for (StreamConnection c = connections; c != null; c = c.nextOpen) c.drain();
            endIfEmpty();
        }
    }

    /** Cuts off what is still open. */
    void abortAll() {
        over = true;
        boolean ended;
        do { // again, since a close handler may close others, the next in the list for one
            ended = false;
            for (StreamConnection c = connections; c != null; ) {
                StreamConnection following = c.nextOpen;
                ended |= c.abandon();
                c = following;
            }
        } while (ended);
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

    /**
     * Takes in a source whose colour has moved here: it is in the list, and registered with the queue as it was before.
     *
     * @param reported what a failure is reported of
     * @return false if it could not be registered, which has been reported: the source must end
     */
    boolean attach(EventSource source, LoopSource membership, Object reported) {
        add(membership);
        int result = queue.attach(source);
        if (result >= 0) return true;
        vcore.reportFailure(reported, IoErrors.ofRegistration(result, source.fd()));
        return false;
    }

    void close() {
        smallBlocks.release(scratch);
        smallBlocks.close();
    }
}
