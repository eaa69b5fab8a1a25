package org.libtorque.event;

/** Called with what the network consists of, and with changes. */
@FunctionalInterface
public interface NetworkHandler {
    /**
     * @param change what happened; until {@link #onComplete} the first time, what was {@linkplain NetworkChange.What#FOUND found}
     * @throws Exception anything; goes to the failure handler, and the next change comes
     */
    void onChange(NetworkChange change) throws Exception;

    /**
     * Everything that there is has been told: once after the beginning, and once after each {@link #onLost}.
     *
     * @throws Exception anything; goes to the failure handler
     */
    default void onComplete() throws Exception { }

    /**
     * There were more changes than the kernel keeps. Everything is now asked for again, and the differences to what was told come as changes: where something changed
     * several times, only the outcome.
     *
     * @throws Exception anything; goes to the failure handler
     */
    default void onLost() throws Exception { }
}
