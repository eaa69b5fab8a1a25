package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/** Keeps {@code state} off the lines of whatever lies in front of the gate. */
@SuppressWarnings("unused")
abstract class WakeGatePad0 {
    private long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p0a, p0b, p0c, p0d, p0e, p0f;
}

/** The one hot field; see {@link WakeGate}. */
abstract class WakeGateState extends WakeGatePad0 {
    long state; // a long: the JVM puts an int in front of the pad, into the gap behind the object's header
}

/** Keeps {@code state} off the lines of whatever lies behind the gate. */
@SuppressWarnings("unused")
abstract class WakeGatePad1 extends WakeGateState {
    private long p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p1a, p1b, p1c, p1d, p1e, p1f;
}

/**
 * Decides who wakes a vcore that may be going to sleep, so that no wake-up is lost and a busy vcore costs no system
 * call. One owner; any number of posters.
 *
 * <pre>{@code
 *   AWAKE    -announce (owner)-> BLOCKING -claimWake (one poster)-> NOTIFIED
 *   BLOCKING -withdraw (owner)-> AWAKE
 *   NOTIFIED -withdraw (owner)-> AWAKE
 *
 *   owner                                poster
 *   gate.announce();                     inbox.offer(message);
 *   if (inbox.isEmpty()) block();        if (gate.claimWake()) wake();
 *   gate.withdraw();
 *   drain the inbox
 * }</pre>
 *
 * {@code block} must return when {@code wake} was called since the last {@code block} returned, also if that was before
 * the call: an eventfd's counter and a posted completion both keep the token.
 *
 * <p><b>Sharing.</b> {@code state} is all there is. The owner alone writes AWAKE and BLOCKING; NOTIFIED is written only
 * by a poster's successful compare-and-set from BLOCKING. Everybody reads. The field has its cache lines to itself:
 * posters read it far more often than anybody writes it.
 *
 * <p><b>Memory order.</b> {@code announce} stores BLOCKING, fences, and the caller loads the inbox; a poster stores to
 * the inbox, fences in {@code claimWake}, and loads {@code state}. Both fences buy a StoreLoad, each other's partner
 * (Dekker's pattern); nothing weaker forbids both sides from missing the other. {@code withdraw} needs no fence.
 *
 * <p><b>No wake-up is lost.</b> Fences are totally ordered. Number the owner's rounds (announce to withdraw) and call
 * F(k) the fence of round k; let a poster publish message m and then execute its fence P. In every round k with
 * P before F(k), the owner's re-check sees m, or m has been taken. So only the last round k with F(k) before P
 * can block with m unseen. In it the poster's load comes after BLOCKING of round k in the order of writes to
 * {@code state}, so what it finds is one of
 * <ul>
 *   <li>BLOCKING of round k: its compare-and-set succeeds, and it wakes the owner; or it fails, because the state has
 *       moved on to one of the following;
 *   <li>NOTIFIED of round k: another poster's compare-and-set succeeded, and that poster wakes the owner;
 *   <li>AWAKE, or anything of a later round: round k is over.
 * </ul>
 * In all of them the owner comes back from round k and finds m, at the latest in the re-check of round k + 1.
 * The compare-and-set is the strong one, since the argument has no place for a spurious failure.
 *
 * <p><b>Exactly one poster wakes in each round</b>, because the compare-and-set from BLOCKING can succeed only once
 * before the owner announces again.
 *
 * <p><b>A poster may succeed just as the owner withdraws.</b> Then NOTIFIED is overwritten by AWAKE while the poster
 * is still on its way to the system call, and the token reaches the kernel when the owner is long awake. It makes a
 * later {@code block} return for nothing: a spurious wake-up, after which the owner drains, finds nothing, and
 * announces again. Waiting for the poster instead would be worse: it may have been descheduled.
 *
 * <p>Rejected: a compare-and-set in {@code withdraw} that tells the two cases apart (a spurious wake-up is cheaper than
 * an atomic operation on every wait); an asymmetric fence by membarrier(2), which would free the poster of its fence
 * at the price of a broadcast interrupt on every idle (idling is frequent exactly when latency matters).
 */
public final class WakeGate extends WakeGatePad1 {
    /** The owner runs, or will look into its inbox before it blocks: nobody need wake it. */
    public static final long AWAKE = 0;
    /** The owner is about to block or blocks: the first poster to come wakes it. */
    public static final long BLOCKING = 1;
    /** A poster has taken it on itself to wake the owner. */
    public static final long NOTIFIED = 2;

    private static final VarHandle STATE = Handles.field(MethodHandles.lookup(), WakeGateState.class, "state", long.class);

    /** Creates a gate that is awake. */
    public WakeGate() {}

    /** Owner: says that it is about to block. It must look into its inbox after this and before it blocks. */
    public void announce() {
        assert (long) STATE.getOpaque(this) == AWAKE : "announced twice: state " + state;
        STATE.setOpaque(this, BLOCKING);
        VarHandle.fullFence(); // StoreLoad: BLOCKING before the owner's re-check; partner in claimWake
    }

    /**
     * Owner: says that it is awake, after {@code block} has returned or because the re-check found work. To be called
     * before it drains its inbox for the last time in a turn; calling it when awake changes nothing.
     */
    public void withdraw() { STATE.setOpaque(this, AWAKE); }

    /**
     * Poster: asks, after its message is published, whether it must wake the owner.
     *
     * @return true if the caller, and nobody else, must now make the wake-up call; false if the owner is awake or is
     *         being woken
     */
    public boolean claimWake() {
        VarHandle.fullFence(); // StoreLoad: the caller's message before the load of state; partner in announce
        return (long) STATE.getOpaque(this) == BLOCKING && STATE.compareAndSet(this, BLOCKING, NOTIFIED);
    }

    /** Returns the state, for dumps and tests; out of date as soon as it is read. Any thread. */
    public long stateOpaque() { return (long) STATE.getOpaque(this); }

    @Override public String toString() {
        long s = stateOpaque();
        return "WakeGate[" + (s == AWAKE ? "awake" : s == BLOCKING ? "blocking" : "notified") + "]";
    }
}
