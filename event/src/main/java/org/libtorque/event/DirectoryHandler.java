package org.libtorque.event;

import java.io.IOException;
import java.util.List;

/** Shown what a {@link DirectoryWalk} finds. All calls are tasks of the walk's colour. */
public interface DirectoryHandler {
    /**
     * Some entries of one directory, in no order. A directory's own entries come before those of the directories in it.
     *
     * @param walk    which
     * @param entries at least one; the list is the handler's to keep
     * @throws Exception anything; ends the walk, which {@link #onEnd} is told too
     */
    void onEntries(DirectoryWalk walk, List<DirectoryEntry> entries) throws Exception;

    /**
     * A directory below the one that the walk began at could not be read, or not to its end: it is gone, or not allowed. The walk goes on. The default does nothing.
     *
     * @param walk      which
     * @param directory its path below the start
     * @param why       names path and errno
     * @throws Exception anything; ends the walk
     */
    default void onUnreadable(DirectoryWalk walk, byte[] directory, IOException why) throws Exception {}

    /**
     * All has been shown, or the walk cannot go on. Called once, unless the walk was closed before.
     *
     * @param walk    which
     * @param failure null if all was shown; else why the start could not be opened, or what a handler threw
     * @throws Exception anything; goes to the failure handler
     */
    void onEnd(DirectoryWalk walk, Throwable failure) throws Exception;
}
