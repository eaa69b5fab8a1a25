package org.libtorque.event;

/** Called with changes of files and directories. */
@FunctionalInterface
public interface PathHandler {
    /**
     * @param change what happened; until {@link #onComplete} the first time, what was {@linkplain PathChange.What#FOUND found} too
     * @throws Exception anything; goes to the failure handler, and the next change comes
     */
    void onChange(PathChange change) throws Exception;

    /**
     * Everything that there is has been told: once after the beginning, and once after each {@link #onLost}.
     *
     * @throws Exception anything; goes to the failure handler
     */
    default void onComplete() throws Exception { }

    /**
     * There were more changes than the kernel keeps ({@code fs.inotify.max_queued_events}). Everything is now looked at again, and the differences to what was told come as
     * changes: where something changed several times, only the outcome; what was renamed, as deleted and created; a file that was modified, perhaps a second time.
     *
     * @throws Exception anything; goes to the failure handler
     */
    default void onLost() throws Exception { }
}
