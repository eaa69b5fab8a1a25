package org.libtorque.event;

import java.util.ArrayList;
import java.util.List;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;

/**
 * A name in a directory.
 *
 * @param pathBytes the path below the directory that the walk began at, as the file system has it: names are bytes, and need not be text. Not to be changed
 * @param type      what it was when it was looked at
 * @param inode     its number on its device
 * @param depth     1 for the entries of the directory that the walk began at
 */
public record DirectoryEntry(byte[] pathBytes, FileType type, long inode, int depth) {
    /** Returns the path as text; what is not valid in the file system's encoding is replaced. */
    public String path() { return FileName.text(pathBytes); }

    /** Returns the last part of the path as text. */
    public String name() {
        int from = pathBytes.length;
        while (from > 0 && pathBytes[from - 1] != '/') from--;
        return new String(pathBytes, from, pathBytes.length - from, java.nio.charset.StandardCharsets.UTF_8);
    }

    @Override public boolean equals(Object other) {
        return other instanceof DirectoryEntry e && java.util.Arrays.equals(pathBytes, e.pathBytes) && type == e.type && inode == e.inode && depth == e.depth;
    }

    @Override public int hashCode() { return java.util.Arrays.hashCode(pathBytes) * 31 + Long.hashCode(inode); }

    @Override public String toString() { return path() + " (" + type + ")"; }

    /** Makes entries of what getdents64 has filled, but for {@code .} and {@code ..}. */
    static List<DirectoryEntry> parse(long address, int length, byte[] directory, int depth) {
        List<DirectoryEntry> entries = new ArrayList<>();
        for (long at = address; at < address + length; at = next(at)) {
            int nameLength = nameLength(at);
            if (isDots(at, nameLength)) continue;
            int before = directory.length == 0 ? 0 : directory.length + 1;
            byte[] path = new byte[before + nameLength];
            if (before > 0) {
                System.arraycopy(directory, 0, path, 0, directory.length);
                path[directory.length] = '/';
            }
            NativeMemory.copy(at + Files.Dirent64.D_NAME, path, before, nameLength);
            entries.add(new DirectoryEntry(path, FileType.ofEntry(NativeMemory.getByte(at + Files.Dirent64.D_TYPE)),
                    NativeMemory.getLong(at + Files.Dirent64.D_INO), depth));
        }
        return entries;
    }

    private static long next(long at) { return at + Short.toUnsignedInt(NativeMemory.getShort(at + Files.Dirent64.D_RECLEN)); }

    private static int nameLength(long at) {
        int n = 0;
        while (NativeMemory.getByte(at + Files.Dirent64.D_NAME + n) != 0) n++;
        return n;
    }

    private static boolean isDots(long at, int nameLength) {
        long name = at + Files.Dirent64.D_NAME;
        return NativeMemory.getByte(name) == '.' && (nameLength == 1 || nameLength == 2 && NativeMemory.getByte(name + 1) == '.');
    }

    /** Asks for the types that the file system has left out. On a thread that may wait. */
    static void findTypes(int directory, long address, int length) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            long statx = 0;
            for (long at = address; at < address + length; at = next(at)) {
                if (NativeMemory.getByte(at + Files.Dirent64.D_TYPE) != Files.DT_UNKNOWN) continue;
                if (statx == 0) statx = arena.allocate(Files.Statx.SIZE, 8).address();
                int result;
                do result = Files.statx(ErrnoSlot.current(), directory, at + Files.Dirent64.D_NAME, Files.AT_SYMLINK_NOFOLLOW, Files.STATX_TYPE, statx);
                while (result == -Errno.EINTR);
                if (result < 0) continue; // gone again
                int mode = Short.toUnsignedInt(NativeMemory.getShort(statx + Files.Statx.STX_MODE));
                NativeMemory.putByte(at + Files.Dirent64.D_TYPE, (byte) ((mode & Files.S_IFMT) >>> 12));
            }
        }
    }
}
