package org.libtorque.event;

import java.time.Instant;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;

/**
 * What the kernel says of a file (statx(2)).
 *
 * @param type        what it is
 * @param permissions the lower twelve bits of its mode
 * @param links       how many names it has
 * @param user        number of its owner
 * @param group       number of its group
 * @param inode       its number on its device
 * @param device      the device that it is on, major number in the upper half
 * @param size        bytes
 * @param allocated   bytes that it takes on its device
 * @param accessed    when it was last read, as far as the file system notes that
 * @param modified    when its content last changed
 * @param changed     when it, or what is said here, last changed
 * @param created     when it was made; null if the file system does not know
 */
public record FileStatus(FileType type, int permissions, int links, int user, int group, long inode, long device, long size, long allocated, Instant accessed, Instant modified,
                         Instant changed, Instant created) {
    static FileStatus at(long statx) {
        int mode = Short.toUnsignedInt(NativeMemory.getShort(statx + Files.Statx.STX_MODE));
        boolean hasBirth = (NativeMemory.getInt(statx + Files.Statx.STX_MASK) & Files.STATX_BTIME) != 0;
        return new FileStatus(FileType.ofMode(mode), mode & 07777, NativeMemory.getInt(statx + Files.Statx.STX_NLINK), NativeMemory.getInt(statx + Files.Statx.STX_UID),
                NativeMemory.getInt(statx + Files.Statx.STX_GID), NativeMemory.getLong(statx + Files.Statx.STX_INO),
                (long) NativeMemory.getInt(statx + Files.Statx.STX_DEV_MAJOR) << 32 | Integer.toUnsignedLong(NativeMemory.getInt(statx + Files.Statx.STX_DEV_MINOR)),
                NativeMemory.getLong(statx + Files.Statx.STX_SIZE), 512 * NativeMemory.getLong(statx + Files.Statx.STX_BLOCKS), time(statx + Files.Statx.STX_ATIME),
                time(statx + Files.Statx.STX_MTIME), time(statx + Files.Statx.STX_CTIME), hasBirth ? time(statx + Files.Statx.STX_BTIME) : null);
    }

    private static Instant time(long timestamp) {
        return Instant.ofEpochSecond(NativeMemory.getLong(timestamp + Files.StatxTimestamp.TV_SEC), NativeMemory.getInt(timestamp + Files.StatxTimestamp.TV_NSEC));
    }
}
