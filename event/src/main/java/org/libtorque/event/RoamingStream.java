package org.libtorque.event;

import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.Vcore;

/**
 * A stream that is registered with one vcore, its <em>home</em>, and may be run by any: where it is, and what it has its home do.
 *
 * <p>What only the home can change (whether it receives, whether it hears of hang-ups, waiting for room) is done at once there; asked for elsewhere it is written down,
 * and {@link #goHome} has the next turn run at home, which {@linkplain #applyWanted does it}.
 *
 * <p>Touched under the stream's colour alone. A superclass and not a part of {@link StreamConnection}, for these fields are read in each turn: they are in the same object.
 */
abstract class RoamingStream extends StreamSource {
    /** What a turn can be signalled for besides what {@link org.libtorque.vcore.EventSource} has. */
    static final int DRAIN = 8, TIME = 16, RESUME = 32, FLUSH = 64, ABANDON = 128;

    /** Of the home. */
    Loop loop;
    /** Of the vcore that runs it; null while {@link #run} does not. */
    Loop here;
    /** Whether receiving and hearing of hang-ups is as wanted; only the home can change it. */
    private boolean receivingPaused;
    private boolean hangUpWanted;
    private boolean pauseWanted;

    RoamingStream(Loop loop, Color color, int fd) {
        super(color, fd);
        this.loop = loop;
    }

    /** Returns the loop of the vcore that runs this stream's colour. */
    final Loop here() {
        Loop running = here;
        return running != null ? running : Loop.current();
    }

    /** Tells whether the caller is of this stream's colour; where nothing moves, whether it is on the same vcore. */
    final boolean isMine() { return Vcore.currentColor() == color() || loop.vcore.balance() == Balance.STATIC && loop.vcore.isCurrent(); }

    /** Whoever calls is to be of this stream's colour. */
    final void checkColor() {
        if (isMine()) return;
        throw new IllegalStateException(this + " belongs to its colour; call from one of its callbacks, or through execute()");
    }

    final boolean isAtHome() { return loop.vcore.isCurrent(); }

    /** The next turn is at home. */
    final void goHome(int bits) {
        runAtHome(true);
        signal(bits);
    }

    /** Makes receiving and hearing of hang-ups as wanted: at once or when at home. */
    final void applyWanted() {
        if (receivingPaused == pauseWanted && !hangUpWanted) return;
        if (!isAtHome()) {
            goHome(FLUSH);
            return;
        }
        if (receivingPaused != pauseWanted) {
            receivingPaused = pauseWanted;
            loop.queue.pauseReceiving(this, pauseWanted);
        }
        if (hangUpWanted) {
            hangUpWanted = false;
            loop.queue.awaitHangUp(this);
        }
    }

    final void pauseReceiving(boolean paused) {
        pauseWanted = paused;
        applyWanted();
    }

    /** Nothing is received any more that would tell of a reset: asks to be told of it. */
    final void awaitHangUp() {
        hangUpWanted = true;
        applyWanted();
    }

    /** Both: a peer that resets must not stay unnoticed until somebody reads again. */
    final void pauseReceivingAndAwaitHangUp() {
        hangUpWanted = true;
        pauseReceiving(true);
    }

    /** There is no room to send: has the home wait for some. {@code asked}: it does that by itself. */
    final void awaitRoom(boolean asked) {
        if (!isAtHome()) goHome(FLUSH);
        else if (!asked) loop.queue.awaitWritable(this);
    }
}
