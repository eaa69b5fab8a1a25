package org.libtorque.vcore;

/** Where new work is to be at home: a hint that is given when it is registered. Immutable. */
public final class Placement {
    private static final Placement NEAR = new Placement(null, -1, false);
    private static final Placement SOLITARY = new Placement(null, -1, true);

    final ColorGroup group;
    /** Index of the vcore to be pinned to, or -1. */
    final int pinnedTo;
    final boolean spread;

    private Placement(ColorGroup group, int pinnedTo, boolean spread) {
        this.group = group;
        this.pinnedTo = pinnedTo;
        this.spread = spread;
    }

    /** On the vcore that registers it, whose cache has what it is about; from other threads, and while that vcore is parked, as {@link #solitary}. The default. */
    public static Placement near() { return NEAR; }

    /**
     * For work that shares nothing with other work: spread, over nodes first, then packages, cores, and harts last, and where there is least to do. Interrupts that a CPU has to
     * handle count as something to do.
     */
    public static Placement solitary() { return SOLITARY; }

    /** For work that shares data with others: near them. */
    public static Placement communal(ColorGroup group) { return new Placement(java.util.Objects.requireNonNull(group), -1, false); }

    /**
     * On a given vcore, and nowhere else ever: its colour is {@linkplain Color#pin pinned}. It keeps that vcore from being parked altogether.
     *
     * @param vcore index among the runtime's vcores, from 0
     */
    public static Placement on(int vcore) {
        if (vcore < 0) throw new IllegalArgumentException("no vcore " + vcore);
        return new Placement(null, vcore, false);
    }

    @Override public String toString() {
        return group != null ? "communal in " + group : pinnedTo >= 0 ? "on vcore " + pinnedTo : spread ? "solitary" : "near";
    }
}
