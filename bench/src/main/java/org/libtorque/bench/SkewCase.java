package org.libtorque.bench;

import java.util.ArrayList;
import java.util.List;

/** A load of which a few connections may make most of the work. */
enum SkewCase {
    SKEW8("skew8", "8 heavy connections, all on one vcore, 200 µs each request, closed loop", 8, true),
    FLOOR("floor", "the same requests, as many as a skewed server answers, but none of them heavy: 5 µs each, the 8 paced to 6,000/s", 8, true),
    MOVING("moving", "the same, and the 8 that are heavy are those of the other vcore every second", 8, true),
    SKEW1("skew1", "1 heavy connection, 200 µs each request, closed loop", 1, true),
    BALANCED("balanced", "64 connections, 5 µs each request, closed loop", 64, false),
    PACED("paced", "64 connections, 5 µs each request, paced to 20,000/s in all, so that every server does the same", 64, false),
    P1("p1", "100 connections, /plaintext, closed loop", 100, false);

    /** CPU time that a request asks for. */
    static final int HEAVY_MICROS = 200, LIGHT_MICROS = 5;
    static final int LIGHT_CONNECTIONS = 56;
    /** About what the heavy ones get in {@link #SKEW8} where both CPUs are used: the generator has as much to do. */
    private static final int FLOOR_RATE = 6_000;
    /** What a vcore on the CPU that the generator shares can do with half of the connections, so that nobody has a backlog. */
    private static final int PACED_RATE = 20_000;
    /** Names of the groups of connections; where all are alike it is the second. */
    static final String HEAVY = "heavy", LIGHT = "light";

    final String id;
    final String title;
    /** Those that are heavy at a time, or all where there are none. */
    final int connections;
    final boolean skewed;

    SkewCase(String id, String title, int connections, boolean skewed) {
        this.id = id;
        this.title = title;
        this.connections = connections;
        this.skewed = skewed;
    }

    /**
     * Returns the groups as {@code torque load} takes them.
     *
     * @param lightRate requests per second of all light connections together
     * @param together  whether light connections are to be on the vcores of the heavy ones, rather than as they come
     */
    List<String> groups(int lightRate, boolean together) {
        if (!skewed) {
            return List.of(LIGHT + " connections=" + connections + " path=" + (this == P1 ? "/plaintext" : "/work?us=" + LIGHT_MICROS)
                           + (this == PACED ? " rate=" + PACED_RATE : ""));
        }
        var groups = new ArrayList<String>();
        String heavy = HEAVY + " connections=" + connections + " path=/work?us=" + heavyMicros() + (this == FLOOR ? " rate=" + FLOOR_RATE : "");
        String light = LIGHT + " path=/work?us=" + LIGHT_MICROS + " rate=" + lightRate + " connections=";
        if (this == MOVING) {
            groups.add(heavy + " vcore=0,1 move=1s");
            groups.add(together ? light + LIGHT_CONNECTIONS / 2 + " vcore=0,1" : light + LIGHT_CONNECTIONS);
        } else {
            groups.add(heavy + " vcore=0");
            groups.add(light + LIGHT_CONNECTIONS + (together ? " vcore=0" : ""));
        }
        return groups;
    }

    /** Returns what a request of the heavy ones asks for. */
    int heavyMicros() { return this == FLOOR ? LIGHT_MICROS : HEAVY_MICROS; }

    static SkewCase byId(String id) {
        for (SkewCase each : values()) if (each.id.equals(id)) return each;
        throw new IllegalArgumentException("no case '" + id + "'");
    }
}
