package org.libtorque.sim;

/**
 * A simulated hart: its clock, what it executes, and the kernel's event queue for the loop that runs on it.
 *
 * <p>Its clock is {@link #local}. Spending time ({@link #charge}) moves it ahead of the simulation's; {@link #settle} then lets all others catch up.
 * Small costs are charged and settled together with the next large one, since each settling is a switch: so others may see what a
 * loop has harvested a microsecond or so too early, never the end of a request.
 */
final class Hart {
    /** What takes connections out of the kernel's event queue. */
    interface Sink {
        void ready(Connection connection);
    }

    /** Cache lines of a kernel event queue that move to a hart which takes from another's. */
    static final int QUEUE_LINES = 4;
    private static final long UP_NANOS = 3_600_000_000_000L;

    final int id;
    private final Simulation simulation;
    private final Costs costs;
    private final EventWheel wheel;
    Coroutine body;

    /** The time that this hart has come to; at or after the simulation's while it runs. */
    private long local;

    private boolean blocked;
    private long blockedSince;
    /** An eventfd: written, and not yet read. */
    private boolean token;
    private Connection firstReady;
    private Connection lastReady;

    private boolean lost;
    /** While lost: what was left to wait for, or -1. */
    private long remaining = -1;

    long busyNanos;
    long wakeUps;
    /** For how long it was away, and for how long of that something waited for it. */
    private long lostNanos, delayNanos;
    private long lostSince, delayedSince;

    Hart(int id, Simulation simulation) {
        this.id = id;
        this.simulation = simulation;
        costs = simulation.costs;
        wheel = simulation.wheel;
    }

    /** Returns the time on this hart. */
    long local() { return local; }

    /** Returns what a clock on this hart shows: like that of a machine that has been up for a while. */
    long clock() { return local + UP_NANOS; }

    /** Tells whether the kernel has something to report. */
    boolean hasEvents() { return firstReady != null; }

    /** Tells whether the loop waits for the kernel. */
    boolean isBlocked() { return blocked; }

    boolean isLost() { return lost; }

    /** Goes on at the simulation's present; called by the simulation. */
    void resume() {
        if (blocked) {
            blocked = false;
            wakeUps++;
        }
        local = simulation.now;
        body.resume();
    }

    /** Spends time without letting others catch up yet. */
    void charge(long nanos) {
        RandomStream jitter = simulation.jitter;
        if (jitter != null) {
            local += (long) (nanos * Traffic.logUniform(jitter, 0.05, 20)) + jitter.nextInt(2);
            settle();
            return;
        }
        local += nanos;
        busyNanos += nanos;
    }

    /** A moment at which others may go on if costs vary at random: one of any length. Costs nothing otherwise. */
    void pause() {
        if (simulation.jitter != null && simulation.jitter.nextInt(4) == 0) charge((long) Traffic.logUniform(simulation.jitter, 1, 20_000));
    }

    /** Lets everybody else come to the time of this hart, which it may leave later: when its CPU is taken away meanwhile. */
    void settle() {
        if (local == simulation.now) return;
        wheel.schedule(id, local);
        Coroutine.suspend();
    }

    // ---------------------------------------------------------------------------------------------------------- event queue

    /** The kernel has something new for a connection of this hart: edge-triggered. */
    void announce(Connection connection) {
        if (!connection.announced) {
            connection.announced = true;
            connection.previousReady = lastReady;
            if (firstReady == null) firstReady = connection;
            else lastReady.nextReady = connection;
            lastReady = connection;
        }
        if (blocked) rouseFor(connection);
    }

    /** The kernel lets this hart go on, which waits: by an interrupt of the one that is told of the connection's packets. */
    void rouseFor(Connection connection) {
        if (connection.interrupted != this) connection.interrupted.interrupt(costs.wakeCallNanos());
        comeBack(simulation.now);
    }

    /** The kernel takes time from whatever runs here. */
    void interrupt(long nanos) {
        if (simulation.jitter != null || lost) return;
        busyNanos += nanos;
        if (blocked || !wheel.isPending(id)) return;
        long time = wheel.timeOf(id);
        wheel.cancel(id);
        wheel.schedule(id, time + nanos);
    }

    /** The kernel forgets what it has for a connection of this hart. */
    void withdraw(Connection connection) {
        if (!connection.announced) return;
        connection.announced = false;
        Connection next = connection.nextReady, previous = connection.previousReady;
        if (previous == null) firstReady = next;
        else previous.nextReady = next;
        if (next == null) lastReady = previous;
        else next.previousReady = previous;
        connection.nextReady = connection.previousReady = null;
    }

