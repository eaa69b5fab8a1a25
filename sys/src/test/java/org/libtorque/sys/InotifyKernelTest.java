package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InotifyKernelTest extends KernelFixture {
    @Test
    void changesOfADirectoryAreReportedWithNames(@TempDir Path directory) throws Exception {
        int fd = fd(Inotify.init1(errno, Inotify.IN_NONBLOCK | Inotify.IN_CLOEXEC));
        int mask = Inotify.IN_CREATE | Inotify.IN_DELETE | Inotify.IN_MOVE | Inotify.IN_CLOSE_WRITE;
        long path = memory(directory.toString());
        int wd = ok(Inotify.addWatch(errno, fd, path, mask | Inotify.IN_ONLYDIR));
        assertEquals(wd, Inotify.addWatch(errno, fd, path, mask));
        fails(Errno.EEXIST, Inotify.addWatch(errno, fd, path, mask | Inotify.IN_MASK_CREATE));
        long room = Inotify.Event.MAX_SIZE;
        fails(Errno.EAGAIN, org.libtorque.sys.Files.read(errno, fd, memory(room), room));

        Files.writeString(directory.resolve("a"), "x");
        Files.createDirectory(directory.resolve("sub"));
        Files.move(directory.resolve("a"), directory.resolve("b"));
        Files.delete(directory.resolve("b"));
        assertEquals(List.of("CREATE a", "CLOSE_WRITE a", "CREATE ISDIR sub", "MOVED_FROM a", "MOVED_TO b", "DELETE b"),
                read(fd, wd));

        ok(Inotify.rmWatch(errno, fd, wd));
        assertEquals(List.of("IGNORED "), read(fd, wd));
        fails(Errno.EINVAL, Inotify.rmWatch(errno, fd, wd));
        fails(Errno.ENOENT, Inotify.addWatch(errno, fd, memory(directory + "/nowhere"), mask));
    }

    private List<String> read(int fd, int wd) {
        long buffer = memory(4096);
        long n = ok(org.libtorque.sys.Files.read(errno, fd, buffer, 4096));
        var events = new ArrayList<String>();
        int cookie = 0;
        for (long at = buffer; at < buffer + n; ) {
            assertEquals(wd, NativeMemory.getInt(at + Inotify.Event.WD));
            int mask = NativeMemory.getInt(at + Inotify.Event.MASK);
            int length = NativeMemory.getInt(at + Inotify.Event.LEN);
            if ((mask & Inotify.IN_MOVED_FROM) != 0) cookie = NativeMemory.getInt(at + Inotify.Event.COOKIE);
            if ((mask & Inotify.IN_MOVED_TO) != 0) assertEquals(cookie, NativeMemory.getInt(at + Inotify.Event.COOKIE));
            events.add(name(mask) + " " + CStrings.get(at + Inotify.Event.NAME, length));
            at += Inotify.Event.SIZE + length;
        }
        assertTrue(events.stream().noneMatch(event -> event.startsWith("MOVED")) || cookie != 0);
        return events;
    }

    private static String name(int mask) {
        String directory = (mask & Inotify.IN_ISDIR) != 0 ? " ISDIR" : "";
        return switch (mask & ~Inotify.IN_ISDIR) {
            case Inotify.IN_CREATE -> "CREATE";
            case Inotify.IN_DELETE -> "DELETE";
            case Inotify.IN_MOVED_FROM -> "MOVED_FROM";
            case Inotify.IN_MOVED_TO -> "MOVED_TO";
            case Inotify.IN_CLOSE_WRITE -> "CLOSE_WRITE";
            case Inotify.IN_IGNORED -> "IGNORED";
            default -> Integer.toHexString(mask);
        } + directory;
    }
}
