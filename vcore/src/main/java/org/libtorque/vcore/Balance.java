package org.libtorque.vcore;

/** What a runtime does about vcores that have more to do than others. */
public enum Balance {
    /**
     * Nothing: a colour stays on the vcore where it was made, and what is ready runs in the order in which it became so. This is what an event loop per core does, and what
     * the others are measured against.
     */
    STATIC,
    /** Short work goes before long work, and a vcore that has run out of work takes waiting colours from others. Their event sources stay where they are. */
    STEAL,
    /** As {@link #STEAL}; and a colour that is taken by the same vcore again and again moves there for good, with its event sources and timers. */
    MIGRATE;

    boolean steals() { return this != STATIC; }

    boolean migrates() { return this == MIGRATE; }

    /** Returns the name as it is written in options and logs: {@code static}, {@code steal}, {@code migrate}. */
    public String optionName() { return name().toLowerCase(java.util.Locale.ROOT); }
}
