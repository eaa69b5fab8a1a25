package org.libtorque.event;

import java.nio.file.Path;

/**
 * A change of a file or directory.
 *
 * @param what      what happened
 * @param path      to what, as it is called now; below the path that was asked for, and beginning with that as it was given
 * @param from      what it was called before; null unless {@link What#RENAMED}
 * @param directory whether it is a directory
 */
public record PathChange(What what, Path path, Path from, boolean directory) {
    /** What can happen. */
    public enum What {
        /** It was there when watching began. */
        FOUND,
        /** It has come: was made, or moved here from a place that is not watched. Of a directory, what it has in it is told too. */
        CREATED,
        /** Its contents have changed; several such in a row may be one. */
        MODIFIED,
        /** Somebody who could write to it has closed it: what was written is complete, as far as that one goes. */
        WRITTEN,
        /** Its owner, permissions, times or number of names have changed. */
        ATTRIBUTES,
        /** It is called {@code path} now and was called {@code from}; of a directory, so is everything in it. What was called {@code path} before was told as deleted. */
        RENAMED,
        /** It has gone: was deleted, or moved to a place that is not watched. Of a directory, what was in it was told before. */
        DELETED
    }
}
