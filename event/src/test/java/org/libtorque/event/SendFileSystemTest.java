package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.sys.Errno;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.FileCall;

/** Files sent by their names, as one request; and files on disk, by whatever way they are sent. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class SendFileSystemTest extends FileTest {
    private record End(long sent, Throwable failure) {}

    private final LinkedBlockingQueue<End> ends = new LinkedBlockingQueue<>();
    private final Connection.FileSentHandler note = (c, sent, failure) -> ends.add(new End(sent, failure));

    @AfterEach void beAsEverAgain() {
        FileRoot.cachedLookups = true;
        FilePart.queueReads = true;
    }

    private End end() {
        try {
            End end = ends.poll(Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis(), TimeUnit.MILLISECONDS);
            if (end == null) throw new AssertionError("nobody was told of the end\n" + Eventually.stacks());
            return end;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void expectSent(long bytes) { assertEquals(new End(bytes, null), end()); }

    private Path file(String name, byte[] content) throws IOException { return Files.write(directory.resolve(name), content); }

    private static byte[] join(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) all.writeBytes(part);
        return all.toByteArray();
    }

    @Test void headAndFileArriveWhateverTheirSizeWhetherOnDiskOrInMemory() throws IOException {
        int[] sizes = {0, 1, 1_000, 16_000, 17_000, 65_536, 70_001, 3_000_000};
        for (int i = 0; i < sizes.length; i++) file("f" + i, random(sizes[i], i));
        Listener listener = serve(c -> c.onRead((self, data) -> {
            int which = data.getByte(0) - '0';
            data.consumeAll();
            self.sendFile((out, file) -> out.putLatin1("size " + file.size() + "\n"), name("f" + which), 0, -1, note);
        }));
        try (var client = Client.to(listener)) {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < sizes.length; i++) {
                    if (round == 1) evict(directory.resolve("f" + i));
                    FileRoot.cachedLookups = round != 2; // in the last round the pool opens them
                    client.send("" + i);
                    client.expect("size " + sizes[i] + "\n");
                    assertArrayEquals(random(sizes[i], i), client.read(sizes[i]));
                    expectSent(sizes[i]);
                }
            }
        }
    }

    @Test void partsGoInOrderWithWhatIsWrittenAround() throws IOException {
        byte[] content = random(200_000, 1);
        Path path = file("data", content);
        for (boolean cold : new boolean[] {false, true}) {
            if (cold) evict(path);
            FileRoot.cachedLookups = !cold;
            Listener listener = serve(c -> {
                c.write(ascii("<"));
                c.sendFile(ascii("head:"), name("data"), 100, 50_000, (self, sent, failure) -> {
                    note.onSent(self, sent, failure);
                    self.write(ascii("|"));
                    self.sendFile(ascii("again:"), name("data"), 199_999, 1, (again, one, why) -> {
                        note.onSent(again, one, why);
                        again.write(ascii(">"));
                        again.close();
                    });
                });
                assertThrows(IllegalStateException.class, () -> c.sendFile(ascii(""), name("data"), 0, 1, note), "one at a time");
                assertThrows(IllegalArgumentException.class, () -> c.sendFile(ascii(""), name("data"), -1, 1, note));
                c.write(ascii("between:"));
            });
            try (var client = Client.to(listener)) {
                byte[] all = client.readAll();
                byte[] one = {content[199_999]};
                assertArrayEquals(join(ascii("<head:"), Arrays.copyOfRange(content, 100, 50_100), ascii("between:|again:"), one, ascii(">")), all);
            }
            expectSent(50_000);
            expectSent(1);
            listener.close();
        }
    }

    @Test void aConnectionThatIsClosedSendsTheFileFirst() throws IOException {
        byte[] content = random(2_000_000, 4);
        Path path = file("data", content);
        evict(path);
        FileRoot.cachedLookups = false;
        var closed = new CompletableFuture<Boolean>();
        Listener listener = serve(c -> {
            c.onClose((self, cause) -> closed.complete(cause == null));
            c.sendFile(ascii("h"), name("data"), 0, -1, note);
            c.close();
        });
        try (var client = Client.to(listener)) {
            assertArrayEquals(join(ascii("h"), content), client.readAll());
        }
        expectSent(content.length);
        assertTrue(get(closed));
    }

    @Test void whatCannotBeHadIsSaidBeforeAnythingIsSent() throws IOException {
        file("short", new byte[100]);
        Files.createDirectory(directory.resolve("d"));
        for (boolean cached : new boolean[] {true, false}) {
            FileRoot.cachedLookups = cached;
            Listener listener = serve(c -> c.onRead((self, data) -> {
                byte what = data.getByte(0);
                data.consumeAll();
                Connection.FileSentHandler instead = (s, sent, failure) -> {
                    note.onSent(s, sent, failure);
                    s.write(ascii("no;"));
                };
                switch (what) {
                    case 'm' -> self.sendFile(ascii("head"), name("missing"), 0, -1, instead);
                    case 'd' -> self.sendFile(ascii("head"), name("d"), 0, -1, instead);
                    case 's' -> self.sendFile(ascii("head"), name("short"), 50, 51, instead);
                    case 'b' -> self.sendFile(ascii("head"), name("short"), 101, -1, instead);
                    case 't' -> self.sendFile((out, file) -> {
                        out.put(ascii("half a head"));
                        throw new IOException("mine");
                    }, name("short"), 0, -1, instead);
                    default -> self.sendFile(ascii("ok:"), name("short"), 50, 50, note);
                }
            }));
            try (var client = Client.to(listener); var root = FileRoot.open(directory)) {
                client.send("m").expect("no;");
                var missing = assertInstanceOf(NoSuchFileException.class, end().failure);
                assertEquals(directory.resolve("missing").toString(), missing.getFile());
                assertTrue(missing.getMessage().contains("ENOENT"), missing.getMessage());
                client.send("d").expect("no;");
                assertInstanceOf(FileSystemException.class, end().failure);
                client.send("s").expect("no;");
                End tooShort = end();
                assertEquals(0, tooShort.sent);
                assertTrue(assertInstanceOf(EOFException.class, tooShort.failure).getMessage().contains("100 bytes"));
                client.send("b").expect("no;");
                assertInstanceOf(EOFException.class, end().failure);
                client.send("t").expect("no;");
                assertEquals("mine", end().failure.getMessage());
                client.send("x").expect("ok:");
                assertArrayEquals(new byte[50], client.read(50));
                expectSent(50);
                assertEquals(directory.toRealPath(), root.path());
            }
            listener.close();
        }
    }

    @Test void namesBelowARootStayThere() throws IOException {
        Files.writeString(directory.resolve("secret"), "secret");
        Files.createDirectory(directory.resolve("root"));
        Files.writeString(directory.resolve("root/open"), "open");
        try (FileRoot root = FileRoot.open(directory.resolve("root"))) {
            Listener listener = serve(c -> {
                c.sendFile(ascii(""), root.file("../secret"), 0, -1, (self, sent, failure) -> {
                    note.onSent(self, sent, failure);
                    self.sendFile(ascii(""), root.file("open"), 0, -1, (again, n, why) -> {
                        note.onSent(again, n, why);
                        again.close();
                    });
                });
            });
            try (var client = Client.to(listener)) {
                assertEquals("open", client.readAllText());
            }
            assertTrue(end().failure.getMessage().contains("EXDEV"));
            expectSent(4);
            stop();
        }
    }

    @Test void aFileThatIsCutMeanwhileEndsTheConnectionAndTheCountIsExact() throws IOException {
        Path path = file("shrinking", random(8_000_000, 5));
        var cause = new CompletableFuture<Throwable>();
        var order = new CopyOnWriteArrayList<String>();
        Listener listener = serve(c -> {
            c.onClose((self, why) -> {
                order.add("closed");
                cause.complete(why);
            });
            c.sendFile(ascii("12345"), name("shrinking"), 0, -1, (self, sent, failure) -> {
                order.add("told");
                note.onSent(self, sent, failure);
            });
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            client.read(100_005);
            try (var raw = new RandomAccessFile(path.toFile(), "rw")) {
                raw.setLength(1_000);
            }
            long got = 100_005;
            byte[] buffer = new byte[1 << 16];
            for (int n; (n = client.socket.getInputStream().read(buffer)) >= 0; ) got += n;
            End end = end();
            assertInstanceOf(EOFException.class, end.failure);
            assertEquals(got - 5, end.sent, "what the kernel took has arrived");
            assertTrue(end.sent < 8_000_000);
        }
        assertInstanceOf(EOFException.class, get(cause));
        assertEquals(List.of("told", "closed"), order);
    }

    @Test void aDiskThatFailsEndsTheConnection() throws IOException {
        Path path = file("bad", random(8_000_000, 6));
        evictFrom(path, 4 << 20); // what is before is sent; how much a read brings of what is behind is the kernel's business
        var cause = new CompletableFuture<Throwable>();
        torque().files().inject((kind, result) -> kind == FileCall.Kind.READ ? -Errno.EIO : result);
        Listener listener = serve(c -> {
            c.onClose((self, why) -> cause.complete(why));
            c.sendFile(ascii("12345"), name("bad"), 0, -1, note);
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            long got = 0;
            byte[] buffer = new byte[1 << 16];
            for (int n; (n = client.socket.getInputStream().read(buffer)) >= 0; ) got += n;
            End end = end();
            assertTrue(end.failure.getMessage().contains("EIO") && end.failure.getMessage().contains("bad"), end.failure.getMessage());
            assertEquals(got - 5, end.sent);
            assertTrue(end.sent > 0 && end.sent <= 4 << 20, "sent " + end.sent);
        }
        assertTrue(get(cause).getMessage().contains("EIO"));
    }

    @Test void aPeerThatGoesIsTold() throws IOException {
        file("data", new byte[8_000_000]);
        var cause = new CompletableFuture<Boolean>();
        Listener listener = serve(c -> {
            c.onClose((self, why) -> cause.complete(why != null));
            c.sendFile(ascii("h"), name("data"), 0, -1, note);
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            client.read(100_000);
            client.reset();
        }
        End end = end();
        assertInstanceOf(IOException.class, end.failure);
        assertTrue(end.sent >= 99_999 && end.sent < 8_000_000, "sent " + end.sent);
        assertTrue(get(cause));
    }

    @Test void whatHasNotBegunCanBeTakenBackAndNothingElse() throws IOException {
        open(options().withFileThreads(1, 10));
        file("data", new byte[8_000_000]);
        FileRoot.cachedLookups = false;
        var gate = holdPool(1);
        var opened = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            assertFalse(c.cancelFile(), "there is none");
            c.write(ascii("a"));
            c.sendFile(ascii("head"), name("data"), 0, -1, note);
            c.write(ascii("b"));
            opened.complete(c);
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            Connection c = get(opened);
            client.expect("a");
            Eventually.await("it waits for the pool", () -> torque().files().pool().state()[1] == 1);
            assertTrue(on(c, c::cancelFile));
            End end = end();
            assertEquals(0, end.sent);
            assertInstanceOf(CancellationException.class, end.failure);
            client.expect("b");
            assertFalse(on(c, c::cancelFile));
            FileRoot.cachedLookups = true;
            on(c, () -> {
                c.sendFile(ascii("head"), name("data"), 0, -1, note);
                return null;
            });
            client.expect("head");
            client.read(1_000);
            assertFalse(on(c, c::cancelFile), "it has begun");
            gate.complete(null); // what was taken back is opened now, and closed again
            client.read(7_999_000);
            expectSent(8_000_000);
        }
    }

    @Test void aConnectionThatEndsWhileTheDiskIsWaitedForTellsAtOnce() throws IOException {
        open(options().withFileThreads(1, 10));
        Path path = file("data", new byte[1_000_000]);
        FilePart.queueReads = false;
        for (boolean opening : new boolean[] {true, false}) {
            FileRoot.cachedLookups = !opening;
            var gate = new CompletableFuture<CompletableFuture<Void>>();
            Runnable hold = () -> {
                gate.complete(holdPool(1)); // its only thread: what was fetched before has been
                evictWhole(path);
            };
            if (opening) hold.run();
            var opened = new CompletableFuture<Connection>();
            Listener listener = serve(c -> {
                c.sendFile((out, file) -> {
                    if (!opening) hold.run(); // only now: opening may have taken the pool, since the kernel promises no name from its cache
                    out.put(ascii("head"));
                }, name("data"), 0, -1, note);
                opened.complete(c);
            });
            try (var client = Client.to(listener)) {
                Connection c = get(opened);
                if (!opening) client.expect("head");
                Eventually.await("it waits for the pool", () -> torque().files().pool().state()[1] == 1);
                c.abort();
                End end = end();
                assertEquals(0, end.sent);
                assertInstanceOf(IOException.class, end.failure);
                client.awaitGone();
                get(gate).complete(null);
            }
            listener.close();
        }
    }

    @Test void aConnectionMayEndAtAnyMomentWhileColdFilesAreRead() throws Exception {
        Path path = file("cold", new byte[8_000_000]); // more than sockets take
        for (int round = 0; round < 20; round++) {
            evict(path);
            int turns = round % 5;
            Listener listener = serve(c -> c.onRead((self, data) -> {
                data.consumeAll();
                self.sendFile(ascii("head"), name("cold"), 0, -1, note);
                abortAfter(self, turns);
            }));
            try (var client = Client.to(listener.address(), 65_536)) {
                client.send("x");
                assertInstanceOf(IOException.class, end().failure, "round " + round);
                client.awaitGone();
            }
            listener.close();
        }
    }

    /** Lets some turns pass, so that reading has not been submitted yet, or is under way. */
    private void abortAfter(Connection c, int turns) {
        if (turns == 0) c.abort();
        else torque().post(c.color(), () -> abortAfter(c, turns - 1));
    }

    @Test void theRuntimeMayStopWhileTheDiskIsWaitedFor() throws IOException {
        open(options().withFileThreads(1, 10).withDrainTimeout(java.time.Duration.ofMillis(50)));
        Path path = file("data", new byte[1_000_000]);
        evictWhole(path);
        var gate = holdPool(1);
        FileRoot.cachedLookups = false;
        Listener listener = serve(c -> c.sendFile(ascii("head"), name("data"), 0, -1, note));
        try (var client = Client.to(listener)) {
            Eventually.await("it waits for the pool", () -> torque().files().pool().state()[1] == 1);
            List<Throwable> thrown = new CopyOnWriteArrayList<>();
            Thread disk = start("disk", () -> { // comes too late, however long stopping takes here
                client.awaitGone();
                gate.complete(null);
            }, thrown);
            stop();
            assertInstanceOf(IOException.class, end().failure);
            Eventually.awaitEnd(disk);
            assertEquals(List.of(), thrown);
        }
    }

    @Test void manyConnectionsSendColdFilesAtOnce() throws Exception {
        int files = 40;
        byte[][] content = new byte[files][];
        for (int i = 0; i < files; i++) {
            content[i] = random(300_000 + i, i);
            evict(file("f" + i, content[i]));
        }
        Listener listener = serve(c -> c.onRead((self, data) -> {
            int which = data.getByte(0);
            data.consumeAll();
            self.sendFile(ascii("ok:"), name("f" + which), 0, -1, (s, sent, failure) -> {
                note.onSent(s, sent, failure);
                s.close();
            });
        }));
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int from = t;
            threads.add(start("client-" + t, () -> {
                for (int i = from; i < files; i += 8) {
                    try (var client = Client.to(listener)) {
                        client.send(new byte[] {(byte) i});
                        assertArrayEquals(join(ascii("ok:"), content[i]), client.readAll());
                    }
                }
            }, thrown));
        }
        for (Thread thread : threads) thread.join();
        assertEquals(List.of(), thrown);
        long all = 0;
        for (int i = 0; i < files; i++) all += end().sent;
        assertEquals(Arrays.stream(content).mapToLong(c -> c.length).sum(), all);
    }

    /** A turn sends 1 MiB at most; one that ends there has told of the end before it reads what the peer asks for next. */
    @Test void whoAsksForTheNextFileAtOnceNeverComesTooEarly() throws IOException {
        byte[] content = random(4 << 20, 9);
        file("even", content);
        Listener listener = serve(c -> c.onRead((self, data) -> {
            data.consumeAll();
            self.sendFile(ascii("h"), name("even"), 0, -1, note); // throws if the last one is not over
        }));
        try (var client = Client.to(listener)) {
            for (int i = 0; i < 30; i++) {
                client.send("x").expect("h");
                assertArrayEquals(content, client.read(content.length));
                expectSent(content.length);
            }
        }
    }

    @Test void partsBeyondTwoGibibytesAreSent() throws IOException {
        try (var sparse = new RandomAccessFile(directory.resolve("sparse").toFile(), "rw")) {
            sparse.seek(5L << 30);
            sparse.write(ascii("the end"));
        }
        Listener listener = serve(c -> c.sendFile(ascii(""), name("sparse"), (5L << 30) - 100_000, -1, (self, sent, failure) -> {
            note.onSent(self, sent, failure);
            self.close();
        }));
        try (var client = Client.to(listener)) {
            assertArrayEquals(new byte[100_000], client.read(100_000));
            assertEquals("the end", client.readAllText());
        }
        expectSent(100_007);
    }

    @Test void aFileSystemThatCannotTellWhatIsInMemoryIsServedToo() throws Exception {
        try (var disk = SmallDisk.mount(directory.resolve("disk"), 2 << 20)) {
            byte[] content = random(1_000_000, 8);
            Files.write(disk.path().resolve("f"), content);
            try (var holes = new RandomAccessFile(disk.path().resolve("holes").toFile(), "rw")) {
                holes.setLength(700_000);
            }
            Listener listener = serve(c -> c.sendFile(ascii("h"), FileName.of(disk.path().resolve("f")), 0, -1, (self, sent, failure) -> {
                note.onSent(self, sent, failure);
                self.sendFile(ascii("h"), FileName.of(disk.path().resolve("holes")), 0, -1, (again, n, why) -> {
                    note.onSent(again, n, why);
                    again.close();
                });
            }));
            try (var client = Client.to(listener)) {
                assertArrayEquals(join(ascii("h"), content, ascii("h"), new byte[700_000]), client.readAll());
            }
            expectSent(1_000_000);
            expectSent(700_000);
            listener.close();
        }
    }

    @Test void whatTheHandlerThrowsClosesTheConnection() throws IOException {
        file("data", new byte[10]);
        Listener listener = serve(c -> c.sendFile(ascii("h"), name("data"), 0, -1, (self, sent, failure) -> { throw new Exception("mine"); }));
        try (var client = Client.to(listener)) {
            client.awaitGone();
        }
        assertEquals("mine", takeFailure().getMessage());
    }

    @Test void aHeadThatAbortsTheConnectionEndsItAll() throws IOException {
        file("data", new byte[100_000]);
        Listener listener = serve(c -> c.onRead((self, data) -> self.sendFile((out, file) -> {
            out.put(ascii("head"));
            c.abort();
        }, name("data"), 0, -1, note)));
        try (var client = Client.to(listener)) {
            client.send("x").awaitGone();
        }
        assertTrue(end().failure instanceof IOException);
    }
}
