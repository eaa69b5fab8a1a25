package org.libtorque.bench;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;

/** What the kernel keeps of files in memory. */
final class PageCache {
    private PageCache() {}

    /** Has the kernel forget the bytes of files, as far as they are written back and nobody has them mapped. Their names and inodes stay known. */
    static void evict(List<Path> files) {
        try (Arena arena = Arena.ofConfined()) {
            ErrnoSlot errno = ErrnoSlot.current();
            for (Path file : files) {
                int fd = Files.open(errno, CStrings.allocate(file.toString(), arena), Files.O_RDONLY | Files.O_CLOEXEC, 0);
                Files.fadvise(errno, fd, 0, 0, Files.POSIX_FADV_DONTNEED);
                Files.close(errno, fd);
            }
        }
    }
}
