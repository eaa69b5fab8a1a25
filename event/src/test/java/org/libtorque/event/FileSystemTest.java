package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;

/** Files sent over connections. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class FileSystemTest extends SystemTest {
    @TempDir Path directory;

    private Path file(String name, byte[] content) throws IOException { return Files.write(directory.resolve(name), content); }

    private static OpenFile open(FileRoot root, String name) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return root.open(bytes, bytes.length);
    }

    @Test void fiftyMegabytesArriveUnchanged() throws IOException {
        byte[] part = random(1 << 20, 1);
        var expected = new CRC32();
        Path path = directory.resolve("large");
        try (var out = Files.newOutputStream(path)) {
            for (int i = 0; i < 50; i++) {
                part[0] = (byte) i;
                out.write(part);
                expected.update(part);
            }
        }
        try (var root = FileRoot.open(directory); var large = open(root, "large")) {
            var done = new CompletableFuture<Boolean>();
            Listener listener = serve(c -> {
                c.write(ascii("head"));
                c.sendFile(large, 0, large.size(), self -> done.complete(true));
                c.write(ascii("tail"));
                c.close();
            });
            try (var client = Client.to(listener)) {
                client.expect("head");
                var sum = new CRC32();
                for (int i = 0; i < 50; i++) sum.update(client.read(1 << 20));
                assertEquals(expected.getValue(), sum.getValue());
                client.expect("tail");
                client.expectEnd();
            }
            assertTrue(get(done));
            stop();
        }
    }

    @Test void partsOfFilesAreSentInOrderWithWhatIsWrittenAround() throws IOException {
        byte[] content = random(200_000, 2);
        file("data", content);
        try (var root = FileRoot.open(directory); var data = open(root, "data")) {
            Listener listener = serve(c -> {
                c.write(ascii("<"));
                assertThrows(IllegalArgumentException.class, () -> c.sendFile(data, -1, 1, self -> { }));
                assertThrows(IllegalArgumentException.class, () -> c.sendFile(data, 1, -1, self -> { }));
                c.sendFile(data, 100, 50_000, first -> {
                    first.write(ascii("|"));
                    first.sendFile(data, 0, 0, second -> {
                        second.sendFile(data, 199_999, 1, third -> {
                            third.write(ascii(">"));
                            third.close();
                        });
                    });
                });
                assertThrows(IllegalStateException.class, () -> c.sendFile(data, 0, 1, self -> { }), "one at a time");
                assertEquals(50_001, c.pendingBytes());
            });
            try (var client = Client.to(listener)) {
                byte[] all = client.readAll();
                byte[] expected = new byte[50_004];
                expected[0] = '<';
                System.arraycopy(content, 100, expected, 1, 50_000);
                expected[50_001] = '|';
                expected[50_002] = content[199_999];
                expected[50_003] = '>';
                assertArrayEquals(expected, all);
            }
            stop();
        }
    }

    @Test void severalConnectionsSendTheSameFile() throws IOException {
        byte[] content = random(3_000_000, 3);
        file("data", content);
        try (var root = FileRoot.open(directory); var data = open(root, "data")) {
            Listener listener = serve(c -> c.sendFile(data, 0, data.size(), Connection::close));
            List<Client> clients = new ArrayList<>();
            try {
                for (int i = 0; i < 6; i++) clients.add(Client.to(listener.address(), 65_536));
                for (int at = 0; at < content.length; at += 500_000) {
                    for (Client client : clients) assertArrayEquals(Arrays.copyOfRange(content, at, at + 500_000), client.read(500_000));
                }
                for (Client client : clients) client.expectEnd();
            } finally {
                for (Client client : clients) client.close();
            }
            stop();
        }
    }

    @Test void aFileThatTurnsOutShorterEndsTheConnection() throws IOException {
        Path path = file("shrinking", new byte[8_000_000]);
        var cause = new CompletableFuture<Optional<Throwable>>();
        var sending = new CompletableFuture<Boolean>();
        try (var root = FileRoot.open(directory); var shrinking = open(root, "shrinking")) {
            Listener listener = serve(c -> {
                c.onClose((self, why) -> cause.complete(Optional.ofNullable(why)));
                c.sendFile(shrinking, 0, shrinking.size(), self -> { });
                sending.complete(true);
            });
            try (var client = Client.to(listener.address(), 65_536)) {
                get(sending);
                client.read(100_000);
                try (var raw = new RandomAccessFile(path.toFile(), "rw")) {
                    raw.setLength(1_000);
                }
                client.awaitGone();
            }
            var e = assertInstanceOf(EOFException.class, get(cause).orElseThrow());
            assertTrue(e.getMessage().contains("bytes are missing"), e.getMessage());
            stop();
        }
    }

    @Test void aPeerThatGoesEndsTheSending() throws IOException {
        file("data", new byte[8_000_000]);
        var cause = new CompletableFuture<Optional<Throwable>>();
        try (var root = FileRoot.open(directory); var data = open(root, "data")) {
            Listener listener = serve(c -> {
                c.onClose((self, why) -> cause.complete(Optional.ofNullable(why)));
                c.sendFile(data, 0, data.size(), self -> { });
            });
            try (var client = Client.to(listener.address(), 65_536)) {
                client.read(100_000);
                client.reset();
            }
            assertInstanceOf(IOException.class, get(cause).orElseThrow());
            stop();
        }
    }

    @Test void aPeerThatTakesNothingOfAFileIsCutOff() throws IOException {
        file("data", new byte[8_000_000]);
        var cause = new CompletableFuture<Optional<Throwable>>();
        try (var root = FileRoot.open(directory); var data = open(root, "data")) {
            Listener listener = serve(c -> {
                c.setWriteProgressTimeout(Duration.ofMillis(60), 1_000);
                c.onClose((self, why) -> cause.complete(Optional.ofNullable(why)));
                c.sendFile(data, 0, data.size(), self -> { });
            });
            try (var _ = Client.to(listener.address(), 65_536)) {
                var e = assertInstanceOf(ConnectionTimeoutException.class, get(cause).orElseThrow());
                assertEquals(ConnectionTimeoutException.Kind.WRITE_PROGRESS, e.kind());
            }
            stop();
        }
    }

    @Test void whatTheDoneHandlerThrowsEndsTheConnection() throws IOException {
        file("data", new byte[100]);
        try (var root = FileRoot.open(directory); var data = open(root, "data")) {
            Listener listener = serve(c -> c.onRead((self, view) -> {
                view.consumeAll();
                self.sendFile(data, 0, 100, done -> { throw new Exception("mine"); });
            }));
            try (var client = Client.to(listener)) {
                client.send("x").awaitGone();
            }
            assertEquals("mine", takeFailure().getMessage());
            stop();
        }
    }

    @Test void filesAreReadAndDirectoriesListed() throws IOException {
        file("a", ascii("content of a"));
        Files.createDirectory(directory.resolve("sub"));
        try (var root = FileRoot.open(directory)) {
            try (var a = open(root, "a")) {
                assertTrue(a.isRegular());
                assertFalse(a.isDirectory());
                assertEquals(12, a.size());
                byte[] bytes = new byte[20];
                assertEquals(12, a.read(0, bytes, 0, 20));
                assertEquals("content of a", new String(bytes, 0, 12, StandardCharsets.US_ASCII));
                assertEquals(4, a.read(8, bytes, 3, 10));
                assertEquals(0, a.read(12, bytes, 0, 5));
                assertThrows(IndexOutOfBoundsException.class, () -> a.read(0, bytes, 15, 6));
                assertThrows(IOException.class, () -> a.list(10, new HashSet<>()));
                assertEquals(Files.getLastModifiedTime(directory.resolve("a")).toMillis(), a.modifiedSeconds() * 1_000 + a.modifiedNanos() / 1_000_000);
            }
            try (var itself = open(root, "")) {
                assertTrue(itself.isDirectory());
                Set<String> directories = new HashSet<>();
                assertEquals(Set.of("a", "sub"), new HashSet<>(itself.list(100, directories)));
                assertEquals(Set.of("sub"), directories);
                assertEquals(2, itself.list(100, directories).size(), "again, from the beginning");
                assertEquals(1, itself.list(1, directories).size());
            }
        }
    }

    /** Sends it again and again until another colour had its turn, or for so long that it never will. */
    private static void sendAgain(Connection c, OpenFile file, AtomicBoolean othersRan, long deadlineNanos) {
        if (othersRan.get() || System.nanoTime() - deadlineNanos > 0) c.close();
        else c.sendFile(file, 0, 0, self -> sendAgain(self, file, othersRan, deadlineNanos));
    }

    @Test void whoSendsOneFileAfterTheOtherLeavesOthersTheirTurn() throws IOException {
        open(options().withBalance(Balance.STATIC)); // so that only this vcore can run the others
        var othersRan = new AtomicBoolean();
        var inTime = new CompletableFuture<Boolean>();
        long patience = Eventually.scaled(Duration.ofSeconds(20)).toNanos();
        Path path = Files.writeString(directory.resolve("some"), "some");
        try (var root = FileRoot.open(directory); var file = open(root, "some")) {
            Listener listener = serve(c -> {
                torque().post(torque().newColor(), () -> othersRan.set(true));
                c.onClose((self, cause) -> inTime.complete(othersRan.get()));
                sendAgain(c, file, othersRan, System.nanoTime() + patience);
            });
            try (var client = Client.to(listener)) {
                client.expectEnd();
            }
            assertTrue(get(inTime), "nobody else ran");
        }
        Files.delete(path);
    }
}
