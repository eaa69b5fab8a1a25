package org.libtorque.event;

/** How much of a path is watched. */
public enum PathScope {
    /** What has this name, whatever it is and whether or not it exists now; the directory that it is in must exist. A file that is replaced by another under its name goes on being watched. */
    NAME,
    /** The entries of a directory. */
    DIRECTORY,
    /** The entries of a directory and of all directories in it, those that come later included. Symbolic links are not followed. */
    TREE
}