    /**
     * Takes events, as epoll_wait would.
     *
     * @param window       how many at most
     * @param timeoutNanos how long to wait for the first, 0 for not at all, MAX_VALUE for ever
     */
    int harvest(int window, long timeoutNanos, Sink sink) {
        pause();
        if (firstReady == null && !token && timeoutNanos > 0) block(timeoutNanos);
        token = false;
        charge(costs.harvestNanos());
        int taken = 0;
        for (Connection connection; taken < window && (connection = firstReady) != null; taken++) {
            withdraw(connection);
            charge(costs.eventNanos());
            sink.ready(connection);
        }
        if (taken == 0) settle(); // or a loop that finds nothing would turn for ever at one moment
        return taken;
    }

    /** Takes events that are this hart's on another one, which pays for it; also while this one waits for them, or is on its way because of them. */
    int harvestBy(Hart helper, int window, Sink sink) {
        helper.pause();
        helper.charge(costs.harvestNanos() + QUEUE_LINES * simulation.distances.lineNanos(id, helper.id));
        int taken = 0;
        for (Connection connection; taken < window && (connection = firstReady) != null; taken++) {
            withdraw(connection);
            helper.charge(costs.eventNanos());
            sink.ready(connection);
        }
        return taken;
    }

    /** Waits until {@link #announce} or {@link #wake}. */
    private void block(long timeoutNanos) {
        blocked = true;
        blockedSince = local;
        if (timeoutNanos < Long.MAX_VALUE - local - costs.wakeSleepNanos()) {
            wheel.schedule(id, local + timeoutNanos + latency(timeoutNanos));
        }
        Coroutine.suspend();
    }

    /** Waits until {@link #wake}, which may have come already. */
    void block() {
        if (!token) block(Long.MAX_VALUE);
        token = false;
    }

    /** Has this hart, which waits and has its CPU, go on at once and for nothing. */
    void goOn() {
        token = true;
        wheel.schedule(id, simulation.now);
    }

    /** Makes this hart come back from waiting, now or the next time; called on another hart, which pays for it. Null if on none. */
    void wake(Hart waker) {
        if (waker == null) { // somebody who is none of the harts
            token = true;
            if (blocked) comeBack(simulation.now);
            return;
        }
        waker.charge(costs.wakeCallNanos());
        token = true;
        if (blocked) comeBack(waker.local);
        waker.pause();
    }

    /** As {@link #wake}, by the kernel for what has come in over a connection. */
    void rouse(Connection connection) {
        token = true;
        if (blocked) rouseFor(connection);
    }

    private void comeBack(long time) {
        long latency = latency(time - blockedSince);
        long at = Math.max(time, blockedSince) + latency;
        if (lost) {
            if (remaining < 0) delayedSince = simulation.now;
            if (remaining < 0 || remaining > latency) remaining = latency;
        } else if (!wheel.isPending(id)) {
            wheel.schedule(id, at);
        } else if (wheel.timeOf(id) > at) {
            wheel.cancel(id);
            wheel.schedule(id, at);
        }
    }

    private long latency(long idleNanos) { return idleNanos > costs.spinNanos() ? costs.wakeSleepNanos() : costs.wakeSpinNanos(); }

    // ------------------------------------------------------------------------------------------------------------ loss of the CPU

    /** The CPU is taken away: what runs stands still. */
    void lose() {
        lost = true;
        remaining = wheel.isPending(id) ? wheel.timeOf(id) - simulation.now : -1;
        wheel.cancel(id);
        lostSince = delayedSince = simulation.now;
    }

    /** Returns for how long the CPU has been away since the beginning. */
    long lostNanos() { return lost ? lostNanos + simulation.now - lostSince : lostNanos; }

    /** Returns for how long what runs here has waited for the CPU, as the kernel counts it: run delay. */
    long delayNanos() { return lost && remaining >= 0 ? delayNanos + simulation.now - delayedSince : delayNanos; }

    /** The CPU is given back. */
    void giveBack() {
        lostNanos = lostNanos();
        delayNanos = delayNanos();
        lost = false;
        if (remaining >= 0) wheel.schedule(id, simulation.now + remaining);
        remaining = -1;
    }

    @Override public String toString() { return "hart " + id; }
}
