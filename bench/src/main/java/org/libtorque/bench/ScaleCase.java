package org.libtorque.bench;

/** A load of requests that need much CPU time, in a closed loop. */
enum ScaleCase {
    HASH_MISS("hash-miss", "64 connections, every path another: /hash computes 400 rounds of SHA-256, looks up and stores in the shared cache", 64,
            "/hash/*?rounds=400 numbers=1000000000"),
    HASH_HIT("hash-hit", "64 connections, 48 paths: the shared cache knows them all", 64, "/hash/*?rounds=400 numbers=48"),
    CIPHER("cipher", "64 connections, /cipher encrypts 256 KiB", 64, "/cipher?kb=256"),
    CIPHER4("cipher4", "4 connections, the same: each is a fourth of the load, wherever it comes to", 4, "/cipher?kb=256");

    /** Name of the group of connections. */
    static final String GROUP = "all";

    final String id;
    final String title;
    final int connections;
    private final String path;

    ScaleCase(String id, String title, int connections, String path) {
        this.id = id;
        this.title = title;
        this.connections = connections;
        this.path = path;
    }

    /** Returns the group as {@code torque load} takes it. */
    String group() { return GROUP + " connections=" + connections + " path=" + path; }

    /** Whether the shared cache takes part. */
    boolean usesCache() { return this == HASH_MISS || this == HASH_HIT; }

    static ScaleCase byId(String id) {
        for (ScaleCase each : values()) if (each.id.equals(id)) return each;
        throw new IllegalArgumentException("no case '" + id + "'");
    }
}
