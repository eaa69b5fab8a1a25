package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** What {@link Connection} promises, over TCP on the loopback. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectionSystemTest extends SystemTest {
    private static final int BLOCK = 4096;

    private static byte[] ascii(String text) { return text.getBytes(StandardCharsets.US_ASCII); }

    /** As {@link #options}, with the smallest blocks, so that little data fills many. */
    private void openWithSmallBlocks(int blocks) { open(options().withBuffers(BLOCK, (long) blocks * BLOCK)); }

    // ------------------------------------------------------------------------------------------------------------- echo

    @Test void itEchoes() throws IOException {
        Listener listener = echo();
        try (var client = Client.to(listener)) {
            client.expectEcho("hello");
            client.expectEcho("x");
            client.expectEcho("y".repeat(50_000));
            client.shutDownOutput().expectEnd();
        }
    }

    @Test void tenMegabytesComeBackUnderBackPressure() throws Exception {
        var most = new AtomicLong();
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            connection.write(data);
            most.accumulateAndGet(connection.pendingBytes(), Math::max);
        }));
        byte[] data = random(10 << 20, 1);
        try (var client = Client.to(listener)) {
            Thread writer = start("writer", () -> client.send(data).shutDownOutput(), failures);
            sleep(50); // lets everything on the way fill up
            var sum = new CRC32();
            byte[] back = client.readAll();
            sum.update(back);
            var expected = new CRC32();
            expected.update(data);
            assertEquals(data.length, back.length);
            assertEquals(expected.getValue(), sum.getValue());
            Eventually.awaitEnd(writer);
        }
        int limit = StreamConnection.DEFAULT_HIGH_WATERMARK + 2 * 32 * 1024;
        assertTrue(most.get() <= limit, "pending: " + most.get());
    }

    @Test void manyConnectionsAreServedAndCounted() throws IOException {
        var opened = new AtomicInteger();
        var closed = new AtomicInteger();
        Set<Long> ids = ConcurrentHashMap.newKeySet();
        Set<Color> colors = ConcurrentHashMap.newKeySet();
        Set<Integer> vcores = ConcurrentHashMap.newKeySet();
        Listener listener = serve(c -> {
            opened.incrementAndGet();
            ids.add(c.id());
            colors.add(c.color());
            vcores.add(c.vcore().index());
            assertSame(c.vcore(), current());
            c.onRead(Connection::write).onClose((connection, cause) -> {
                if (cause == null) closed.incrementAndGet();
            });
        });
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) clients.add(Client.to(listener));
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < clients.size(); i++) clients.get(i).send("message " + round + " of " + i);
                for (int i = 0; i < clients.size(); i++) clients.get(i).expect("message " + round + " of " + i);
            }
            assertEquals(200, listener.connections());
        } finally {
            for (Client client : clients) client.close();
        }
        Eventually.await("all are closed", () -> closed.get() == 200 && listener.connections() == 0);
        assertEquals(200, opened.get());
        assertEquals(200, ids.size());
        assertEquals(200, colors.size());
        assertEquals(setup.vcores(), vcores.size(), "every vcore accepts");
    }

    @Test void connectionsComeAndGoQuickly() throws IOException {
        var closed = new AtomicInteger();
        Listener listener = serve(c -> c.onRead(Connection::write).onClose((connection, cause) -> closed.incrementAndGet()));
        for (int i = 0; i < 300; i++) {
            try (var client = Client.to(listener)) {
                if (i % 3 > 0) client.expectEcho("number " + i);
                if (i % 5 == 0) client.reset();
            }
        }
        Eventually.await("all are closed", () -> closed.get() == 300);
        assertEquals(0, listener.connections());
    }

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
                for (int budget = random.nextInt(8); budget > 0 || data.length() > BLOCK / 2; budget--) {
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
            client.send(new byte[BLOCK - 1]);
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
            if (data.length() == BLOCK) connection.write(data);
        }));
        byte[] bytes = random(3 * BLOCK, 9);
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

    // ---------------------------------------------------------------------------------------------------------- watermarks

    @Test void whoIsAboveTheHighWatermarkIsToldOnceItIsBelowTheLowOne() throws IOException {
        var told = new AtomicInteger();
        var connection = new CompletableFuture<Connection>();
        var unwritable = new AtomicBoolean();
        var pendingWhenTold = new AtomicLong();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
            c.setWatermarks(100_000, 500_000);
            c.onWritable(self -> {
                told.incrementAndGet();
                pendingWhenTold.set(self.pendingBytes());
            });
            assertTrue(c.isWritable());
            c.write(new byte[2_000_000]);
            unwritable.set(!c.isWritable());
            connection.complete(c);
        });
        try (var client = Client.to(listener.address(), 32_768)) {
            Connection c = get(connection);
            assertTrue(unwritable.get());
            assertTrue(on(c, c::pendingBytes) > 500_000);
            assertEquals(0, told.get());
            client.read(2_000_000);
            Eventually.await("told", () -> told.get() == 1);
            assertTrue(pendingWhenTold.get() <= 100_000, "pending: " + pendingWhenTold);
            assertTrue(on(c, c::isWritable));
            assertEquals(0, on(c, c::pendingBytes));
        }
        assertEquals(1, told.get());
    }

    @Test void aProducerThatStopsWhenUnwritableAndGoesOnWhenToldNeverStalls() throws IOException {
        int total = 3_000_000;
        Listener listener = serve(c -> {
            int[] left = {total};
            Connection.Handler produce = self -> {
                while (left[0] > 0 && self.isWritable()) {
                    int n = Math.min(left[0], 10_000);
                    self.write(new byte[n]);
                    left[0] -= n;
                }
                if (left[0] == 0) self.close();
            };
            c.onWritable(produce);
            produce.on(c);
        });
        try (var client = Client.to(listener)) {
            assertEquals(total, client.readAll().length);
        }
    }

    @Test void watermarksAreChecked() throws IOException {
        var done = new CompletableFuture<Boolean>();
        Listener listener = serve(c -> {
            assertThrows(IllegalArgumentException.class, () -> c.setWatermarks(-1, 5));
            assertThrows(IllegalArgumentException.class, () -> c.setWatermarks(6, 5));
            c.setWatermarks(0, 0);
            done.complete(true);
        });
        try (var _ = Client.to(listener)) {
            get(done);
        }
    }

    @Test void aPeerThatDoesNotTakeItsAnswersIsNotReadEither() throws Exception {
        var most = new AtomicLong();
        var answered = new AtomicInteger();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 16_384), c -> {
            c.setWatermarks(10_000, 50_000);
            c.onRead((self, data) -> {
                while (data.length() >= 4 && self.isWritable()) {
                    data.consume(4);
                    self.write(new byte[1_000]);
                    answered.incrementAndGet();
                }
                most.accumulateAndGet(self.pendingBytes(), Math::max);
            });
        });
        try (var client = Client.to(listener.address(), 16_384)) {
            Thread writer = start("writer", () -> {
                for (int i = 0; i < 1_000; i++) client.send("ping");
            }, failures);
            Eventually.await("it stops reading", () -> most.get() >= 50_000);
            Eventually.await("it has stopped", () -> {
                int before = answered.get();
                sleep(60);
                return before == answered.get();
            });
            assertTrue(answered.get() < 1_000, "it has not read all");
            client.read(1_000 * 1_000);
            Eventually.awaitEnd(writer);
        }
        assertEquals(1_000, answered.get());
        assertTrue(most.get() <= 51_000, "pending: " + most);
    }

    // ------------------------------------------------------------------------------------------------------------ writing

    @Test void bytesOfAnyKindAreWrittenInOrder() throws IOException {
        Listener listener = serve(c -> {
            c.write(ascii("array "));
            c.write(ascii("(range) "), 1, 5);
            c.write(ByteBuffer.wrap(ascii(" heap buffer ")).position(1));
            ByteBuffer direct = ByteBuffer.allocateDirect(16);
            direct.put(ascii("direct buffer ")).flip();
            c.write(direct);
            assertFalse(direct.hasRemaining());
            c.write(MemorySegment.ofArray(ascii("heap segment ")));
            try (Arena arena = Arena.ofConfined()) {
                c.write(arena.allocateFrom("native segment ", StandardCharsets.US_ASCII).asSlice(0, 15));
            }
            ByteView view = ByteView.copyOf(ascii("(view) "));
            view.consume(1);
            c.write(view);
            assertTrue(view.isEmpty());
            ByteSink sink = c.output();
            sink.putDecimal(-42);
            sink.putLatin1(" sink");
            assertSame(sink, c.output());
            c.close();
        });
        try (var client = Client.to(listener)) {
            assertEquals("array rangeheap buffer direct buffer heap segment native segment view) -42 sink", client.readAllText());
        }
    }

    @Test void aSegmentThatMayNotBeReadIsRefused() throws IOException {
        MemorySegment closed;
        try (Arena arena = Arena.ofConfined()) {
            closed = arena.allocate(1 << 20);
        }
        try (Arena mine = Arena.ofConfined()) {
            MemorySegment foreign = mine.allocate(100);
            Listener listener = serve(c -> {
                assertThrows(IllegalStateException.class, () -> c.write(closed));
                assertThrows(WrongThreadException.class, () -> c.write(foreign));
                c.write(ascii("refused"));
                c.close();
            });
            try (var client = Client.to(listener)) {
                assertEquals("refused", client.readAllText());
            }
        }
    }

    @Test void largeWritesInOneGoComeOutWhole() throws IOException {
        byte[] data = random(1_000_003, 10);
        openWithSmallBlocks(1_000);
        Listener listener = serve(c -> {
            c.write(data);
            c.close();
        });
        try (var client = Client.to(listener)) {
            assertArrayEquals(data, client.readAll());
        }
    }

    @Test void writingAfterTheEndIsRefused() throws IOException {
        var thrown = new CompletableFuture<List<Throwable>>();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            data.consumeAll();
            List<Throwable> all = new ArrayList<>();
            ByteSink sink = self.output();
            self.shutdownOutput();
            all.add(assertThrows(IllegalStateException.class, () -> self.write(ascii("late"))));
            self.close();
            assertFalse(self.isOpen());
            all.add(assertThrows(IllegalStateException.class, self::output));
            self.close();
            self.abort();
            all.add(assertThrows(IllegalStateException.class, () -> self.write(ascii("late"))));
            all.add(assertThrows(IllegalStateException.class, () -> sink.putByte(1)));
            thrown.complete(all);
        }));
        try (var client = Client.to(listener)) {
            client.send("x");
            client.awaitGone();
        }
        assertEquals("output was shut down", get(thrown).getFirst().getMessage());
    }

    @Test void aCallbackMayWriteToOtherConnectionsOfItsColour() throws IOException {
        var members = new CopyOnWriteArrayList<Connection>();
        Listener listener = serveInOneColour(c -> {
            members.add(c);
            c.onRead((self, data) -> {
                for (Connection member : members) member.output().put(data, 0, data.length());
                data.consumeAll();
            }).onClose((self, cause) -> members.remove(self));
        });
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) clients.add(Client.to(listener));
            Eventually.await("all are there", () -> members.size() == 20);
            var random = new SplittableRandom(13);
            for (int round = 0; round < 20; round++) {
                String text = "round " + round + " " + "x".repeat(random.nextInt(20_000));
                Client speaker = clients.get(random.nextInt(20));
                speaker.send(text);
                for (Client listening : clients) listening.expect(text);
            }
        } finally {
            for (Client client : clients) client.close();
        }
    }

    private Listener serveInOneColour(ConnectionHandler handler) throws IOException {
        return torque().listen(ANY_PORT, ListenOptions.DEFAULT.withColor(torque().newColor()), handler);
    }

    @Test void theConnectionsOfOthersAreRefused() throws IOException {
        var first = new CompletableFuture<Connection>();
        var refused = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> {
            if (first.complete(c)) c.onRead(Connection::write);
            else c.onRead((self, data) -> refused.complete(assertThrows(IllegalStateException.class, () -> get(first).write(ascii("x")))));
        });
        try (var one = Client.to(listener)) {
            get(first);
            try (var two = Client.to(listener)) {
                two.send("theirs");
                assertTrue(get(refused).getMessage().contains("execute()"), get(refused).getMessage());
            }
            one.expectEcho("unharmed");
        }
    }

    /**
     * While the kernel holds a connection's only block, another task of its colour writes to it, and so much else is to be done that the kernel is
     * asked before the connection gets its turn: the block is not the kernel's alone.
     */
    @Test void whatIsWrittenWhileTheRestIsOnItsWayIsNotLost() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(connection::complete);
        try (var client = Client.to(listener)) {
            Connection c = get(connection);
            for (int round = 0; round < 20; round++) {
                torque().post(c.color(), () -> {
                    c.write(ascii("first "));
                    torque().post(c.color(), () -> { // runs behind c, which has sent by then
                        for (int i = 0; i < 2_000; i++) torque().post(c.vcore().newColor(), () -> { });
                        c.write(ascii("second "));
                    });
                });
                client.expect("first second ");
            }
        }
    }

    @Test void outOfBuffersEndsTheConnectionThatNeedsThemAndNoOther() throws IOException {
        openWithSmallBlocks(128);
        var cause = new CompletableFuture<Throwable>();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            if (data.getByte(0) == 'e') {
                self.write(data);
                return;
            }
            data.consumeAll();
            self.onClose((connection, why) -> cause.complete(why));
            for (int i = 0; i < 1_000; i++) self.write(new byte[BLOCK]);
        }));
        try (var other = Client.to(listener); var client = Client.to(listener)) {
            other.expectEcho("echo before");
            client.send("x");
            client.awaitGone();
            assertInstanceOf(OutOfBuffersException.class, get(cause));
            other.expectEcho("echo after");
        }
        assertInstanceOf(OutOfBuffersException.class, takeFailure());
    }

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
                for (int i = 0; i < 10; i++) friend.write(new byte[BLOCK]); // takes blocks, perhaps that of the view
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

    // ------------------------------------------------------------------------------------------------------------- threads

    /** Where they run is the balance's business: idle vcores take colours that wait, so that the connection's own vcore is not promised. */
    @Test void callbacksOfOneConnectionNeverOverlapAndRunUnderItsColor() throws Exception {
        List<Vcore> vcores = torque().vcores();
        assertEquals(0, strangersAmongCallbacks(c -> Vcore.currentColor() != c.color() || !vcores.contains(current())));
    }

    /** Nothing is taken from a vcore then. */
    @Test void withStaticBalanceTheyRunOnItsVcore() throws Exception {
        open(options().withBalance(Balance.STATIC));
        assertEquals(0, strangersAmongCallbacks(c -> !c.vcore().isCurrent()));
    }

    /** Has data arrive and tasks be executed at the same time, asserts that no two callbacks overlap, and returns in how many {@code isStranger} held. */
    private int strangersAmongCallbacks(Predicate<Connection> isStranger) throws Exception {
        var inside = new AtomicInteger();
        var overlaps = new AtomicInteger();
        var strangers = new AtomicInteger();
        var read = new AtomicInteger();
        var executed = new AtomicInteger();
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            connection.complete(c);
            c.onRead((self, data) -> {
                if (inside.getAndIncrement() != 0) overlaps.incrementAndGet();
                if (isStranger.test(self)) strangers.incrementAndGet();
                read.incrementAndGet();
                self.write(data);
                inside.decrementAndGet();
            });
        });
        try (var client = Client.to(listener)) {
            Connection c = get(connection);
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                threads.add(start("executor " + t, () -> {
                    for (int i = 0; i < 200; i++) {
                        c.execute(() -> {
                            if (inside.getAndIncrement() != 0) overlaps.incrementAndGet();
                            if (isStranger.test(c)) strangers.incrementAndGet();
                            executed.incrementAndGet();
                            inside.decrementAndGet();
                        });
                        if (i % 20 == 0) Thread.sleep(1);
                    }
                }, failures));
            }
            for (int i = 0; i < 100; i++) client.expectEcho("message " + i);
            for (Thread thread : threads) Eventually.awaitEnd(thread);
            Eventually.await("all have run", () -> executed.get() == 600);
        }
        assertTrue(read.get() >= 100, "one for each message, or more: " + read);
        assertEquals(0, overlaps.get());
        return strangers.get();
    }

    @Test void anyThreadMayCloseAbortAndExecute() throws IOException {
        var connections = new CopyOnWriteArrayList<Connection>();
        Listener listener = serve(c -> {
            c.onRead(Connection::write);
            connections.add(c);
        });
        try (var a = Client.to(listener); var b = Client.to(listener)) {
            Eventually.await("both are open", () -> connections.size() == 2);
            a.expectEcho("a");
            b.expectEcho("b");
            boolean firstIsA = on(connections.get(0), connections.get(0)::remoteAddress).equals(a.localAddress());
            Connection serverA = connections.get(firstIsA ? 0 : 1);
            Connection serverB = connections.get(firstIsA ? 1 : 0);
            serverA.execute(() -> serverA.write(ascii("from outside")));
            a.expect("from outside");
            serverA.close();
            a.expectEnd();
            serverB.abort();
            assertTrue(b.isReset());
            Eventually.await("both have ended", () -> listener.connections() == 0);
            assertFalse(serverA.isOpen());
            var ran = new AtomicBoolean();
            serverA.execute(() -> ran.set(true));
            onVcore(() -> null);
            assertFalse(ran.get(), "dropped, since it has ended");
            serverA.close();
            serverB.abort();
        }
    }

    @Test void theRestBelongsToTheVcoreAndSaysSo() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            c.onRead(Connection::write);
            connection.complete(c);
        });
        try (var client = Client.to(listener)) {
            Connection c = get(connection);
            List<Runnable> calls = List.of(() -> c.write(new byte[1]), c::output, c::pauseReading, c::resumeReading, c::pendingBytes, c::isWritable,
                    () -> c.setIdleTimeout(Duration.ofSeconds(1)), () -> c.setDeadline(1), c::localAddress, c::shutdownOutput,
                    () -> c.setWatermarks(1, 2), () -> c.onRead(null), () -> c.onEnd(null), () -> c.onClose(null), () -> c.onWritable(null),
                    () -> c.onDrain(null), () -> c.option(StandardSocketOptions.TCP_NODELAY));
            for (int i = 0; i < calls.size(); i++) {
                var e = assertThrows(IllegalStateException.class, calls.get(i)::run, "call " + i);
                assertTrue(e.getMessage().contains("execute()"), e.getMessage());
            }
            client.expectEcho("unharmed");
        }
    }

    // ------------------------------------------------------------------------------------------------------- what it tells

    @Test void bothAddressesAreTold() throws IOException {
        var connection = new CompletableFuture<Connection>();
        var closed = new CompletableFuture<Object>();
        Listener listener = serve(c -> {
            c.onRead(Connection::write).onClose((self, cause) -> closed.complete(self.remoteAddress()));
            connection.complete(c);
        });
        try (var client = Client.to(listener)) {
            Connection c = get(connection);
            assertEquals(listener.address(), on(c, c::localAddress));
            assertEquals(client.localAddress(), on(c, c::remoteAddress));
            assertSame(c.remoteAddress(), c.remoteAddress());
            client.leave();
            assertEquals(c.remoteAddress(), get(closed));
        }
    }

    @Test void optionsReachTheSocket() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(connection::complete);
        try (var _ = Client.to(listener)) {
            Connection c = get(connection);
            on(c, () -> {
                assertTrue(c.option(StandardSocketOptions.TCP_NODELAY), "the listener's default");
                c.setOption(StandardSocketOptions.TCP_NODELAY, false).setOption(StandardSocketOptions.SO_KEEPALIVE, true)
                        .setOption(TcpOptions.TCP_KEEPIDLE, 77).setOption(TcpOptions.TCP_USER_TIMEOUT, 5_000);
                assertFalse(c.option(StandardSocketOptions.TCP_NODELAY));
                assertTrue(c.option(StandardSocketOptions.SO_KEEPALIVE));
                assertEquals(77, c.option(TcpOptions.TCP_KEEPIDLE));
                assertEquals(5_000, c.option(TcpOptions.TCP_USER_TIMEOUT));
                c.setOption(StandardSocketOptions.SO_SNDBUF, 30_000);
                assertEquals(60_000, c.option(StandardSocketOptions.SO_SNDBUF), "the kernel doubles it");
                assertThrows(UnsupportedOperationException.class, () -> c.option(StandardSocketOptions.IP_TOS));
                assertThrows(IllegalArgumentException.class, () -> c.setOption(TcpOptions.TCP_KEEPIDLE, null));
                var e = assertThrows(RuntimeException.class, () -> c.setOption(TcpOptions.TCP_KEEPIDLE, -1));
                assertTrue(e.getMessage().contains("EINVAL"), e.getMessage());
                return null;
            });
        }
    }

    @Test void itKeepsAnObjectForTheProgram() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = serve(c -> {
            assertNull(c.attachment());
            assertSame(c, c.attach("mine"));
            connection.complete(c);
        });
        try (var _ = Client.to(listener)) {
            assertEquals("mine", get(connection).attachment());
            assertTrue(get(connection).toString().startsWith("Connection["), get(connection).toString());
        }
    }

    @Test void whatIsToBeShownAgainIsShownBeforeThePeersEnd() throws IOException {
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            connection.output().putByte(data.getByte(0));
            data.consume(1);
            if (!data.isEmpty()) connection.showAgain();
        }));
        for (int i = 0; i < 300; i++) { // whether the end is there before the rest is shown is chance
            try (var client = Client.to(listener)) {
                client.send("abcdef").shutDownOutput();
                assertEquals("abcdef", client.readAllText());
            }
        }
    }
}
