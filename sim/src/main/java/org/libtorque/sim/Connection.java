package org.libtorque.sim;

/** A simulated connection: requests that wait, and what the kernel knows of it. */
final class Connection {
    final int id;
    final byte kind;
    /** The hart whose event queue it is registered with; null while it is registered nowhere. */
    Hart home;
    /** The hart that the network card interrupts for it, wherever it is served. */
    final Hart interrupted;
    /** The hart that served it last. */
    Hart last;
    /** The hart that serves it now, or null. */
    Hart server;
    /** Its random numbers. */
    long random;
    int firstRequest = Requests.NONE;
    int lastRequest = Requests.NONE;
    /** In the kernel's list of what is ready. */
    boolean announced;
    Connection nextReady, previousReady;
    /** For rivals: in a run queue of theirs. */
    boolean queued;
    Connection nextRun;
    /** For our loop: what is registered with the event queue. */
    SimSource source;
    /** Requests since counting began. */
    int arrived, served;

    Connection(int id, byte kind, Hart home, long random) {
        this.id = id;
        this.kind = kind;
        this.home = home;
        this.interrupted = home;
        this.last = home;
        this.random = random;
    }

    boolean hasRequests() { return firstRequest != Requests.NONE; }

    @Override public String toString() { return "connection " + id + " of " + home; }
}
