package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.OutOfBuffersException;
import org.libtorque.testkit.Eventually;

/** What {@link Connection} promises of what goes out: watermarks, and what may be written, when and by whom. Over TCP on the loopback. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectionOutputSystemTest extends SystemTest {
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
            for (int i = 0; i < 1_000; i++) self.write(new byte[SMALL_BLOCK]);
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
}
