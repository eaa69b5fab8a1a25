package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * How many colours may move for good: a token bucket that the vcores of a runtime share, whose rate follows what moves are worth.
 *
 * <p>It starts full, with {@value #BURST_EACH} moves for each vcore, so that skew is mended at once, and fills again with {@value #LEAST_RATE} moves a second, or one in
 * {@value #VCORES_EACH} s for each vcore where that is more. After each {@link #EPOCH_NANOS} in which some have moved, imbalance is compared with what it was before: has it fallen by an
 * eighth, and was it more than chance makes, the rate doubles; else it is what it was at first. So where demand is skewed and moving mends it, as many move as it takes. Where
 * it looks skewed now on one side and now on the other, next to none.
 *
 * <p>Any thread. Who finds somebody else here, or no token, is refused without waiting, and asks again after the colour's next turn.
 */
final class MoveBudget {
    /** Moves per second of the whole runtime while they are not worth much: at least; and for each so many vcores. */
    static final int LEAST_RATE = 5, VCORES_EACH = 4;
    /** Moves for each vcore that are there at first, and that it saves up to. */
    static final int BURST_EACH = 8;
    /** What demand is averaged over to be compared: {@link Scoreboard#imbalance}. */
    static final long EPOCH_NANOS = LoadMeter.LASTING_NANOS;
    /** After so long without a question, what was measured before is of no interest. */
    private static final long STALE_NANOS = 4 * EPOCH_NANOS;
    /** Imbalance, of 1024, below which its fall may be chance. */
    private static final int LEAST_IMBALANCE = 64;
    private static final int MAX_DOUBLINGS = 16;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final VarHandle LOCK = Handles.field(MethodHandles.lookup(), "lock", int.class);
    private static final VarHandle EMPTY_UNTIL = Handles.field(MethodHandles.lookup(), "emptyUntil", long.class);

    private final Scoreboard board;
    private final int baseRate;
    private final long full;
    @SuppressWarnings("unused") private int lock;
    /** When there is a token again; read without the lock, so that refusing is cheap. Means nothing before the first question. */
    private long emptyUntil;
    private volatile boolean isInUse;

    // ---- who is inside has

    /** In billionths of a move. */
    private long tokens;
    private int doublings;
    private long filledAt, epochStart, askedAt;
    private int imbalanceBefore;
    private int movedInEpoch;

    /** @param board whose runtime it is for */
    MoveBudget(Scoreboard board) {
        this.board = board;
        baseRate = Math.max(LEAST_RATE, board.size() / VCORES_EACH);
        full = BURST_EACH * board.size() * NANOS_PER_SECOND;
        tokens = full;
    }

    /** Takes a token. Returns false if there is none, or somebody else is here. */
    boolean tryTake(long now) {
        if (isInUse && now - (long) EMPTY_UNTIL.getOpaque(this) < 0) return false;
        if ((int) LOCK.getOpaque(this) != 0 || !LOCK.compareAndSet(this, 0, 1)) return false;
        boolean taken = take(now);
        LOCK.setRelease(this, 0);
        return taken;
    }

    private boolean take(long now) {
        if (!isInUse) {
            filledAt = askedAt = emptyUntil = now;
            beginEpoch(now);
            isInUse = true;
        }
        long rate = rate();
        long elapsed = Math.clamp(now - filledAt, 0, full / baseRate); // clocks of vcores may differ a little
        tokens = Math.min(full, tokens + elapsed * rate);
        filledAt += Math.max(0, now - filledAt);
        if (now - askedAt >= STALE_NANOS) {
            doublings = 0;
            beginEpoch(now);
        } else if (now - epochStart >= EPOCH_NANOS) {
            int imbalance = board.imbalance();
            boolean paid = movedInEpoch > 0 && imbalanceBefore >= LEAST_IMBALANCE && imbalance <= imbalanceBefore - imbalanceBefore / 8;
            doublings = paid ? Math.min(doublings + 1, MAX_DOUBLINGS) : 0;
            beginEpoch(now);
        }
        askedAt = now;
        if (tokens < NANOS_PER_SECOND) {
            // Not beyond the end of the epoch, when the rate may rise.
            EMPTY_UNTIL.setOpaque(this, Math.min(now + (NANOS_PER_SECOND - tokens) / rate() + 1, epochStart + EPOCH_NANOS));
            return false;
        }
        tokens -= NANOS_PER_SECOND;
        movedInEpoch++;
        return true;
    }

    private void beginEpoch(long now) {
        epochStart = now;
        movedInEpoch = 0;
        imbalanceBefore = board.imbalance();
    }

    /** Returns how many moves a second there are at the moment. */
    private long rate() { return (long) baseRate << doublings; }
}
