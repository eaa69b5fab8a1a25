package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;

/** Listening on TCP and Unix sockets. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ListenerSystemTest extends SystemTest {
    @Test void thePortThatTheKernelChoseIsTold() throws IOException {
        Listener a = echo();
        Listener b = echo();
        assertTrue(((InetSocketAddress) a.address()).getPort() > 0);
        assertNotEquals(a.address(), b.address());
        assertTrue(a.isOpen());
        assertEquals("Listener[" + a.address() + "]", a.toString());
    }

    @Test void anAddressInUseIsRefused() throws IOException {
        Listener listener = echo();
        var e = assertThrows(BindException.class, () -> torque().listen(listener.address(), c -> { }));
        assertTrue(e.getMessage().contains("EADDRINUSE"), e.getMessage());
        try (var other = Torque.open(options())) {
            assertThrows(BindException.class, () -> other.listen(listener.address(), c -> { }));
            Listener theirs = other.listen(ANY_PORT, c -> { });
            assertThrows(BindException.class, () -> torque().listen(theirs.address(), c -> { }));
        }
        try (var stranger = new ServerSocket(0, 5, InetAddress.ofLiteral("127.0.0.1"))) {
            assertThrows(BindException.class, () -> torque().listen(stranger.getLocalSocketAddress(), c -> { }));
        }
        try (var client = Client.to(listener)) {
            client.expectEcho("unharmed");
        }
    }

    @Test void anAddressThatIsNotOursIsRefused() {
        assertThrows(BindException.class,
                () -> torque().listen(new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0), c -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().listen(InetSocketAddress.createUnresolved("nowhere.invalid", 80), c -> { }));
    }

    @Test void theAddressIsFreeAgainAtOnceAlsoWithConnectionsInTimeWait() throws IOException {
        Listener listener = serve(Connection::close);
        for (int i = 0; i < 5; i++) {
            try (var client = Client.to(listener)) {
                client.expectEnd(); // the server's side closes first and is the one to wait
            }
        }
        stop();
        Listener again = torque().listen(listener.address(), c -> c.onRead(Connection::write));
        assertEquals(listener.address(), again.address());
        try (var client = Client.to(again)) {
            client.expectEcho("again");
        }
    }

    @Test void aClosedListenerFreesItsAddressWhileConnectionsGoOn() throws IOException {
        Listener listener = echo();
        try (var client = Client.to(listener)) {
            client.expectEcho("before");
            listener.close();
            Eventually.await("the address is free", () -> {
                try {
                    torque().listen(listener.address(), c -> c.onRead(Connection::write)).close();
                    return true;
                } catch (IOException stillThere) {
                    return false;
                }
            });
            client.expectEcho("after");
        }
    }

    @Test void whoeverCanConnectWhileItOpensIsServed() throws IOException {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            port = free.getLocalPort();
        }
        var address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
        for (int round = 0; round < 10; round++) {
            var served = new AtomicInteger();
            var stop = new AtomicBoolean();
            Thread hasty = start("hasty", () -> {
                while (!stop.get()) {
                    try (var client = Client.to(address)) {
                        client.expectEcho("served");
                        served.incrementAndGet();
                    } catch (ConnectException notYet) {
                        continue;
                    }
                }
            }, failures);
            Listener listener = torque().listen(address, c -> c.onRead(Connection::write));
            Eventually.await("some are served", () -> served.get() > 10 || !failures.isEmpty());
            stop.set(true);
            Eventually.awaitEnd(hasty);
            listener.close();
            stop();
        }
    }

    @Test void allVcoresAccept() throws IOException {
        open(options().withBalance(Balance.STATIC)); // it is asked who accepts; connections may be served by others
        var perVcore = new AtomicInteger[setup.vcores()];
        for (int i = 0; i < perVcore.length; i++) perVcore[i] = new AtomicInteger();
        Listener listener = serve(c -> perVcore[c.vcore().index()].incrementAndGet());
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) clients.add(Client.to(listener));
            Eventually.await("all are accepted", () -> listener.connections() == 100);
            for (AtomicInteger count : perVcore) assertTrue(count.get() > 100 / setup.vcores() / 4, "unfair: " + List.of(perVcore));
        } finally {
            for (Client client : clients) client.close();
        }
    }

    @Test void noMoreThanTheWantedConnectionsAreOpenAtATime() throws IOException {
        var most = new AtomicInteger();
        var open = new AtomicInteger();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withMaxConnections(5), c -> {
            most.accumulateAndGet(open.incrementAndGet(), Math::max);
            c.onRead(Connection::write).onClose((self, cause) -> open.decrementAndGet());
        });
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 12; i++) clients.add(Client.to(listener).send("number " + i));
            Eventually.await("some are open", () -> listener.connections() >= 5);
            sleep(30);
            // Each vcore looks before it accepts: two may see the last place at the same time.
            assertTrue(listener.connections() <= 4 + setup.vcores(), "open: " + listener.connections());
            int answered = 0;
            List<Client> waiting = new ArrayList<>(clients);
            while (answered < 12) {
                for (Client client : List.copyOf(waiting)) {
                    if (client.socket.getInputStream().available() == 0) continue;
                    assertEquals('n', client.read(1)[0]);
                    client.close(); // makes room for another
                    waiting.remove(client);
                    answered++;
                }
                sleep(1);
            }
        } finally {
            for (Client client : clients) client.close();
        }
        assertTrue(most.get() <= 4 + setup.vcores(), "at most: " + most);
    }

    @Test void ipv6IsAnAddressToo() throws IOException {
        Listener listener;
        try {
            listener = torque().listen(new InetSocketAddress(InetAddress.ofLiteral("::1"), 0), c -> c.onRead(Connection::write));
        } catch (IOException e) {
            org.junit.jupiter.api.Assumptions.abort("no IPv6 here: " + e.getMessage());
            return;
        }
        try (var client = Client.to(listener)) {
            client.expectEcho("six");
        }
    }

    @Test void optionsOfTheListenerAreItsConnections() throws IOException {
        var connection = new CompletableFuture<Connection>();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withNoDelay(false).withBuffers(20_000, 30_000).withBacklog(3),
                connection::complete);
        try (var _ = Client.to(listener)) {
            Connection c = get(connection);
            on(c, () -> {
                assertFalse(c.option(StandardSocketOptions.TCP_NODELAY));
                assertEquals(60_000, c.option(StandardSocketOptions.SO_SNDBUF), "the kernel doubles it");
                assertEquals(40_000, c.option(StandardSocketOptions.SO_RCVBUF));
                return null;
            });
        }
    }

    @Test void optionsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> ListenOptions.DEFAULT.withBacklog(0));
        assertThrows(IllegalArgumentException.class, () -> ListenOptions.DEFAULT.withMaxConnections(-1));
        assertThrows(IllegalArgumentException.class, () -> ListenOptions.DEFAULT.withBuffers(-1, 0));
        assertThrows(IllegalArgumentException.class, () -> ListenOptions.DEFAULT.withIdleTimeout(Duration.ofSeconds(-1)));
    }

    // ---------------------------------------------------------------------------------------------------------------- Unix

    private static String exchange(Path path, String text) throws IOException {
        try (var client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            client.connect(UnixDomainSocketAddress.of(path));
            client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
            client.shutdownOutput();
            ByteBuffer all = ByteBuffer.allocate(1_000);
            while (client.read(all) >= 0) { }
            return new String(all.array(), 0, all.position(), StandardCharsets.US_ASCII);
        }
    }

    @Test void unixSocketsAreServedByAllVcoresAndTheirFileGoesWithThem(@TempDir Path directory) throws IOException {
        Path path = directory.resolve("socket");
        var address = UnixDomainSocketAddress.of(path);
        Listener listener = torque().listen(address, c -> {
            assertEquals(address, c.localAddress());
            c.onRead(Connection::write);
        });
        assertEquals(address, listener.address());
        for (int i = 0; i < 50; i++) assertEquals("number " + i, exchange(path, "number " + i));
        assertThrows(BindException.class, () -> torque().listen(address, c -> { }));
        assertTrue(Files.exists(path), "whoever failed to take it must not remove it");
        listener.close();
        assertFalse(Files.exists(path));
        Listener second = torque().listen(address, c -> c.onRead(Connection::write));
        assertEquals("again", exchange(path, "again"));
        assertTrue(second.isOpen());
        stop();
        assertFalse(Files.exists(path));
        assertFalse(second.isOpen());
    }

    @Test void aBurstOnAUnixSocketIsAcceptedToTheLast(@TempDir Path directory) throws IOException {
        Path path = directory.resolve("socket");
        var seen = new AtomicInteger();
        Listener listener = torque().listen(UnixDomainSocketAddress.of(path), c -> {
            seen.incrementAndGet();
            c.onRead(Connection::write);
        });
        List<SocketChannel> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 100; i++) {
                var client = SocketChannel.open(StandardProtocolFamily.UNIX);
                clients.add(client);
                client.connect(UnixDomainSocketAddress.of(path));
            }
            Eventually.await("all are accepted", () -> seen.get() == 100 && listener.connections() == 100);
        } finally {
            for (SocketChannel client : clients) client.close();
        }
        Eventually.await("all are gone", () -> listener.connections() == 0);
    }

    @Test void aChooserOfColoursThatFailsCostsThatConnectionAlone() throws IOException {
        var asked = new AtomicInteger();
        var color = torque().newColor();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withMaxConnections(2).withColors(() -> switch (asked.getAndIncrement()) {
            case 0, 1 -> throw new IllegalStateException("no colour");
            case 2 -> null;
            default -> color;
        }), c -> c.onRead(Connection::write));
        for (int i = 0; i < 3; i++) {
            try (var client = Client.to(listener)) {
                client.awaitGone();
            }
            assertEquals(i < 2 ? IllegalStateException.class : NullPointerException.class, takeFailure().getClass());
        }
        assertEquals(0, listener.connections());
        try (var one = Client.to(listener); var two = Client.to(listener)) { // both that there may be
            one.expectEcho("1");
            two.expectEcho("2");
        }
    }
}
