package org.libtorque.event;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Timer;
import org.libtorque.vcore.TimerWheel;

/**
 * What a timer that any thread may arm and cancel consists of: a word that says when it is to be called, and a node of the wheel of its colour's home.
 *
 * <p><b>The word</b>, {@code when}, is all that decides. It has the deadline, or says that there is none:
 *
 * <pre>{@code
 *   UNARMED -arm-> deadline      any thread
 *   deadline -arm-> deadline     any thread: called off, and armed anew
 *   deadline -cancel-> UNARMED   any thread: called off
 *   deadline -claim-> UNARMED    under the colour, the deadline having passed: the handler is called next. Periodic: -> deadline of the next period
 *   any -close-> CLOSED          any thread, for good
 * }</pre>
 *
 * <p>All of these are compare-and-set or exchange on one word, hence totally ordered: of a cancellation and a claim one wins, and both know which. The deadline is in the word
 * itself, so there is no generation to compare: if a timer has been called and armed anew for just the same time between somebody's look and his compare-and-set, then what he
 * calls off is the new one, and that is what he is told. Everything else (the wheel, posted tasks) only leads to a look at the word, and a look too many finds nothing.
 *
 * <p><b>The look.</b> {@code looksAt} says when the wheel will look at the word:
 *
 * <pre>{@code
 *   NOBODY     the node is not on the wheel, and the home's thread is not about to put it there but by a task of the colour
 *   LOOKING    the home's thread is just looking, and may put the node on the wheel again
 *   a time     the node is on the wheel
 * }</pre>
 *
 * <p>It is written by the home's thread alone: in {@link #onExpiry}, which runs without the colour being held, and in {@link #keepLook} and {@link #leaveWheel}, under the
 * colour. Who arms writes the word, then reads {@code looksAt}; the home writes {@code looksAt}, then reads the word. Both are volatile, so one of them sees what the other has
 * written (Dekker): either the home sees the deadline, or who armed sees that nobody looks in time, and posts the timer, whose run looks. A look that is too early is left where
 * it is: when its time has come it finds a later deadline and moves on. So a timer that is put off again and again, as limits of connections are, does not touch the wheel, nor
 * the home's thread.
 *
 * <p>Case by case, with d the new deadline and l what {@code looksAt} was when it was read:
 * <ul>
 * <li>l is NOBODY or LOOKING, or after d: a task is posted. Enough whatever else happens.
 * <li>l is at or before d, and stays: the wheel looks in time.
 * <li>l is at or before d, and {@code onExpiry} begins: it writes LOOKING after l was read, hence after d was written, and reads d.
 * <li>l is at or before d, and {@code keepLook} takes the node off, having read UNARMED: it writes NOBODY after l was read, reads the word once more after that, and sees d.
 * <li>l is at or before d, and {@code keepLook} puts the node to another time: it only does so for a deadline before l, hence before d.
 * </ul>
 *
 * <p>Who cancels does it the same way: writes the word, then reads {@code looksAt}, and posts a task unless that is NOBODY; the run takes the node off the wheel, and the timer
 * from its colour's residents. If it is NOBODY, a run is on its way anyway (that of the arming, or that which the wheel posted), or the colour is moving, and {@code keepLook} at
 * its new home looks at the word again after it has written {@code looksAt}.
 *
 * <p>Under the colour, at home, the order is the other way round, and the compare-and-set is the only fence: {@link #armAtHome} and {@link #cancelAtHome} first see to the wheel
 * and write {@code looksAt}, then the word. Who writes the word after that has read it, and with it sees {@code looksAt}; what was written before is overruled, and needs no
 * look.
 *
 * <p>Rejected: a lock for each timer, since whoever holds it may be taken off its CPU. A generation beside the deadline: two words, or deadlines of 40 bits. Linux's way of letting
 * the callback's thread and the canceller meet on the wheel's lock: our wheel has none.
 */
abstract class ArmedTimer extends Timer {
    /** The word of a timer that is not armed; and of one that never will be. No deadline is one of them. */
    static final long UNARMED = Long.MIN_VALUE, CLOSED = Long.MIN_VALUE + 1;
    private static final long NOBODY = Long.MIN_VALUE, LOOKING = Long.MIN_VALUE + 1;
    private static final VarHandle WHEN = Handles.field(MethodHandles.lookup(), "when", long.class);
    private static final VarHandle LOOKS_AT = Handles.field(MethodHandles.lookup(), "looksAt", long.class);

    private volatile long when = UNARMED;
    private volatile long looksAt = NOBODY;

    /** Returns the home's wheel. The home's thread. */
    abstract TimerWheel wheel();

    /** Returns a deadline as the wheel has it. Any thread. */
    abstract long onWheel(long deadline);

    /** Returns when the wheel must look again at a timer whose deadline has passed, or {@link #UNARMED} if that is for others to say. The home's thread. */
    abstract long nextLook(long deadline, long nowNanos);

