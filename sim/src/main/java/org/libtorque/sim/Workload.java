package org.libtorque.sim;

import java.util.Locale;

/** What the simulated clients do. Quantities are in proportion to the number of harts. */
public enum Workload {
    /** All connections alike, as many on each hart. */
    BALANCED("every connection alike, as many on each hart"),
    /** Request rates by Zipf's law, at random over the harts. */
    ZIPF("request rates by Zipf's law (exponent 1), at random over the harts"),
    /** Few connections that keep their hart busy, all on half of the harts, and many light ones. */
    FAT("8 connections on every second hart ask for 200 us back to back; 28 light ones per hart, 5 us"),
    /** One connection that keeps its hart busy, with many light ones, beside a hart that another program uses too. */
    LONE("one connection on every second hart asks for 200 us back to back beside 56 light ones; the others' CPUs are away for 30 us of every 75"),
    /** Half of the load comes in bursts to one hart at a time. */
    BURSTS("half of the load comes at once, to all connections of one hart at a time"),
    /** The busy connections are others every 10 ms. */
    PHASES("a quarter of the harts gets five times the load of the others, another quarter every 10 ms"),
    /** One request in a hundred takes long. */
    SLOW("one request in a hundred takes 1 ms, the others 5 us"),
    /** Harts are taken away now and then. */
    CPU_LOSS("every eighth hart is taken away for 4 ms in every 20 ms");

    private final String description;

    Workload(String description) { this.description = description; }

    /** Returns the name in small letters, with hyphens. */
    public String label() { return name().toLowerCase(Locale.ROOT).replace('_', '-'); }

    /** Returns what it is, in one line. */
    public String description() { return description; }
}
