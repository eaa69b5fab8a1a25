package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;

/** What {@link Connection} promises of its end, from either side or by what a callback throws. Over TCP on the loopback. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectionEndSystemTest extends SystemTest {
    // ---------------------------------------------------------------------------------------------------------------- ends

    @Test void withoutAnEndHandlerTheAnswerIsSentBeforeTheEnd() throws IOException {
        Listener listener = serve(c -> c.onRead((self, data) -> {
            data.consumeAll();
            self.write(new byte[1_000_000]);
        }));
        try (var client = Client.to(listener)) {
            client.send("x").shutDownOutput();
            sleep(10);
            assertEquals(1_000_000, client.readAll().length);
        }
    }

    @Test void withAnEndHandlerTheOtherDirectionStaysOpen() throws IOException {
        var events = new CopyOnWriteArrayList<String>();
        Listener listener = serve(c -> c
                .onRead((self, data) -> {
                    events.add("read " + data.toLatin1(0, data.length()));
                    data.consumeAll();
                })
                .onEnd(self -> {
                    events.add("end");
                    torque().after(Duration.ofMillis(20), self.color(), () -> {
                        self.write(ascii("late answer"));
                        self.close();
                    });
                })
                .onClose((self, cause) -> events.add("close " + cause)));
        try (var client = Client.to(listener)) {
            client.send("question").shutDownOutput();
            assertEquals("late answer", client.readAllText());
        }
        Eventually.await("closed", () -> events.size() == 3);
        assertEquals(List.of("read question", "end", "close null"), events);
    }

    @Test void shuttingDownOutputSendsWhatIsPendingAndReadsOn() throws IOException {
        var later = new CompletableFuture<String>();
        var closed = new CompletableFuture<Optional<Throwable>>();
        Listener listener = serve(c -> {
            c.write(new byte[500_000]);
            c.write(ascii("bye"));
            c.shutdownOutput();
            c.onRead((self, data) -> {
                assertTrue(self.isOpen());
                later.complete(data.toLatin1(0, data.length()));
                data.consumeAll();
            });
            c.onClose((self, cause) -> closed.complete(Optional.ofNullable(cause)));
        });
        try (var client = Client.to(listener)) {
            byte[] all = client.readAll();
            assertEquals(500_003, all.length);
            client.send("still there?");
            assertEquals("still there?", get(later));
        }
        assertEquals(Optional.empty(), get(closed));
    }

    @Test void closingSendsWhatIsPendingFirst() throws IOException {
        byte[] data = random(5_000_000, 11);
        var closed = new CompletableFuture<Optional<Throwable>>();
        Listener listener = serve(c -> {
            c.write(data);
            c.onClose((self, cause) -> closed.complete(Optional.ofNullable(cause)));
            c.close();
            assertFalse(c.isOpen());
            c.close();
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            sleep(30);
            assertFalse(closed.isDone());
            assertArrayEquals(data, client.readAll());
        }
        assertEquals(Optional.empty(), get(closed));
    }

    @Test void closingAtOnceIsFine() throws IOException {
        var closed = new AtomicInteger();
        Listener listener = serve(c -> {
            c.onClose((self, cause) -> closed.incrementAndGet());
            c.close();
        });
        for (int i = 0; i < 20; i++) {
            try (var client = Client.to(listener)) {
                client.expectEnd();
            }
        }
        Eventually.await("all are closed", () -> closed.get() == 20);
    }

    @Test void lingeringLetsThePeerReadTheAnswerAlthoughItStillSends() throws Exception {
        Listener listener = serve(c -> c.onRead((self, data) -> {
            data.consumeAll();
            self.write(ascii("go away"));
            self.closeLingering(Duration.ofMinutes(1));
        }));
        for (int round = 0; round < 5; round++) {
            try (var client = Client.to(listener)) {
                for (int i = 0; i < 50; i++) client.send(new byte[20_000]); // far beyond what was read before the answer
                client.expect("go away");
                client.expectEnd();
            }
        }
    }

    @Test void lingeringEndsAtItsLimit() throws IOException {
        var closed = new CompletableFuture<Optional<Throwable>>();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            data.consumeAll();
            self.write(ascii("go away"));
            self.onClose((connection, cause) -> closed.complete(Optional.ofNullable(cause)));
            self.closeLingering(Duration.ofMillis(60));
        }));
        try (var client = Client.to(listener)) {
            long start = System.nanoTime();
            client.send("x").expect("go away");
            client.expectEnd();
            assertEquals(Optional.empty(), get(closed));
            long took = System.nanoTime() - start;
            assertTrue(took >= 55_000_000, "took " + took);
        }
    }

    @Test void abortingResetsAndDropsWhatIsPending() throws IOException {
        var closed = new CompletableFuture<Optional<Throwable>>();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            self.onClose((connection, cause) -> closed.complete(Optional.ofNullable(cause)));
            self.write(new byte[100]);
            self.abort();
            assertFalse(self.isOpen());
            assertEquals(5, data.length(), "the view is valid until the handler returns");
            assertEquals('h', data.getByte(0));
        }));
        try (var client = Client.to(listener)) {
            client.send("hello");
            assertTrue(client.isReset());
        }
        assertEquals(Optional.empty(), get(closed));
    }

    @Test void aViewStaysWhatItIsUntilTheHandlerReturnsEvenAfterAborting() throws IOException {
        openWithSmallBlocks(128);
        var other = new CompletableFuture<Connection>();
        var seen = new CompletableFuture<byte[]>();
        byte[] data = random(3_000, 12);
        Listener listener = serveInOneColour(c -> {
            if (!other.isDone()) {
                other.complete(c);
                return;
            }
            c.onRead((self, view) -> {
                if (view.length() < 3_000) return; // keeps it, in a block of its own in the end
                self.abort();
                Connection friend = get(other);
                for (int i = 0; i < 10; i++) friend.write(new byte[SMALL_BLOCK]); // takes blocks, perhaps that of the view
                seen.complete(view.toByteArray(0, view.length()));
            });
        });
        try (var _ = Client.to(listener)) {
            get(other);
            try (var client = Client.to(listener)) {
                for (int at = 0; at < 3_000; at += 1_500) {
                    client.socket.getOutputStream().write(data, at, 1_500);
                    sleep(10);
                }
                assertArrayEquals(data, get(seen));
            }
        }
    }

    @Test void aResetByThePeerIsTheCauseOfTheEnd() throws IOException {
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> c.onRead(Connection::write).onClose((self, why) -> cause.complete(why)));
        try (var client = Client.to(listener)) {
            client.expectEcho("x");
            client.reset();
        }
        var e = assertInstanceOf(IOException.class, get(cause));
        assertTrue(e.getMessage().contains("ECONNRESET"), e.getMessage());
    }

    @Test void aResetAfterAHalfCloseEndsTheConnectionToo() throws IOException {
        var ended = new CompletableFuture<Boolean>();
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> c.onRead(Connection::write).onEnd(self -> ended.complete(true)).onClose((self, why) -> cause.complete(why)));
        try (var client = Client.to(listener)) {
            client.expectEcho("x");
            client.shutDownOutput();
            get(ended);
            sleep(10);
            client.reset();
        }
        assertInstanceOf(IOException.class, get(cause));
    }

    @Test void aPeerThatGoesWhileMuchIsPendingEndsTheConnection() throws IOException {
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> {
            c.onClose((self, why) -> cause.complete(why));
            c.write(new byte[8_000_000]);
        });
        try (var client = Client.to(listener)) {
            client.read(1_000);
            client.reset();
        }
        assertInstanceOf(IOException.class, get(cause));
    }

    // ---------------------------------------------------------------------------------------------------------- exceptions

    private enum Where { OPEN, READ, WRITABLE, END, CLOSE }

    @Test void anExceptionInACallbackGoesToTheHandlerAndEndsThatConnectionOnly() throws IOException {
        Listener echo = echo();
        for (Where where : Where.values()) {
            var mine = new Exception("thrown in " + where);
            var causes = new CopyOnWriteArrayList<Optional<Throwable>>();
            Listener listener = serve(c -> {
                c.onClose((self, cause) -> {
                    causes.add(Optional.ofNullable(cause));
                    if (where == Where.CLOSE) throw mine;
                });
                if (where == Where.OPEN) throw mine;
                c.setWatermarks(0, 1);
                c.onRead((self, data) -> {
                    data.consumeAll();
                    if (where == Where.READ) throw mine;
                    if (where == Where.WRITABLE) self.write(ascii("x"));
                });
                c.onWritable(self -> {
                    if (where == Where.WRITABLE) throw mine;
                });
                c.onEnd(self -> {
                    if (where == Where.END) throw mine;
                    self.close();
                });
            });
            List<Client> others = new ArrayList<>();
            try (var client = Client.to(listener)) {
                for (int i = 0; i < 4; i++) others.add(Client.to(echo));
                for (Client other : others) other.expectEcho("before " + where);
                if (where != Where.OPEN) client.send("x");
                if (where == Where.END || where == Where.CLOSE) client.shutDownOutput();
                client.awaitGone();
                Eventually.await("the close handler is called", () -> causes.size() == 1);
                assertSame(mine, takeFailure());
                assertEquals(where == Where.CLOSE ? Optional.empty() : Optional.of(mine), causes.getFirst());
                for (Client other : others) other.expectEcho("after " + where);
            } finally {
                for (Client other : others) other.close();
            }
            Eventually.await("all are gone", () -> listener.connections() + echo.connections() == 0);
            listener.close();
        }
    }

    @Test void errorsAreTreatedLikeExceptions() throws IOException {
        Listener listener = serve(c -> c.onRead((self, data) -> {
            byte first = data.getByte(0);
            data.consumeAll();
            if (first == 's') throw new StackOverflowError("mine");
            assertEquals('a', 'b');
        }));
        for (String text : List.of("stack", "assert")) {
            try (var client = Client.to(listener)) {
                client.send(text).awaitGone();
                assertInstanceOf(Error.class, takeFailure());
            }
        }
        try (var client = Client.to(listener)) {
            client.shutDownOutput().expectEnd();
        }
    }

    @Test void whatAnExecutedActionThrowsEndsTheConnection() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            c.onRead(Connection::write);
            connection.complete(c);
        });
        try (var client = Client.to(listener)) {
            var mine = new IllegalStateException("mine");
            get(connection).execute(() -> { throw mine; });
            client.awaitGone();
            assertSame(mine, takeFailure());
        }
    }
}
