package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;

/** What {@link Connection} promises of what comes in: what a handler leaves, pausing, handlers that come late or change. Over TCP on the loopback. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectionInputSystemTest extends SystemTest {
    // ----------------------------------------------------------------------------------------------------------- leftovers

    @Test void whatIsLeftIsShownAgainInFrontOfWhatComesNext() throws IOException {
        List<String> shown = new CopyOnWriteArrayList<>();
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            shown.add(data.toLatin1(0, data.length()));
            int end = data.indexOf((byte) '\n', 0);
            if (end >= 0) {
                data.consume(end + 1);
                connection.write(ascii("ok"));
            }
        }));
        try (var client = Client.to(listener)) {
            client.send("ab");
            Eventually.await("first part", () -> shown.size() == 1);
            client.send("cd");
            Eventually.await("both parts", () -> shown.size() == 2);
            client.send("\nef").expect("ok");
            client.send("\n").expect("ok");
        }
        assertEquals(List.of("ab", "abcd", "abcd\nef", "ef\n"), shown);
    }

    /** Frames of random lengths, of which a handler takes as many as it likes: every path of keeping, moving and joining what is left. */
    @Test void framesSurviveHoweverTheyAreCutAndConsumed() throws IOException {
        openWithSmallBlocks(256);
        var good = new AtomicInteger();
        Listener listener = serve(c -> {
            var random = new SplittableRandom(7);
            var next = new AtomicInteger();
            c.onRead((connection, data) -> {
                for (int budget = random.nextInt(8); budget > 0 || data.length() > SMALL_BLOCK / 2; budget--) {
                    if (data.length() < 4) return;
                    int length = data.getShort(0);
                    if (data.length() < length) return;
                    int number = data.getShort(2) & 0xffff;
                    if (number != (next.getAndIncrement() & 0xffff)) throw new AssertionError("frame " + number + " instead of " + (next.get() - 1));
                    for (int i = 4; i < length; i++) {
                        if (data.getByte(i) != (byte) (number + i)) throw new AssertionError("byte " + i + " of frame " + number);
                    }
                    data.consume(length);
                    good.incrementAndGet();
                }
                // What is left although it is complete must be shown again without anything more arriving.
                if (data.length() >= 4 && data.length() >= data.getShort(0)) {
                    connection.pauseReading();
                    connection.execute(connection::resumeReading);
                }
            });
        });
        var random = new SplittableRandom(8);
        var bytes = new ByteArrayOutputStream();
        int frames = 3_000;
        for (int number = 0; number < frames; number++) {
            int length = random.nextInt(10) == 0 ? 4 + random.nextInt(2_000) : 4 + random.nextInt(60);
            bytes.write(length);
            bytes.write(length >> 8);
            bytes.write(number);
            bytes.write(number >> 8);
            for (int i = 4; i < length; i++) bytes.write(number + i);
        }
        byte[] all = bytes.toByteArray();
        try (var client = Client.to(listener)) {
            for (int at = 0; at < all.length; ) {
                int n = Math.min(all.length - at, 1 + random.nextInt(random.nextInt(4) == 0 ? 20_000 : 300));
                byte[] part = new byte[n];
                System.arraycopy(all, at, part, 0, n);
                client.send(part);
                at += n;
            }
            Eventually.await(() -> "all frames have come: " + good + " of " + frames + " " + failures, Eventually.DEFAULT_LIMIT,
                    () -> good.get() == frames || !failures.isEmpty());
        }
        assertEquals(frames, good.get());
    }

    @Test void aFullBlockLeftUnconsumedEndsTheConnection() throws IOException {
        openWithSmallBlocks(128);
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> c.onRead((connection, data) -> { }).onClose((connection, why) -> cause.complete(why)));
        try (var client = Client.to(listener)) {
            client.send(new byte[SMALL_BLOCK - 1]);
            sleep(20);
            assertFalse(cause.isDone(), "there is room for one more byte");
            client.send(new byte[1]);
            client.awaitGone();
        }
        var e = assertInstanceOf(ReadBufferFullException.class, get(cause));
        assertTrue(e.getMessage().contains("4096"), e.getMessage());
        assertSame(e, takeFailure());
    }

    @Test void asMuchAsABlockHoldsCanBeCollected() throws IOException {
        openWithSmallBlocks(128);
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            if (data.length() == SMALL_BLOCK) connection.write(data);
        }));
        byte[] bytes = random(3 * SMALL_BLOCK, 9);
        try (var client = Client.to(listener)) {
            for (int at = 0; at < bytes.length; ) {
                int n = Math.min(bytes.length - at, 700);
                client.socket.getOutputStream().write(bytes, at, n);
                at += n;
                if (at % 2100 == 0) sleep(1);
            }
            assertArrayEquals(bytes, client.read(bytes.length));
        }
    }

    @Test void anIncompleteMessageAtTheEndIsDropped() throws IOException {
        var cause = new CompletableFuture<Optional<Throwable>>();
        Listener listener = serve(c -> c.onRead((connection, data) -> { }).onClose((connection, why) -> cause.complete(Optional.ofNullable(why))));
        try (var client = Client.to(listener)) {
            client.send("incomplete").shutDownOutput().expectEnd();
        }
        assertEquals(Optional.empty(), get(cause));
    }

    // ------------------------------------------------------------------------------------------------------ pausing, handlers

    @Test void aPausedConnectionShowsNothingAndThenEverything() throws IOException {
        var connection = new CompletableFuture<Connection>();
        var shown = new AtomicInteger();
        Listener listener = serve(c -> {
            connection.complete(c);
            c.onRead((self, data) -> {
                shown.addAndGet(data.length());
                self.write(data);
            });
        });
        try (var client = Client.to(listener)) {
            Connection c = get(connection);
            on(c, () -> {
                c.pauseReading();
                c.pauseReading();
                return null;
            });
            client.send("while paused");
            sleep(20);
            assertEquals(0, shown.get());
            on(c, () -> {
                c.resumeReading();
                assertEquals(0, shown.get(), "called from the loop, not from in here");
                c.resumeReading();
                return null;
            });
            client.expect("while paused");
            client.expectEcho("and after");
        }
    }

    @Test void pausingInTheHandlerKeepsWhatItLeft() throws IOException {
        var connection = new CompletableFuture<Connection>();
        List<String> shown = new CopyOnWriteArrayList<>();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            shown.add(data.toLatin1(0, data.length()));
            data.consume(1);
            self.pauseReading();
            connection.complete(self);
        }));
        try (var client = Client.to(listener)) {
            client.send("abc");
            Connection c = get(connection);
            client.send("d");
            sleep(20);
            assertEquals(List.of("abc"), shown);
            for (int i = 2; i <= 4; i++) {
                int count = i;
                on(c, () -> {
                    c.resumeReading();
                    return null;
                });
                Eventually.await("shown again", () -> shown.size() == count);
            }
            assertEquals("bc", shown.get(1), "what was left is shown first, by itself");
            assertTrue(shown.get(2).startsWith("c"), shown::toString);
        }
    }

    @Test void aResetDuringAPauseEndsTheConnection() throws IOException {
        var connection = new CompletableFuture<Connection>();
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> {
            c.pauseReading();
            c.onRead(Connection::write).onClose((self, why) -> cause.complete(why));
            connection.complete(c);
        });
        try (var client = Client.to(listener)) {
            get(connection);
            sleep(10);
            client.reset();
        }
        assertInstanceOf(IOException.class, get(cause));
    }

    @Test void nothingIsReadBeforeThereIsAHandler() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(connection::complete);
        try (var client = Client.to(listener)) {
            client.send("early");
            Connection c = get(connection);
            sleep(20);
            c.execute(() -> c.onRead(Connection::write));
            client.expect("early");
        }
    }

    @Test void aHandlerSetInAnotherCallbackSeesWhatCameBefore() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            c.setWatermarks(0, 1);
            c.onWritable(self -> self.onRead(Connection::write));
            connection.complete(c);
        });
        try (var client = Client.to(listener)) {
            client.send("early");
            Connection c = get(connection);
            sleep(20);
            c.execute(() -> {
                c.write(ascii("first "));
                assertFalse(c.isWritable());
            });
            client.expect("first early");
        }
    }

    @Test void theHandlerCanBeChangedWhileItRuns() throws IOException {
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            data.consumeAll();
            connection.write(ascii("one"));
            connection.onRead((self, more) -> {
                more.consumeAll();
                self.write(ascii("two"));
            });
        }));
        try (var client = Client.to(listener)) {
            client.send("a").expect("one");
            client.send("b").expect("two");
        }
    }

    @Test void whenAllBuffersHoldIncompleteMessagesTheirEndsAreStillSeen() throws IOException {
        openWithSmallBlocks(128);
        var open = new AtomicInteger();
        Listener listener = serve(c -> {
            open.incrementAndGet();
            c.onRead((connection, data) -> {
                int end = data.indexOf((byte) '\n', 0);
                if (end < 0) return;
                data.consume(end + 1);
                connection.write(ascii("done"));
            });
            c.onClose((connection, cause) -> open.decrementAndGet());
        });
        for (int round = 0; round < 2; round++) {
            var clients = new ArrayList<Client>();
            int count = 150 * setup.vcores();
            for (int i = 0; i < count; i++) clients.add(Client.to(listener).send("x".repeat(SMALL_BLOCK * 3 / 4)));
            Eventually.await("all are accepted", () -> open.get() == count);
            sleep(200); // lets them take all that there is
            for (Client client : clients) client.close();
            Eventually.await("all have ended", () -> open.get() == 0);
            try (var client = Client.to(listener)) {
                client.send("x\n").expect("done");
            }
            Eventually.await("this one too", () -> open.get() == 0);
        }
    }
}
