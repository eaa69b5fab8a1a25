package org.libtorque.sim;

/** Who serves what: the loop under test, or a rival. */
public enum Policy {
    /** A bound: looking, waking and moving cost nothing, and nobody waits while a hart is free. A model. */
    IDEAL("ideal", "what could be had if looking, waking and moving were free (a bound)"),
    /** One loop per hart, connections bound to loops for good, first in first out: Netty's way. A model. */
    NETTY("netty", "one loop per hart, connections bound for good, first in first out (model of Netty)"),
    /** One queue of ready connections for all harts, under one lock. A model. */
    SHARED("shared", "one queue of ready connections for all harts, under one lock (model)"),
    /** A queue per hart; who has nothing takes from others at random. A model. */
    RANDOM("random", "a queue per hart; an idle hart takes from others chosen at random (model)"),
    /** This library's loop, the real code, without any movement. */
    STATIC("static", "this library's loop, connections bound for good (the real code)"),
    /** This library's loop, the real code: waiting work is taken by those who have none. */
    STEAL("steal", "this library's loop, idle harts take waiting colours (the real code)"),
    /** This library's loop, the real code: and what is taken again and again moves. */
    MIGRATE("migrate", "the same, and what is taken again and again moves for good (the real code)");

    private final String label;
    private final String description;

    Policy(String label, String description) {
        this.label = label;
        this.description = description;
    }

    /** Returns the name that users give and see. */
    public String label() { return label; }

    /** Returns what it is, in one line. */
    public String description() { return description; }
}
