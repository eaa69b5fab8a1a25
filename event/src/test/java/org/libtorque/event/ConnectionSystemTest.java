package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** What {@link Connection} promises as a whole: that it echoes, to many and to many threads, and what it tells of itself. Over TCP on the loopback. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectionSystemTest extends SystemTest {
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

    @Test void whatIsShownAgainComesBehindWhatOthersWaitFor() throws IOException {
        open(options().withBalance(Balance.STATIC)); // so that only this vcore can run the others
        var shown = new AtomicInteger();
        var shownBefore = new CompletableFuture<Integer>();
        Listener listener = serve(c -> c.onRead((connection, data) -> {
            if (shown.incrementAndGet() == 1) torque().post(torque().newColor(), () -> shownBefore.complete(shown.get()));
            connection.output().putByte(data.getByte(0));
            data.consume(1);
            if (!data.isEmpty()) connection.showAgain();
        }));
        try (var client = Client.to(listener)) {
            client.send("abcdefghijkl").expect("abcdefghijkl");
        }
        assertTrue(get(shownBefore) <= 2, get(shownBefore) + " times before the others had a turn");
    }
}
