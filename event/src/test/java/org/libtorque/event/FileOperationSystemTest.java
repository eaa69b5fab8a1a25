package org.libtorque.event;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.sys.Errno;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.Placement;
import org.libtorque.vcore.Vcore;

/** Every operation on files, its errors, and what becomes of it when things are closed, cancelled or moved meanwhile. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class FileOperationSystemTest extends FileTest {

    // ------------------------------------------------------------------------------------------------------------ what they do

    @Test void aFileIsMadeWrittenSyncedReadCutAndClosed() throws IOException {
        AsyncFile file = open(name("f"), READ, WRITE, CREATE_NEW);
        assertEquals(11, run((o, h) -> o.write(file, text("hello world"), 0, h)).count());
        assertEquals(5, run((o, h) -> o.write(file, text("WORLD"), 6, h)).count());
        assertEquals(0, run((o, h) -> o.sync(file, true, h)).count());
        run((o, h) -> o.sync(file, false, h)).check();
        MemorySegment target = arena.allocate(100);
        assertEquals(11, run((o, h) -> o.read(file, target, 0, h)).count());
        assertEquals("hello WORLD", text(target, 11));
        assertEquals(3, run((o, h) -> o.read(file, target.asSlice(0, 3), 4, h)).count());
        assertEquals("o W", text(target, 3));
        assertEquals(0, run((o, h) -> o.read(file, target, 11, h)).count(), "the end");
        assertEquals(0, run((o, h) -> o.read(file, target, 1000, h)).count(), "behind the end");
        assertEquals(0, run((o, h) -> o.read(file, target.asSlice(0, 0), 0, h)).count());
        run((o, h) -> o.truncate(file, 5, h)).check();
        assertEquals(5, Files.size(directory.resolve("f")));
        run((o, h) -> o.truncate(file, 1 << 20, h)).check();
        assertEquals(1 << 20, run((o, h) -> o.status(file, h)).status().size());
        run((o, h) -> o.close(file, h)).check();
        assertFalse(file.isOpen());
        assertEquals(Errno.EBADF, run((o, h) -> o.close(file, h)).errno());
    }

    @Test void theSameFromAVcore() throws IOException {
        AsyncFile file = runOnVcore((o, h) -> o.open(name("f"), h, READ, WRITE, CREATE)).file();
        assertEquals(5, runOnVcore((o, h) -> o.write(file, text("hello"), 0, h)).count());
        MemorySegment target = arena.allocate(100);
        assertEquals(5, runOnVcore((o, h) -> o.read(file, target, 0, h)).count());
        assertEquals("hello", text(target, 5));
        assertEquals(2, runOnVcore((o, h) -> o.read(file, target, 3, h)).count());
        runOnVcore((o, h) -> o.close(file, h)).check();
    }

    @Test void severalSegmentsAreWrittenAndReadAsOne() throws IOException {
        try (AsyncFile file = open(name("f"), READ, WRITE, CREATE)) {
            assertEquals(9, run((o, h) -> o.write(file, new MemorySegment[] {text("abc"), text(""), text("defghi")}, 2, h)).count());
            MemorySegment first = arena.allocate(4);
            MemorySegment second = arena.allocate(100);
            assertEquals(11, runOnVcore((o, h) -> o.read(file, new MemorySegment[] {first, second}, 0, h)).count());
            assertEquals("\0\0ab", text(first, 4));
            assertEquals("cdefghi", text(second, 7));
            assertEquals(0, run((o, h) -> o.read(file, new MemorySegment[0], 0, h)).count());
            var many = new MemorySegment[512];
            for (int i = 0; i < many.length; i++) many[i] = text("x");
            assertEquals(512, run((o, h) -> o.write(file, many, 0, h)).count());
            assertThrows(IllegalArgumentException.class, () -> torque().files().operation(torque().newColor()).write(file, new MemorySegment[513], 0, o -> { }));
        }
    }

    @Test void aBufferThatTheKernelKnowsIsReadIntoAndWrittenFrom() throws IOException {
        AsyncFile file = open(name("f"), READ, WRITE, CREATE);
        FileBuffer buffer = torque().files().buffer(10_000);
        assertEquals(10_000, buffer.byteSize());
        buffer.segment().asSlice(5_000, 5).copyFrom(text("fixed"));
        assertEquals(5, runOnVcore((o, h) -> o.write(file, buffer, 5_000, 5, 1, h)).count());
        assertEquals(6, runOnVcore((o, h) -> o.read(file, buffer, 9_000, 1_000, 0, h)).count());
        assertEquals("\0fixed", text(buffer.segment().asSlice(9_000), 6));
        assertThrows(IndexOutOfBoundsException.class, () -> torque().files().operation(torque().newColor()).read(file, buffer, 9_000, 1_001, 0, o -> { }));
        buffer.close();
        assertThrows(IllegalStateException.class, buffer::segment);
        assertThrows(IllegalStateException.class, () -> torque().files().operation(torque().newColor()).read(file, buffer, 0, 1, 0, o -> { }));
        file.close();
    }

    @Test void thereAreSixtyFourBuffersAndEachCanBeHadAgain() {
        List<FileBuffer> all = new ArrayList<>();
        repeat(64, i -> all.add(torque().files().buffer(1)));
        assertThrows(IllegalStateException.class, () -> torque().files().buffer(1));
        assertThrows(IllegalArgumentException.class, () -> torque().files().buffer(0));
        all.forEach(FileBuffer::close);
        Eventually.await("one is free again", () -> {
            try {
                torque().files().buffer(1).close();
                return true;
            } catch (IllegalStateException e) {
                return false;
            }
        });
    }

    @Test void appendingGoesToTheEnd() throws IOException {
        Files.writeString(directory.resolve("f"), "abc");
        try (AsyncFile file = open(name("f"), APPEND)) {
            assertEquals(3, run((o, h) -> o.write(file, text("def"), 0, h)).count());
        }
        Eventually.await("it is written", () -> read("f").equals("abcdef"));
        open(name("f"), WRITE, TRUNCATE_EXISTING).close();
        assertEquals(0, Files.size(directory.resolve("f")));
    }

    private String read(String name) {
        try {
            return Files.readString(directory.resolve(name));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test void namesAreGivenChangedAndTaken() throws IOException {
        run((o, h) -> o.makeDirectory(name("d"), 0750, h)).check();
        assertEquals("rwxr-x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("d"))));
        open(name("d/a"), WRITE, CREATE).close();
        run((o, h) -> o.rename(name("d/a"), name("d/b"), h)).check();
        assertTrue(Files.exists(directory.resolve("d/b")));
        FileStatus status = run((o, h) -> o.status(name("d/b"), true, h)).status();
        assertEquals(FileType.REGULAR, status.type());
        assertEquals(Errno.ENOTEMPTY, run((o, h) -> o.deleteDirectory(name("d"), h)).errno());
        assertEquals(Errno.EISDIR, run((o, h) -> o.delete(name("d"), h)).errno());
        run((o, h) -> o.delete(name("d/b"), h)).check();
        run((o, h) -> o.deleteDirectory(name("d"), h)).check();
        assertFalse(Files.exists(directory.resolve("d")));
    }

    @Test void statusTellsWhatTheJdkTells() throws IOException {
        Path path = Files.write(directory.resolve("f"), new byte[12_345]);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r-----"));
        Files.setLastModifiedTime(path, FileTime.fromMillis(1_234_567_890_123L));
        Files.createLink(directory.resolve("g"), path);
        Files.createSymbolicLink(directory.resolve("link"), path);
        FileStatus status = run((o, h) -> o.status(name("link"), true, h)).status();
        assertEquals(12_345, status.size());
        assertEquals(0640, status.permissions());
        assertEquals(2, status.links());
        assertEquals(1_234_567_890_123L, status.modified().toEpochMilli());
        assertEquals(((Number) Files.getAttribute(path, "unix:ino")).longValue(), status.inode());
        assertEquals(Files.getAttribute(path, "unix:uid"), status.user());
        assertTrue(status.allocated() >= 12_345 / 4096 * 4096);
        assertEquals(FileType.LINK, run((o, h) -> o.status(name("link"), false, h)).status().type());
        assertEquals(FileType.DIRECTORY, run((o, h) -> o.status(name("."), true, h)).status().type());
        assertEquals(FileType.CHARACTER_DEVICE, run((o, h) -> o.status(FileName.of(Path.of("/dev/null")), true, h)).status().type());
    }

    // ----------------------------------------------------------------------------------------------------------- below a root

    @Test void belowARootEverythingStaysThere() throws IOException {
        Path inside = Files.createDirectories(directory.resolve("root/sub")).getParent();
        Files.writeString(directory.resolve("secret"), "secret");
        Files.createSymbolicLink(inside.resolve("out"), Path.of("../secret"));
        Files.createSymbolicLink(inside.resolve("up"), Path.of(".."));
        try (FileRoot root = FileRoot.open(inside)) {
            open(root.file("sub/f"), WRITE, CREATE).close();
            assertTrue(Files.exists(inside.resolve("sub/f")));
            run((o, h) -> o.makeDirectory(root.file("sub/deep/"), 0700, h)).check();
            run((o, h) -> o.rename(root.file("sub/f"), root.file("sub/deep/g"), h)).check();
            run((o, h) -> o.rename(root.file("sub/deep/g"), root.file("h"), h)).check();
            assertEquals(FileType.REGULAR, run((o, h) -> o.status(root.file("h"), true, h)).status().type());
            run((o, h) -> o.delete(root.file("h"), h)).check();
            run((o, h) -> o.deleteDirectory(root.file("sub/deep"), h)).check();
            assertEquals(inside.toString(), root.path().toString());
            assertEquals(FileType.DIRECTORY, run((o, h) -> o.status(root.file(""), true, h)).status().type());

            for (String outside : new String[] {"../secret", "/etc/passwd", "out", "sub/../../secret", "up/secret"}) {
                assertEquals(Errno.EXDEV, run((o, h) -> o.open(root.file(outside), h)).errno(), outside);
                assertEquals(Errno.EXDEV, run((o, h) -> o.status(root.file(outside), true, h)).errno(), outside);
                if (outside.equals("out")) continue; // the link itself is inside, and may go
                assertEquals(Errno.EXDEV, run((o, h) -> o.delete(root.file(outside), h)).errno(), outside);
                assertEquals(Errno.EXDEV, run((o, h) -> o.makeDirectory(root.file(outside + "x"), 0700, h)).errno(), outside);
                assertEquals(Errno.EXDEV, run((o, h) -> o.rename(root.file("sub"), root.file(outside), h)).errno(), outside);
                assertEquals(Errno.EXDEV, run((o, h) -> o.rename(root.file(outside), root.file("sub/x"), h)).errno(), outside);
            }
            assertEquals(Errno.EXDEV, run((o, h) -> o.status(root.file(".."), true, h)).errno());
            for (String noName : new String[] {"..", ".", "sub/..", "sub/.", "", "/"}) {
                assertEquals(Errno.EINVAL, run((o, h) -> o.deleteDirectory(root.file(noName), h)).errno(), noName);
                assertEquals(Errno.EINVAL, run((o, h) -> o.rename(root.file("sub"), root.file(noName), h)).errno(), noName);
            }
            assertEquals(FileType.LINK, run((o, h) -> o.status(root.file("out"), false, h)).status().type());
            run((o, h) -> o.delete(root.file("out"), h)).check();
        }
        assertEquals("secret", Files.readString(directory.resolve("secret")));
    }

    @Test void aRootThatIsClosedRefusesAndOneInUseWaits() throws IOException {
        FileRoot root = FileRoot.open(directory);
        assertTrue(root.uses().use());
        root.close();
        assertEquals(Errno.EBADF, run((o, h) -> o.open(root.file("x"), h)).errno());
        assertEquals(FileType.DIRECTORY, run((o, h) -> o.status(FileName.of(Path.of("/proc/self/fd/" + root.fd())), true, h)).status().type(), "still open");
        root.uses().done();
    }

    @Test void namesMayBeOfAnyBytes() throws IOException {
        try (FileRoot root = FileRoot.open(directory)) {
            byte[][] names = {"ä€😀".getBytes(StandardCharsets.UTF_8), {(byte) 0xff, (byte) 0xfe}, "new\nline".getBytes(StandardCharsets.UTF_8), " ".getBytes(StandardCharsets.UTF_8),
                    "-rf *".getBytes(StandardCharsets.UTF_8), "\"'\\`$(x)".getBytes(StandardCharsets.UTF_8), "...".getBytes(StandardCharsets.UTF_8), {1, 127}};
            for (byte[] odd : names) {
                FileName name = root.file(odd);
                open(name, WRITE, CREATE_NEW).close();
                assertEquals(FileType.REGULAR, run((o, h) -> o.status(name, true, h)).status().type());
                assertInstanceOf(FileAlreadyExistsException.class, run((o, h) -> o.open(name, h, WRITE, CREATE_NEW)).failure());
                run((o, h) -> o.delete(name, h)).check();
            }
            assertThrows(IllegalArgumentException.class, () -> root.file(new byte[] {'a', 0}));
            assertThrows(IllegalArgumentException.class, () -> root.file(new byte[4096]));
            assertEquals(Errno.ENAMETOOLONG, run((o, h) -> o.open(root.file("x".repeat(300)), h)).errno());
            assertEquals(Errno.ENOENT, run((o, h) -> o.open(root.file("x/".repeat(2047)), h)).errno());
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ errors

    @Test void failuresNameThePathTheCallAndTheErrno() throws IOException {
        Path missing = directory.resolve("missing");
        FileOperation opening = run((o, h) -> o.open(FileName.of(missing), h));
        var e = assertInstanceOf(NoSuchFileException.class, opening.failure());
        assertEquals(missing.toString(), e.getFile());
        assertTrue(e.getReason().startsWith("openat2: ENOENT"), e.getReason());
        assertEquals(Errno.ENOENT, opening.errno());
        assertThrows(NoSuchFileException.class, opening::file);
        assertThrows(NoSuchFileException.class, opening::count);
        assertThrows(NoSuchFileException.class, opening::status);
        assertThrows(NoSuchFileException.class, opening::check);

        Files.createDirectory(directory.resolve("d"));
        var exists = run((o, h) -> o.makeDirectory(name("d"), 0700, h)).failure();
        assertInstanceOf(FileAlreadyExistsException.class, exists);
        var moved = assertInstanceOf(NoSuchFileException.class, run((o, h) -> o.rename(name("nothing"), name("else"), h)).failure());
        assertEquals(directory.resolve("else").toString(), moved.getOtherFile());
        Files.createDirectory(directory.resolve("sticky"));
        try (AsyncFile sticky = open(name("sticky"))) { // what may not be, not even for root: writing to a directory
            assertEquals(Errno.EISDIR, run((o, h) -> o.open(name("sticky"), h, WRITE)).errno());
            assertTrue(sticky.isOpen());
        }
        torque().files().inject((kind, result) -> kind == FileCall.Kind.OPEN ? -Errno.EACCES : result);
        assertInstanceOf(AccessDeniedException.class, run((o, h) -> o.open(name("nothing"), h)).failure());
        torque().files().inject((kind, result) -> result);

        try (AsyncFile d = open(name("d"))) {
            var reading = run((o, h) -> o.read(d, arena.allocate(8), 0, h)).failure();
            assertTrue(reading.getMessage().contains("EISDIR") && reading.getMessage().contains(directory.resolve("d").toString()), reading.getMessage());
        }
        Files.writeString(directory.resolve("f"), "x");
        try (AsyncFile f = open(name("f"))) {
            assertEquals(Errno.EBADF, run((o, h) -> o.write(f, text("x"), 0, h)).errno(), "not open for writing");
            assertEquals(Errno.EINVAL, run((o, h) -> o.truncate(f, 0, h)).errno());
            assertThrows(IllegalStateException.class, () -> run((o, h) -> o.read(f, arena.allocate(1), 0, h)).file());
        }
        assertEquals(Errno.ENOTDIR, run((o, h) -> o.open(name("f/x"), h)).errno());
        Files.createSymbolicLink(directory.resolve("link"), Path.of("f"));
        assertEquals(Errno.ELOOP, run((o, h) -> o.open(name("link"), h, READ, LinkOption.NOFOLLOW_LINKS)).errno());
    }

    @Test void whatTheCallerDoesWrongIsThrown() throws IOException {
        Files.writeString(directory.resolve("f"), "x");
        FileOperation operation = torque().files().operation(torque().newColor());
        try (AsyncFile file = open(name("f"))) {
            assertThrows(IllegalArgumentException.class, () -> operation.read(file, MemorySegment.ofArray(new byte[8]), 0, o -> { }));
            assertThrows(IllegalArgumentException.class, () -> operation.read(file, arena.allocate(8).asReadOnly(), 0, o -> { }));
            assertThrows(IllegalArgumentException.class, () -> operation.read(file, arena.allocate(8), -1, o -> { }));
            assertThrows(IllegalArgumentException.class, () -> operation.truncate(file, -1, o -> { }));
            assertThrows(NullPointerException.class, () -> operation.read(file, arena.allocate(8), 0, null));
            assertThrows(IllegalArgumentException.class, () -> operation.open(name("g"), o -> { }, CREATE));
            assertThrows(UnsupportedOperationException.class, () -> operation.open(name("g"), o -> { }, WRITE, DELETE_ON_CLOSE));
            assertFalse(operation.isInFlight());
            operation.read(file, arena.allocate(8), 0, o -> { });
            Eventually.await("it is done", () -> !operation.isInFlight());
        }
    }

    @Test void anOperationIsForOneThingAtATime() throws IOException {
        open(options().withFileThreads(1, 10));
        Files.writeString(directory.resolve("f"), "x");
        var gate = holdPool(1);
        Color color = torque().newColor();
        try (FileRoot root = FileRoot.open(directory)) {
            var walk = torque().files().operation(color); // listing is the pool's on both backends
            AsyncFile d = open(root.file(""));
            var done = new CompletableFuture<FileOperation>();
            walk.list(d, arena.allocate(1000).address(), 1000, done::complete);
            Eventually.await("it waits", () -> torque().files().pool().state()[1] == 1);
            assertTrue(walk.isInFlight());
            assertThrows(IllegalStateException.class, () -> walk.list(d, 0, 0, o -> { }));
            gate.complete(null);
            assertTrue(get(done).count() > 0);
            d.close();
        }
    }

    @Test void whatAHandlerThrowsGoesToTheFailureHandlerAndTheOperationCanBeUsedAgain() throws IOException {
        Files.writeString(directory.resolve("f"), "x");
        try (AsyncFile file = open(name("f"))) {
            FileOperation operation = torque().files().operation(torque().newColor());
            operation.read(file, arena.allocate(8), 0, o -> { throw new IOException("mine"); });
            assertEquals("mine", takeFailure().getMessage());
            var done = new CompletableFuture<FileOperation>();
            operation.read(file, arena.allocate(8), 0, done::complete);
            assertEquals(1, get(done).count());
        }
    }

    @Test void anErrorOfTheDiskIsTold() throws IOException {
        Files.write(directory.resolve("f"), new byte[100]);
        try (AsyncFile file = open(name("f"), READ, WRITE)) {
            torque().files().inject((kind, result) -> kind == FileCall.Kind.READ || kind == FileCall.Kind.SYNC ? -Errno.EIO : result);
            var reading = run((o, h) -> o.read(file, arena.allocate(100), 0, h)).failure();
            assertTrue(reading.getMessage().contains("EIO") && reading.getMessage().contains("f"), reading.getMessage());
            assertEquals(Errno.EIO, run((o, h) -> o.sync(file, true, h)).errno());
            var writes = new AtomicInteger();
            torque().files().inject((kind, result) -> kind == FileCall.Kind.WRITE && writes.getAndIncrement() > 0 ? -Errno.EIO : kind == FileCall.Kind.WRITE ? 40 : result);
            assertEquals(40, run((o, h) -> o.write(file, arena.allocate(100), 0, h)).count(), "as far as it came");
            assertEquals(2, writes.get());
            assertEquals(Errno.EIO, run((o, h) -> o.write(file, arena.allocate(100), 40, h)).errno());
            torque().files().inject((kind, result) -> kind == FileCall.Kind.WRITE && result == 100 ? 30 : result);
            assertEquals(100, run((o, h) -> o.write(file, arena.allocate(100), 0, h)).count(), "what is left is written in another call");
            torque().files().inject((kind, result) -> result);
        }
    }

    @Test void aFullDiskIsTold() throws Exception {
        try (var disk = SmallDisk.mount(directory.resolve("disk"), 1 << 20)) {
            AsyncFile file = open(FileName.of(disk.path().resolve("f")), READ, WRITE, CREATE);
            MemorySegment much = arena.allocate(3 << 20);
            int first = run((o, h) -> o.write(file, much, 0, h)).count();
            assertTrue(first > 0 && first <= 1 << 20, "written: " + first);
            FileOperation full = run((o, h) -> o.write(file, much, first, h));
            assertEquals(Errno.ENOSPC, full.errno());
            assertTrue(full.failure().getMessage().contains("ENOSPC"), full.failure().getMessage());
            run((o, h) -> o.truncate(file, 0, h)).check();
            assertEquals(100, run((o, h) -> o.write(file, much.asSlice(0, 100), 0, h)).count());
            assertEquals(100, run((o, h) -> o.read(file, much, 0, h)).count(), "a file system without RWF_NOWAIT");
            assertEquals(Errno.EXDEV, run((o, h) -> o.rename(FileName.of(disk.path().resolve("f")), name("g"), h)).errno(), "another file system");
            run((o, h) -> o.close(file, h)).check();
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- sizes

    @Test void anEmptyFileEndsAtOnce() throws IOException {
        Files.createFile(directory.resolve("empty"));
        try (AsyncFile file = open(name("empty"))) {
            assertEquals(0, run((o, h) -> o.read(file, arena.allocate(10), 0, h)).count());
            assertEquals(0, runOnVcore((o, h) -> o.read(file, arena.allocate(10), 0, h)).count());
            assertEquals(0, run((o, h) -> o.status(file, h)).status().size());
        }
    }

    @Test void filesMayBeLargerThanTwoGibibytes() throws IOException {
        long far = 5L << 30;
        AsyncFile file = open(name("sparse"), READ, WRITE, CREATE);
        assertEquals(3, run((o, h) -> o.write(file, text("end"), far, h)).count());
        assertEquals(far + 3, run((o, h) -> o.status(file, h)).status().size());
        assertTrue(run((o, h) -> o.status(file, h)).status().allocated() < 1 << 20);
        MemorySegment target = arena.allocate(100);
        assertEquals(4, run((o, h) -> o.read(file, target, far - 1, h)).count());
        assertEquals("\0end", text(target, 4));
        run((o, h) -> o.truncate(file, 3L << 30, h)).check();
        assertEquals(3L << 30, Files.size(directory.resolve("sparse")));
        run((o, h) -> o.close(file, h)).check();
    }

    @Test void coldFilesAreReadWhole() throws IOException {
        byte[] content = random(3_000_000, 7);
        Path path = Files.write(directory.resolve("cold"), content);
        MemorySegment target = arena.allocate(4_000_000);
        try (AsyncFile file = open(name("cold"))) {
            for (int i = 0; i < 5; i++) {
                evict(path);
                target.fill((byte) 0);
                // A page in the middle is in memory and the rest is not: what is read without waiting is short, and the end has not come.
                if (i > 0) assertEquals(10, run((o, h) -> o.read(file, arena.allocate(10), 0, h)).count());
                assertEquals(3_000_000, runOnVcore((o, h) -> o.read(file, target, 0, h)).count());
                assertArrayEquals(content, target.asSlice(0, 3_000_000).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------- closing and cancelling

    @Test void aFileMayBeClosedWhileOperationsAreInFlight() throws Exception {
        byte[] content = random(1 << 20, 9);
        Path path = Files.write(directory.resolve("f"), content);
        for (int round = 0; round < 5; round++) {
            evict(path);
            AsyncFile file = open(name("f"));
            int n = 64;
            var done = new CountDownLatch(n);
            var wrong = new ArrayList<String>();
            List<FileOperation> all = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                FileOperation operation = torque().files().operation(torque().newColor());
                all.add(operation);
                MemorySegment target = arena.allocate(1 << 14);
                int at = i << 14;
                operation.read(file, target, at, o -> {
                    synchronized (wrong) {
                        if (o.errno() == 0) {
                            if (o.count() != 1 << 14 || target.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 5) != content[at + 5]) wrong.add("count " + o.count());
                        } else if (!o.isCancelled() && o.errno() != Errno.EBADF) {
                            wrong.add(o.failure().toString());
                        }
                    }
                    done.countDown();
                });
                if (i == n / 2) file.close();
            }
            assertTrue(done.await(Eventually.limitSeconds(), TimeUnit.SECONDS), "all are told");
            assertEquals(List.of(), wrong);
            assertFalse(file.isOpen());
            file.close();
            assertEquals(Errno.EBADF, run((o, h) -> o.read(file, arena.allocate(1), 0, h)).errno());
            String told = run((o, h) -> o.status(file, h)).failure().getMessage();
            assertTrue(told.contains("EBADF") && told.contains("f"), told);
        } // the leak check says whether the descriptors are gone
    }

    @Test void whatWaitsForAThreadIsCancelled() throws Exception {
        open(options().withFileThreads(1, 10));
        var gate = holdPool(1);
        AsyncFile d = open(name("."));
        var first = new CompletableFuture<FileOperation>();
        var second = new CompletableFuture<FileOperation>();
        FileOperation one = torque().files().operation(torque().newColor());
        FileOperation two = torque().files().operation(torque().newColor());
        one.list(d, arena.allocate(1000).address(), 1000, first::complete);
        two.list(d, arena.allocate(1000).address(), 1000, second::complete);
        Eventually.await("both wait", () -> torque().files().pool().state()[1] == 2);
        one.cancel();
        assertTrue(get(first).isCancelled(), "at once, though the thread is busy");
        assertEquals(Errno.ECANCELED, one.errno());
        assertTrue(one.failure().getMessage().contains("ECANCELED"), one.failure().getMessage());
        for (int i = 0; i < 3; i++) { // it can be used again at once, also while its old place in the queue has not come up
            var more = new CompletableFuture<FileOperation>();
            one.list(d, arena.allocate(1000).address(), 1000, more::complete);
            one.cancel();
            assertTrue(get(more).isCancelled());
        }
        var last = new CompletableFuture<FileOperation>();
        one.list(d, arena.allocate(1000).address(), 1000, last::complete);
        assertFalse(second.isDone());
        gate.complete(null);
        assertTrue(get(second).count() > 0);
        assertEquals(0, get(last).errno());
        assertEquals(0, get(last).count(), "the other one has had all entries, before it");
        one.cancel(); // not in flight: nothing
        var again = new CompletableFuture<FileOperation>();
        one.list(d, arena.allocate(1000).address(), 1000, again::complete);
        assertEquals(0, get(again).errno());
        d.close();
    }

    @Test void cancellingAtAnyMomentHasADefinedOutcome() throws Exception {
        Path path = Files.write(directory.resolve("f"), new byte[1 << 20]);
        try (AsyncFile file = open(name("f"))) {
            MemorySegment target = arena.allocate(1 << 20);
            FileOperation operation = torque().files().operation(torque().newColor());
            var outcomes = new int[2];
            for (int i = 0; i < 300; i++) {
                if (i % 10 == 0) evict(path);
                var done = new CompletableFuture<Integer>();
                operation.read(file, target, 0, o -> done.complete(o.errno() == 0 ? o.count() : -o.errno()));
                for (int spin = 0; spin < i * 20; spin++) Thread.onSpinWait();
                if (i % 50 == 49) get(done); // else a vcore that is slow to wake up might come too late each time
                operation.cancel();
                int outcome = get(done);
                assertTrue(outcome == 1 << 20 || outcome == -Errno.ECANCELED, "outcome " + outcome);
                outcomes[outcome > 0 ? 0 : 1]++;
            }
            assertTrue(outcomes[0] > 0, "some come through");
        }
    }

    @Test void whenTooManyWaitFurtherOnesAreRefused() throws Exception {
        open(options().withFileThreads(2, 3));
        var gate = holdPool(2);
        AsyncFile d = run((o, h) -> o.open(name("."), h)).file();
        List<CompletableFuture<Integer>> waiting = new ArrayList<>();
        var order = new ArrayList<Integer>();
        Color color = torque().newColor();
        for (int i = 0; i < 5; i++) {
            int number = i;
            var done = new CompletableFuture<Integer>();
            waiting.add(done);
            MemorySegment room = arena.allocate(1000);
            torque().files().operation(color).list(d, room.address(), 1000, o -> {
                order.add(number);
                done.complete(o.errno());
                if (o.errno() == Errno.EAGAIN) assertTrue(o.failure().getMessage().contains("3 operations wait"), o.failure().getMessage());
            });
        }
        assertEquals(Errno.EAGAIN, get(waiting.get(3)));
        assertEquals(Errno.EAGAIN, get(waiting.get(4)));
        for (int i = 0; i < 3; i++) assertFalse(waiting.get(i).isDone());
        assertTrue(run((o, h) -> o.close(d, h)).errno() == 0, "closing is not refused");
        gate.complete(null);
        for (int i = 0; i < 3; i++) assertTrue(get(waiting.get(i)) == 0 || get(waiting.get(i)) == Errno.ECANCELED);
        assertEquals(5, order.size());
        assertThrows(IllegalArgumentException.class, () -> options().withFileThreads(0, 1));
        assertThrows(IllegalArgumentException.class, () -> options().withFileThreads(1, 0));
    }

    @Test void whatIsInFlightWhenTheRuntimeStopsLeavesNothingBehind() throws Exception {
        byte[] content = new byte[1 << 20];
        for (int round = 0; round < 3; round++) {
            Path path = Files.write(directory.resolve("f" + round), content);
            evict(path);
            AsyncFile file = open(FileName.of(path));
            for (int i = 0; i < 64; i++) {
                torque().files().operation(torque().newColor()).read(file, arena.allocate(1 << 14), (long) i << 14, o -> { });
                torque().files().operation(torque().newColor()).open(FileName.of(path), o -> o.file().close());
            }
            file.close();
            stop();
        } // a file that was opened and told nobody is closed; the leak check knows
    }

    @Test void afterTheEndNothingIsTaken() throws Exception {
        Files.writeString(directory.resolve("f"), "x");
        AsyncFile file = open(name("f"));
        FileOperation operation = torque().files().operation(torque().newColor());
        stop();
        assertThrows(java.util.concurrent.RejectedExecutionException.class, () -> operation.read(file, arena.allocate(1), 0, o -> { }));
        assertThrows(java.util.concurrent.RejectedExecutionException.class, () -> operation.open(name("f"), o -> { }));
        assertThrows(java.util.concurrent.RejectedExecutionException.class, () -> operation.close(file, o -> { }));
        assertFalse(file.isOpen());
        assertFalse(operation.isInFlight());
    }

    // ------------------------------------------------------------------------------------------------------- colours and vcores

    @Test void operationsOfManyColoursAllCompleteOnceUnderTheirs() throws Exception {
        byte[] content = random(1 << 20, 3);
        Path path = Files.write(directory.resolve("f"), content);
        evict(path);
        try (AsyncFile file = open(FileName.of(path))) {
            int colours = 40;
            int each = 50;
            var done = new CountDownLatch(colours * each);
            var wrong = new AtomicInteger();
            for (int c = 0; c < colours; c++) {
                Color color = torque().newColor(Placement.on(c % setup.vcores()));
                MemorySegment target = arena.allocate(4096);
                FileOperation operation = torque().files().operation(color);
                var left = new int[] {each};
                var at = new long[] {c * 4096L};
                var next = new FileHandler[1];
                next[0] = o -> {
                    if (Vcore.currentColor() != color || o.count() != 4096 || target.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 77) != content[(int) at[0] + 77]) {
                        wrong.incrementAndGet();
                    }
                    done.countDown();
                    at[0] = (at[0] + 40_960) % (1 << 20);
                    if (--left[0] > 0) o.read(file, target, at[0], next[0]);
                };
                operation.read(file, target, at[0], next[0]);
            }
            assertTrue(done.await(Eventually.limitSeconds(), TimeUnit.SECONDS), () -> done.getCount() + " missing\n" + Eventually.stacks());
            assertEquals(0, wrong.get());
        }
    }

    @Test void aColourThatMovesMeanwhileIsToldOnceWhereverItIs() throws Exception {
        Path path = Files.write(directory.resolve("f"), new byte[1 << 20]);
        try (AsyncFile file = open(FileName.of(path))) {
            MemorySegment target = arena.allocate(1 << 20);
            int rounds = 400;
            var homes = java.util.concurrent.ConcurrentHashMap.<Vcore>newKeySet();
            Color color = torque().newColor();
            Color[] askers = torque().vcores().stream().map(v -> v.newColor().pin()).toArray(Color[]::new);
            long deadline = System.nanoTime() + Eventually.scaled(Duration.ofMinutes(2)).toNanos(); // 400 MB are read in each round
            while (homes.size() < setup.vcores()) { // a busy machine may leave all of a batch to one vcore
                assertTrue(System.nanoTime() - deadline < 0, "it never moved");
                var done = new CountDownLatch(rounds);
                for (int i = 0; i < rounds; i++) {
                    // Started on each vcore in turn, through whose ring it goes; the colour, which has nothing registered, goes to where its end is posted.
                    FileOperation operation = torque().files().operation(color);
                    boolean cold = i % 20 == 0;
                    torque().post(askers[i % askers.length], () -> {
                        if (cold) evict(path);
                        operation.read(file, target, 0, o -> {
                            homes.add(Vcore.current());
                            if (o.count() == 1 << 20 && Vcore.currentColor() == color) done.countDown();
                        });
                    });
                }
                assertTrue(done.await(Eventually.limitSeconds(), TimeUnit.SECONDS), () -> done.getCount() + " missing");
            }
        }
    }

    @Test void anOperationKeepsWhatItIsGivenAndSaysWhatItIs() throws Exception {
        FileOperation operation = torque().files().operation(torque().defaultColor());
        assertEquals(torque().defaultColor(), operation.color());
        assertNull(operation.attachment());
        assertEquals("x", operation.attach("x").attachment());
        assertEquals("FileOperation[idle]", operation.toString());
        Files.writeString(directory.resolve("f"), "x");
        AsyncFile f = open(name("f"));
        assertEquals(directory.resolve("f").toString(), f.toString());
        f.close();
        assertInstanceOf(FileSystemException.class, run((o, h) -> o.read(f, arena.allocate(1), 0, h)).failure());
    }
}
