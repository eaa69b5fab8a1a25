package org.libtorque.event;

/**
 * One event, as it lies in an {@link EventRing}.
 *
 * @param tag   what the {@link RingPort} was made with
 * @param event what happened: a {@link SignalInfo}, {@link PathChange}, {@link NetworkChange}, {@link Pressure}, {@link CounterChange}, {@link ClockChange},
 *              {@link ProcessExit} or {@link Readiness}; a {@link FileOperation} that is done; a {@link Mark}; the payload of a {@link Condition} or {@link Mailbox};
 *              null of a timer and of an {@link EventCounter}
 * @param count how many events this is: of a timer its expiries, of a counter what was added, of pressure how often it was reported; 1 of everything else
 */
public record RingEvent(Object tag, Object event, long count) {
    /** What a source says of its events as a whole. */
    public enum Mark {
        /** Everything that there is has been told: {@link PathHandler#onComplete}, {@link NetworkHandler#onComplete}. */
        COMPLETE,
        /** The kernel has lost changes, and the differences are going to be told: {@link PathHandler#onLost}, {@link NetworkHandler#onLost}. */
        LOST
    }

    /**
     * A process has ended.
     *
     * @param pid    which
     * @param status how
     */
    public record ProcessExit(int pid, ExitStatus status) {}

    /**
     * A descriptor is ready.
     *
     * @param fd    which
     * @param ready bits of {@link Watch#READABLE}, {@link Watch#WRITABLE}, {@link Watch#PRIORITY} and {@link Watch#HANG_UP}
     */
    public record Readiness(int fd, int ready) {}
}
