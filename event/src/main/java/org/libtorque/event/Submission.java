package org.libtorque.event;

/**
 * What has become of something that was {@linkplain EventRing#submit submitted}: it is done, or it is under way.
 *
 * @param result       the event, if it was done at once; it does not come into the ring then. Else null
 * @param registration what may be closed to cancel it, if it is under way. Else null
 */
public record Submission(RingEvent result, Registration registration) {
    /** Tells whether it was done at once. */
    public boolean isDone() { return registration == null; }
}
