package org.libtorque.vcore;

/**
 * A task that is registered with its colour's home: an event source or a timer. When the colour moves for good, its residents leave the old home and arrive at the new one,
 * while the colour is held and none of its tasks run.
 *
 * <p>{@code AWAY -settle-> SETTLED -depart, …, departed-> AWAY -arrive-> SETTLED}, and {@code SETTLED -unsettle-> AWAY} when it ends.
 */
public abstract class Resident extends Task {
    /** Neighbours among the residents of the colour; its holder's. */
    Resident nextResident, previousResident;
    boolean settled;

    /** @param color what this is serialised with */
    protected Resident(Color color) { super(color); }

    /** Becomes part of what moves with the colour. Called on the home, by a task of the colour or before the first one is posted. */
    protected final void settle() {
        if (settled) return;
        settled = true;
        Color color = color();
        nextResident = color.residents;
        if (nextResident != null) nextResident.previousResident = this;
        color.residents = this;
        color.residentCount++;
    }

    /** Has ended. Called by a task of the colour. */
    protected final void unsettle() {
        if (!settled) return;
        settled = false;
        Color color = color();
        if (previousResident != null) previousResident.nextResident = nextResident;
        else color.residents = nextResident;
        if (nextResident != null) nextResident.previousResident = previousResident;
        nextResident = previousResident = null;
        color.residentCount--;
    }

    /** Tells whether this can move at present. The default says no. Called on the home, the colour being held. */
    protected boolean canMove() { return false; }

    /**
     * Lets go of everything that belongs to the home's thread. Called on the home, the colour being held by the move. When done, now or later, {@link #departed} must be called,
     * on the home too.
     */
    protected void depart() { throw new UnsupportedOperationException(this + " cannot move"); }

    /** Says that nothing is left at the old home. */
    protected final void departed() { color().home().residentDeparted(color()); }

    /**
     * Registers at the new home, which is {@code color().home()} now. Called on it, the colour being held by the move: events may be signalled, and run after.
     * Must not throw: what cannot be registered ends as if its descriptor had failed.
     */
    protected void arrive() { throw new UnsupportedOperationException(this + " cannot move"); }
}
