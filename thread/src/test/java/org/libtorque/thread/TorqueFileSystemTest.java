package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.InterruptedByTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.TestProcess;
import org.libtorque.vcore.Backend;

/** Files in blocking style, with both backends. */
class TorqueFileSystemTest {
    private static final OpenOption[] NEW = {StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW};

    @TempDir Path folder;
    private final Arena arena = Arena.ofShared();
    private final AtomicReference<Throwable> reported = new AtomicReference<>();

    @AfterEach void end() { arena.close(); }

    private Torque open(Backend backend) {
        try {
            backend.choose();
        } catch (UnsupportedOperationException e) {
            Assumptions.abort(e.getMessage());
        }
        return Torque.open(Runtimes.options(2).withBackend(backend).withFileThreads(1, 64).withFailureHandler((where, failure) -> reported.set(failure)));
    }

    private MemorySegment bytes(String text) {
        MemorySegment segment = arena.allocate(text.length());
        for (int i = 0; i < text.length(); i++) segment.set(ValueLayout.JAVA_BYTE, i, (byte) text.charAt(i));
        return segment;
    }

    private static String text(MemorySegment segment) { return new String(segment.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1); }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void whatIsWrittenIsRead(Backend backend) throws Exception {
        Path path = folder.resolve("a");
        try (Torque torque = open(backend)) {
            Runtimes.on(torque, () -> {
                try (TorqueFile file = TorqueFile.open(torque, path, NEW)) {
                    assertEquals(0, file.status().size());
                    file.writeFully(bytes("hello, "), 0);
                    assertEquals(6, file.write(new MemorySegment[] {bytes("wor"), bytes("ld!")}, 7));
                    file.sync(true);
                    file.sync(false);
                    assertEquals(13, file.status().size());
                    MemorySegment all = arena.allocate(13);
                    file.readFully(all, 0);
                    assertEquals("hello, world!", text(all));
                    MemorySegment[] parts = {arena.allocate(2), arena.allocate(100)};
                    assertEquals(8, file.read(parts, 5));
                    assertEquals(", ", text(parts[0]));
                    assertEquals("world!", text(parts[1].asSlice(0, 6)));
                    assertEquals(0, file.read(parts[1], 13), "the end");
                    assertThrows(EOFException.class, () -> file.readFully(parts[1], 0));
                    file.truncate(5);
                    assertEquals(5, file.status().size());
                    assertTrue(file.isOpen());
                    assertTrue(file.toString().endsWith("/a"), file.toString());
                }
                return null;
            });
        }
        assertEquals("hello", Files.readString(path));
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void anyThreadsUseOneFileAtTheSameTime(Backend backend) throws Exception {
        try (Torque torque = open(backend)) {
            TorqueFile file = TorqueFile.open(torque, folder.resolve("b"), NEW); // on a platform thread
            List<Future<Void>> all = new ArrayList<>();
            try (var executor = Uthreads.of(torque).executor()) {
                for (int i = 0; i < 32; i++) {
                    int at = i;
                    all.add(executor.submit(() -> {
                        for (int n = 0; n < 20; n++) {
                            file.writeFully(bytes(String.format("%02d:%05d", at, n)), 8 * at);
                            MemorySegment read = arena.allocate(8);
                            file.readFully(read, 8 * at);
                            assertEquals(String.format("%02d:%05d", at, n), text(read));
                        }
                        return null;
                    }));
                }
            }
            for (Future<Void> each : all) each.get();
            assertEquals(32 * 8, file.status().size());
            file.close();
            file.close();
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void whatGoesWrongIsThrown(Backend backend) throws Exception {
        Path path = Files.writeString(folder.resolve("c"), "c");
        try (Torque torque = open(backend)) {
            Runtimes.on(torque, () -> {
                assertThrows(NoSuchFileException.class, () -> TorqueFile.open(torque, folder.resolve("none"), StandardOpenOption.READ));
                assertThrows(FileAlreadyExistsException.class, () -> TorqueFile.open(torque, path, NEW));
                TorqueFile file = TorqueFile.open(torque, path, StandardOpenOption.READ);
                assertTrue(assertThrows(IOException.class, () -> file.write(bytes("x"), 0)).getMessage().contains("EBADF"));
                assertThrows(IllegalArgumentException.class, () -> file.read(MemorySegment.ofArray(new byte[1]), 0));
                assertEquals(1, file.status().size(), "it can be used as before");
                file.close();
                assertThrows(ClosedChannelException.class, file::status);
                assertFalse(file.isOpen());
                return null;
            });
            CompletableFuture<Throwable> callback = new CompletableFuture<>();
            TorqueFile file = TorqueFile.open(torque, path, StandardOpenOption.READ);
            torque.post(() -> {
                try {
                    file.status();
                    callback.complete(null);
                } catch (Throwable e) {
                    callback.complete(e);
                }
            });
            assertInstanceOf(IllegalStateException.class, callback.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            file.close();
        }
    }

    /** What takes a call to wait for: a pipe that nobody writes to. */
    private interface Waiting {
        void check(Torque torque, TorqueFile file) throws Exception;
    }

    /** With io_uring a read of an empty pipe waits. (With epoll what waits is a thread of the pool for the disk, and no file keeps it waiting for as long as a test likes.) */
    private void whileCallsWait(Waiting body) throws Exception {
        Path pipe = folder.resolve("pipe");
        try (TestProcess mkfifo = TestProcess.start("mkfifo", pipe.toString())) {
            assertEquals(0, mkfifo.awaitExit());
        }
        try (Torque torque = open(Backend.IO_URING); TorqueFile file = TorqueFile.open(torque, pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            body.check(torque, file);
        }
    }

    private void callThatWaits(TorqueFile file) throws IOException { file.read(arena.allocate(10), 0); }

    @Test void aTimeoutEndsTheCallAndNotTheFile() throws Exception {
        whileCallsWait((torque, file) -> {
            file.timeout(Duration.ofMillis(20));
            Runtimes.on(torque, () -> {
                long start = System.nanoTime();
                assertThrows(InterruptedByTimeoutException.class, () -> callThatWaits(file));
                assertTrue(System.nanoTime() - start >= 20_000_000);
                assertTrue(file.isOpen());
                return null;
            });
            file.timeout(Duration.ZERO);
        });
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void anInterruptBeforeACallClosesTheFileHoweverQuickItIs(Backend backend) throws Exception {
        Path path = Files.writeString(folder.resolve("quick"), "quick");
        try (Torque torque = open(backend)) {
            for (int i = 0; i < 20; i++) {
                TorqueFile file = TorqueFile.open(torque, path, StandardOpenOption.READ);
                Thread.currentThread().interrupt();
                assertThrows(ClosedByInterruptException.class, () -> file.read(arena.allocate(5), 0));
                assertThrows(ClosedChannelException.class, file::status);
                assertThrows(ClosedByInterruptException.class, () -> TorqueFile.open(torque, path, StandardOpenOption.READ));
                assertTrue(Thread.interrupted(), "it stays");
                assertFalse(file.isOpen());
            }
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void behindTheRuntimesEndCallsFail(Backend backend) throws Exception {
        Path path = Files.writeString(folder.resolve("left"), "left");
        Torque torque = open(backend);
        TorqueFile file = TorqueFile.open(torque, path, StandardOpenOption.READ);
        torque.close();
        assertEquals("the runtime has stopped", assertThrows(IOException.class, () -> file.read(arena.allocate(4), 0)).getMessage());
        assertThrows(IOException.class, file::status);
        assertThrows(IOException.class, () -> TorqueFile.open(torque, path, StandardOpenOption.READ));
        file.close();
    }

    @Test void anInterruptClosesTheFile() throws Exception {
        whileCallsWait((torque, file) -> {
            CompletableFuture<String> outcome = new CompletableFuture<>();
            Thread thread = torque.spawn(() -> {
                try {
                    callThatWaits(file);
                    outcome.complete("nothing");
                } catch (Exception e) {
                    outcome.complete(e.getClass().getSimpleName() + " " + Thread.currentThread().isInterrupted());
                }
            });
            Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
            thread.interrupt();
            assertEquals(ClosedByInterruptException.class.getSimpleName() + " true", outcome.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertFalse(file.isOpen());
        });
    }

    @Test void closingEndsCallsOfOtherThreads() throws Exception {
        whileCallsWait((torque, file) -> {
            List<Future<Void>> waiting = new ArrayList<>();
            try (var executor = Uthreads.of(torque).executor()) {
                for (int i = 0; i < 3; i++) {
                    waiting.add(executor.submit(() -> {
                        callThatWaits(file);
                        return null;
                    }));
                }
                Thread.sleep(20);
                file.close();
            }
            for (Future<Void> each : waiting) {
                ExecutionException e = assertThrows(ExecutionException.class, each::get);
                // the latter of one that had not begun
                assertTrue(e.getCause() instanceof AsynchronousCloseException || e.getCause().getClass() == ClosedChannelException.class, String.valueOf(e.getCause()));
            }
        });
    }

    /** With epoll a call waits for a thread of the pool, and that for the disk: here there is one thread, and it waits for a page of memory that it is to write. */
    private interface Held {
        void check(Torque torque, TorqueFile held, TorqueFile file, HeldPage page, CompletableFuture<Integer> written) throws Exception;
    }

    private void whileThePoolIsHeld(Duration limit, Held body) throws Exception {
        try (HeldPage page = new HeldPage(); Torque torque = open(Backend.EPOLL)) {
            try (TorqueFile held = TorqueFile.open(torque, folder.resolve("held"), NEW); TorqueFile file = TorqueFile.open(torque, folder.resolve("file"), NEW)) {
                CompletableFuture<Integer> written = new CompletableFuture<>();
                held.timeout(limit);
                torque.spawn(() -> {
                    try {
                        written.complete(held.write(page.segment(), 0));
                    } catch (Throwable e) {
                        written.completeExceptionally(e);
                    }
                });
                page.awaitTouched();
                body.check(torque, held, file, page, written);
            } finally {
                page.release(); // or the runtime would wait for it
            }
        }
    }

    @Test void withEpollATimeoutEndsACallThatWaitsForAThreadAtOnce() throws Exception {
        whileThePoolIsHeld(Duration.ZERO, (torque, held, file, page, written) -> {
            file.timeout(Duration.ofMillis(20));
            for (int i = 0; i < 3; i++) {
                Runtimes.on(torque, () -> {
                    long start = System.nanoTime();
                    assertThrows(InterruptedByTimeoutException.class, () -> file.write(bytes("not written"), 0));
                    assertTrue(System.nanoTime() - start >= 20_000_000);
                    return null;
                });
            }
            assertTrue(file.isOpen());
            assertFalse(written.isDone(), "the pool's thread waits still");
            page.release();
            assertEquals((int) page.segment().byteSize(), written.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            file.timeout(Duration.ZERO);
            Runtimes.on(torque, () -> {
                assertEquals(0, file.status().size(), "what was given up was not written later");
                assertEquals(3, file.write(bytes("yes"), 0));
                return null;
            });
        });
    }

    @Test void withEpollAnInterruptOrCloseEndsACallThatWaitsForAThreadAtOnce() throws Exception {
        whileThePoolIsHeld(Duration.ZERO, (torque, held, file, page, written) -> {
            List<CompletableFuture<String>> outcomes = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                CompletableFuture<String> outcome = new CompletableFuture<>();
                outcomes.add(outcome);
                Thread thread = torque.spawn(() -> {
                    try {
                        file.sync(true);
                        outcome.complete("nothing");
                    } catch (Exception e) {
                        outcome.complete(e.getClass().getSimpleName() + " " + Thread.currentThread().isInterrupted());
                    }
                });
                threads.add(thread);
                Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
            }
            threads.get(0).interrupt();
            assertEquals(ClosedByInterruptException.class.getSimpleName() + " true", outcomes.get(0).get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertEquals(AsynchronousCloseException.class.getSimpleName() + " false", outcomes.get(1).get(Eventually.limitSeconds(), TimeUnit.SECONDS), "the other one's file was closed with it");
            assertFalse(file.isOpen());
            assertFalse(written.isDone(), "the pool's thread waits still");
        });
    }

    @Test void withEpollACallThatTheKernelHasReturnsWhenThatLetsGoAndWithTheTruth() throws Exception {
        whileThePoolIsHeld(Duration.ofMillis(10), (torque, held, file, page, written) -> {
            Thread.sleep(60);
            assertFalse(written.isDone(), "its time is up, but its memory is the kernel's");
            held.close();
            assertFalse(written.isDone());
            page.release();
            assertEquals((int) page.segment().byteSize(), written.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        });
    }
}
