package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** What tests of file operations share: operations that the test's thread waits for, and memory. */
abstract class FileTest extends SystemTest {
    @TempDir Path directory;
    final Arena arena = Arena.ofShared();

    @AfterEach void closeArena() {
        stop(); // nothing of the arena is the kernel's any more
        arena.close();
    }

    interface Start {
        void with(FileOperation operation, FileHandler handler) throws Exception;
    }

    /** Starts an operation from the test's thread under a new colour, and waits for its end. */
    final FileOperation run(Start start) { return run(torque().newColor(), start); }

    final FileOperation run(Color color, Start start) {
        var operation = torque().files().operation(color);
        var done = new CompletableFuture<FileOperation>();
        try {
            start.with(operation, o -> {
                if (org.libtorque.vcore.Vcore.currentColor() != color) done.completeExceptionally(new AssertionError("not under its colour"));
                if (o != operation) done.completeExceptionally(new AssertionError("another operation"));
                if (!done.complete(o)) failures.add(new AssertionError("told twice"));
            });
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        return get(done);
    }

    /** Runs the same from a vcore. */
    final FileOperation runOnVcore(Start start) {
        Color color = torque().newColor();
        var done = new CompletableFuture<FileOperation>();
        torque().post(color, () -> {
            try {
                start.with(torque().files().operation(color), done::complete);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return get(done);
    }

    final FileName name(String name) { return FileName.of(directory.resolve(name)); }

    final AsyncFile open(FileName name, OpenOption... options) throws IOException { return run((o, h) -> o.open(name, h, options)).file(); }

    final MemorySegment text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment segment = arena.allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    static String text(MemorySegment segment, long length) { return new String(segment.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8); }

    /** Drops a file's pages from memory, after writing them; not those that are being read just now. */
    static void evict(Path path) { evict(path, 0, false); }

    /** Drops all of a file's pages from memory. One that is still on its way from the disk (read ahead for whoever was before) cannot be dropped until it has come. */
    static void evictWhole(Path path) { evict(path, 0, true); }

    /** As {@link #evictWhole}, what lies behind. Memory is in pieces of up to 2 MiB, and goes as such: {@code from} must be a multiple of that. */
    static void evictFrom(Path path, long from) { evict(path, from, true); }

    private static void evict(Path path, long from, boolean whole) {
        var errno = org.libtorque.sys.ErrnoSlot.current();
        try (Arena own = Arena.ofConfined()) {
            int fd = org.libtorque.sys.Files.open(errno, org.libtorque.sys.CStrings.allocate(path.toString(), own),
                    org.libtorque.sys.Files.O_RDONLY | org.libtorque.sys.Files.O_CLOEXEC, 0);
            if (fd < 0) throw new AssertionError(path + ": " + fd);
            long scratch = own.allocate(org.libtorque.sys.Files.CachestatRange.SIZE + org.libtorque.sys.Files.Cachestat.SIZE, 8).address();
            org.libtorque.sys.Files.fsync(errno, fd);
            Eventually.await(path + " is on disk only", () -> {
                org.libtorque.sys.Files.fadvise(errno, fd, from, 0, org.libtorque.sys.Files.POSIX_FADV_DONTNEED);
                return !whole || org.libtorque.sys.Files.cachedPages(errno, fd, from, Long.MAX_VALUE - from, scratch) <= 0; // before Linux 6.5: negative, nobody knows
            });
            org.libtorque.sys.Files.close(errno, fd);
        }
    }

    /** Has all threads of the pool wait until the returned gate is opened. */
    final CompletableFuture<Void> holdPool(int threads) {
        var gate = new CompletableFuture<Void>();
        var held = new java.util.concurrent.CountDownLatch(threads);
        for (int i = 0; i < threads; i++) {
            torque().files().pool().submit(new FilePool.Job() {
                @Override void run() {
                    held.countDown();
                    gate.join();
                }

                @Override void dropped() { }
            }, true);
        }
        try {
            if (!held.await(Eventually.limitSeconds(), java.util.concurrent.TimeUnit.SECONDS)) throw new AssertionError("the pool's threads did not start");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return gate;
    }

    static void repeat(int times, Consumer<Integer> body) {
        for (int i = 0; i < times; i++) body.accept(i);
    }
}