    /** The deadline has passed, or there is none any more: has the timer run under its colour, soon. The home's thread. */
    abstract void tell();

    /** Whether the wheel is to look to the nanosecond. */
    abstract boolean isPrecise();

    static boolean isArmed(long word) { return word > CLOSED; }

    /** Returns a time as the word can have it: a nanosecond or two later, if it is one that means something else. */
    static long armable(long deadline) { return Math.max(deadline, CLOSED + 1); }

    /** Returns the word. Any thread. */
    final long when() { return when; }

    // ---- any thread

    /**
     * Arms.
     *
     * @param deadline {@link #armable}
     * @return the word before; if that is {@link #CLOSED}, nothing was changed
     */
    final long arm(long deadline) {
        while (true) {
            long before = when;
            if (before == CLOSED || WHEN.compareAndSet(this, before, deadline)) return before;
        }
    }

    /** Calls off. Returns whether there was something to call off. */
    final boolean callOff() {
        while (true) {
            long before = when;
            if (!isArmed(before)) return false;
            if (WHEN.compareAndSet(this, before, UNARMED)) return true;
        }
    }

    /** Calls off for good. Returns the word before. */
    final long end() { return (long) WHEN.getAndSet(this, CLOSED); }

    /** Tells whether nobody looks at the word by a time, or nobody may: who has armed for that must see to it. After arming. */
    final boolean mustLook(long at) {
        long l = looksAt;
        return l == NOBODY || l == LOOKING || l - at > 0;
    }

    /** Tells whether the node is off the wheel for good, unless a task of the colour puts it there. Any thread. */
    final boolean isOffWheel() { return looksAt == NOBODY; }

    // ---- the colour's

    /**
     * Decides that the handler is called next.
     *
     * @param word what {@link #when} returned: a deadline that has passed
     * @param next {@link #UNARMED}, or the deadline of the next period
     * @return false if it has been called off or armed anew meanwhile
     */
    final boolean claim(long word, long next) { return WHEN.compareAndSet(this, word, next); }

    /** Sees to it that the wheel looks in time if it is armed, and not at all if not. At home, under the colour. Returns whether it is on the wheel. */
    final boolean keepLook() {
        while (true) {
            long word = when;
            if (isArmed(word)) {
                long at = onWheel(word);
                if (!mustLook(at)) return true;
                lookAt(at);
                if (when == word) return true; // who calls it off from now on sees that there is a look to be undone
            } else {
                if (!isScheduled()) return false;
                looksAt = NOBODY;
                if (isArmed(when)) continue; // who has armed it meanwhile may have relied on the look that has just been withdrawn
                wheel().cancel(this);
                return false;
            }
        }
    }

    /**
     * As {@link #arm}, and has the wheel look in time. At home, under the colour. The look comes first: whoever changes the word after the compare-and-set here sees it, whoever
     * did before is overruled; so it takes no fence of its own.
     */
    final long armAtHome(long deadline) {
        long before = when;
        if (before == CLOSED) return before;
        long at = onWheel(deadline);
        if (mustLook(at)) schedule(at, false);
        while (!WHEN.compareAndSet(this, before, deadline)) {
            before = when;
            if (before == CLOSED) {
                leaveWheel();
                break;
            }
        }
        return before;
    }

    /** As {@link #callOff}, and takes the node off the wheel, which comes first for the same reason. At home, under the colour. */
    final boolean cancelAtHome() {
        long before = when;
        if (!isArmed(before)) return false;
        LOOKS_AT.setRelease(this, NOBODY);
        wheel().cancel(this);
        while (!WHEN.compareAndSet(this, before, UNARMED)) {
            before = when;
            if (!isArmed(before)) return false;
        }
        return true;
    }

    /** Leaves the wheel, armed or not: the colour moves. At home, the colour being held. */
    final void leaveWheel() {
        looksAt = NOBODY;
        wheel().cancel(this);
    }

    // ---- the home's thread

    private void lookAt(long at) { schedule(at, true); }

    private void schedule(long at, boolean fence) {
        if (isPrecise()) wheel().schedulePrecisely(this, at);
        else wheel().schedule(this, at);
        long said = at <= LOOKING ? LOOKING + 1 : at; // a nanosecond or two more: somebody posts in vain
        if (fence) looksAt = said;
        else LOOKS_AT.setRelease(this, said);
    }

    @Override protected final void onExpiry(long nowNanos) {
        looksAt = LOOKING;
        long word = when;
        if (!isArmed(word)) { // who arms it now sees that nobody looks; who has called it off may have seen that too, and left the rest to us
            looksAt = NOBODY;
            tell();
            return;
        }
        long at = onWheel(word);
        if (at - nowNanos > 0) {
            lookAt(at);
            return;
        }
        long next = nextLook(word, nowNanos);
        if (next == UNARMED) looksAt = NOBODY;
        else lookAt(next);
        tell(); // last: a run elsewhere may take a timer whose looksAt is NOBODY to have nothing to do with this vcore any more
    }
}
