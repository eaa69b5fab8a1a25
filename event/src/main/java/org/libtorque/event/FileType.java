package org.libtorque.event;

import org.libtorque.sys.Files;

/** What a name in a directory stands for. */
public enum FileType {
    /** A file with bytes in it. */
    REGULAR,
    /** A directory. */
    DIRECTORY,
    /** A symbolic link. */
    LINK,
    /** A block device. */
    BLOCK_DEVICE,
    /** A character device. */
    CHARACTER_DEVICE,
    /** A named pipe. */
    PIPE,
    /** A Unix socket. */
    SOCKET,
    /** Something else, or it was gone before it could be looked at. */
    UNKNOWN;

    /** Of a mode's {@code S_IF*}. */
    static FileType ofMode(int mode) {
        return switch (mode & Files.S_IFMT) {
            case Files.S_IFREG -> REGULAR;
            case Files.S_IFDIR -> DIRECTORY;
            case Files.S_IFLNK -> LINK;
            case Files.S_IFBLK -> BLOCK_DEVICE;
            case Files.S_IFCHR -> CHARACTER_DEVICE;
            case Files.S_IFIFO -> PIPE;
            case Files.S_IFSOCK -> SOCKET;
            default -> UNKNOWN;
        };
    }

    /** Of a directory entry's {@code DT_*}, which are the same bits shifted. */
    static FileType ofEntry(int type) { return ofMode(type << 12); }
}
