package org.libtorque.event;

/**
 * A change of the network.
 *
 * @param what   what happened
 * @param object as it is now; as it was, if it is {@link What#REMOVED}
 * @param before as it was before; null unless {@link What#CHANGED}
 */
public record NetworkChange(What what, NetworkObject object, NetworkObject before) {
    /** What can happen. */
    public enum What {
        /** It was there when watching began. */
        FOUND,
        /** It has come. */
        ADDED,
        /** Something about it is different. */
        CHANGED,
        /** It has gone. */
        REMOVED
    }
}
