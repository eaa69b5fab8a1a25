package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CopyOnWriteArrayList;
import java.util.Optional;
import java.nio.channels.SocketChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.StallMeter;
import org.libtorque.vcore.Balance;

/** Connecting to others, and the client's side of a connection. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ConnectSystemTest extends SystemTest {
    private Throwable failureOf(SocketAddress address, ConnectOptions options) {
        var failed = new CompletableFuture<Throwable>();
        torque().connect(address, options, c -> failed.completeExceptionally(new AssertionError("connected")), cause -> {
            assertTrue(current() != null, "on a vcore");
            failed.complete(cause);
        });
        return get(failed);
    }

    @Test void bothSidesOfAConnectionCanBeOurs() throws IOException {
        Listener listener = echo();
        var answer = new CompletableFuture<String>();
        var closed = new CompletableFuture<Throwable>();
        torque().connect(listener.address(), c -> {
            assertSame(c.vcore(), current());
            c.write("question".getBytes(StandardCharsets.US_ASCII));
            c.onRead((self, data) -> {
                if (data.length() < 8) return;
                answer.complete(data.toLatin1(0, 8));
                data.consumeAll();
                self.shutdownOutput();
            }).onClose((self, cause) -> closed.complete(cause));
        }, answer::completeExceptionally);
        assertEquals("question", get(answer));
        assertEquals(null, get(closed));
    }

    @Test void manyConnectAtOnce() throws IOException {
        open(options().withBalance(Balance.STATIC)); // else who seems to be busy is passed over, and on a busy machine that may be the same one each time
        Listener listener = echo();
        var done = new AtomicInteger();
        Set<Integer> vcores = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < 200; i++) {
            byte[] text = ("number " + i).getBytes(StandardCharsets.US_ASCII);
            torque().connect(listener.address(), c -> {
                vcores.add(c.vcore().index());
                c.write(text);
                c.onRead((self, data) -> {
                    if (data.length() < text.length) return;
                    assertEquals(new String(text, StandardCharsets.US_ASCII), data.toLatin1(0, text.length));
                    data.consumeAll();
                    self.close();
                }).onClose((self, cause) -> {
                    if (cause == null) done.incrementAndGet();
                });
            }, failures::add);
        }
        Eventually.await(() -> "all are done: " + done + " " + failures, Eventually.DEFAULT_LIMIT, () -> done.get() == 200);
        assertEquals(setup.vcores(), vcores.size(), "one vcore after the other");
    }

    @Test void fromACallbackItStaysOnTheVcore() throws IOException {
        open(options().withBalance(Balance.STATIC)); // else another one may take over what a busy machine leaves lying
        Listener listener = echo();
        var good = new AtomicInteger();
        torque().post(() -> {
            for (int i = 0; i < 10; i++) {
                torque().connect(listener.address(), c -> {
                    assertEquals(0, c.vcore().index()); // the default colour's
                    good.incrementAndGet();
                    c.close();
                }, failures::add);
            }
        });
        Eventually.await(() -> "all are connected: " + good + " " + failures, Eventually.DEFAULT_LIMIT, () -> good.get() == 10);
    }

    @Test void aRefusalIsAConnectException() throws IOException {
        SocketAddress nobody;
        try (var server = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            nobody = server.getLocalSocketAddress();
        }
        var e = assertInstanceOf(ConnectException.class, failureOf(nobody, ConnectOptions.DEFAULT));
        assertTrue(e.getMessage().contains("ECONNREFUSED"), e.getMessage());
    }

    @Test void aPeerThatDoesNotAnswerIsATimeout() throws IOException {
        try (var full = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            List<Client> filling = new ArrayList<>();
            try {
                for (int i = 0; i < 2; i++) filling.add(Client.to(full.getLocalSocketAddress())); // the kernel takes one more than it was told
                long start = System.nanoTime();
                Throwable cause = failureOf(full.getLocalSocketAddress(), ConnectOptions.DEFAULT.withTimeout(Duration.ofMillis(80)));
                var e = assertInstanceOf(ConnectionTimeoutException.class, cause);
                assertEquals(ConnectionTimeoutException.Kind.CONNECT, e.kind());
                assertTrue(System.nanoTime() - start >= 79_000_000);
            } finally {
                for (Client client : filling) client.close();
            }
        }
    }

    @Test void theConnectLimitEndsWithTheConnecting() throws Exception {
        StallMeter.retryIfStalled(Duration.ofMillis(500), () -> {
            Listener listener = echo();
            var answer = new CompletableFuture<String>();
            torque().connect(listener.address(), ConnectOptions.DEFAULT.withTimeout(Duration.ofSeconds(1)), c -> {
                c.onRead((self, data) -> {
                    answer.complete(data.toLatin1(0, data.length()));
                    data.consumeAll();
                }).onClose((self, cause) -> answer.completeExceptionally(new AssertionError("closed", cause)));
                torque().after(Duration.ofMillis(1_200), c.color(), () -> c.write(new byte[] {'x'}));
            }, answer::completeExceptionally);
            assertEquals("x", get(answer));
        }, this::stop);
    }

    @Test void anAddressThatIsNoneFailsLikeAnyOther() {
        int before = failures.size();
        assertInstanceOf(Exception.class, failureOf(InetSocketAddress.createUnresolved("nowhere.invalid", 80), ConnectOptions.DEFAULT));
        assertInstanceOf(Exception.class, failureOf(new SocketAddress() { private static final long serialVersionUID = 1L; }, ConnectOptions.DEFAULT));
        assertEquals(before, failures.size(), "told once");
    }

    @Test void aLocalAddressThatIsNoneFailsLikeAnyOther() throws IOException {
        Listener listener = echo();
        assertInstanceOf(BindException.class, failureOf(listener.address(),
                ConnectOptions.DEFAULT.withLocalAddress(new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0))));
        assertInstanceOf(Exception.class, failureOf(listener.address(),
                ConnectOptions.DEFAULT.withLocalAddress(InetSocketAddress.createUnresolved("nowhere.invalid", 0))));
    }

    @Test void theLocalAddressCanBeChosen() throws IOException {
        var seen = new CompletableFuture<SocketAddress>();
        var connected = new CompletableFuture<SocketAddress>();
        Listener listener = serve(c -> seen.complete(c.remoteAddress()));
        InetAddress mine = InetAddress.ofLiteral("127.0.0.77");
        torque().connect(listener.address(), ConnectOptions.DEFAULT.withLocalAddress(new InetSocketAddress(mine, 0)), c -> {
            connected.complete(c.localAddress());
            assertEquals(listener.address(), c.remoteAddress());
        }, connected::completeExceptionally);
        assertEquals(mine, ((InetSocketAddress) get(connected)).getAddress());
        assertEquals(get(connected), get(seen));
    }

    @Test void unixSocketsConnectToo(@TempDir Path directory) throws IOException {
        var address = UnixDomainSocketAddress.of(directory.resolve("socket"));
        torque().listen(address, c -> c.onRead(Connection::write));
        var answer = new CompletableFuture<String>();
        torque().connect(address, c -> {
            c.write("over a file".getBytes(StandardCharsets.US_ASCII));
            c.onRead((self, data) -> {
                if (data.length() == 11) answer.complete(data.toLatin1(0, 11));
            });
        }, answer::completeExceptionally);
        assertEquals("over a file", get(answer));
        var e = assertInstanceOf(IOException.class,
                failureOf(UnixDomainSocketAddress.of(directory.resolve("nobody")), ConnectOptions.DEFAULT));
        assertTrue(e.getMessage().contains("ENOENT"), e.getMessage());
    }

    @Test void whatTheOpenHandlerThrowsEndsTheConnection() throws IOException {
        Listener listener = echo();
        var mine = new Exception("mine");
        torque().connect(listener.address(), c -> { throw mine; }, cause -> failures.add(new AssertionError("connected before", cause)));
        assertSame(mine, takeFailure());
        Eventually.await("the server's side has ended, too", () -> listener.connections() == 0);
    }

    @Test void whatTheFailureHandlerThrowsIsReported() {
        var mine = new Exception("mine");
        torque().connect(InetSocketAddress.createUnresolved("nowhere.invalid", 80), c -> { }, cause -> { throw mine; });
        assertSame(mine, takeFailure());
    }

    @Test void dataThatCameWithTheConnectionIsShown() throws IOException {
        Listener listener = serve(c -> {
            c.write("welcome".getBytes(StandardCharsets.US_ASCII));
            c.close();
        });
        for (int i = 0; i < 20; i++) {
            var seen = new CompletableFuture<String>();
            torque().connect(listener.address(), c -> {
                var text = new StringBuilder();
                c.onRead((self, data) -> {
                    text.append(data.toLatin1(0, data.length()));
                    data.consumeAll();
                }).onClose((self, cause) -> seen.complete(text.toString()));
            }, seen::completeExceptionally);
            assertEquals("welcome", get(seen));
        }
    }

    @Test void optionsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> ConnectOptions.DEFAULT.withTimeout(Duration.ofSeconds(-1)));
        assertFalse(ConnectOptions.DEFAULT.withNoDelay(false).noDelay());
    }

    @Test void whoConnectsWhenTheRuntimeEndsAtOnceIsToldWhy() throws IOException {
        open(options().withDrainTimeout(Duration.ZERO));
        var told = new CopyOnWriteArrayList<Optional<Throwable>>();
        try (var full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var others = new ArrayList<SocketChannel>();
            for (int i = 0; i < 6; i++) { // fill its backlog, so that nobody else is answered
                others.add(SocketChannel.open());
                others.getLast().configureBlocking(false);
                others.getLast().connect(full.getLocalSocketAddress());
            }
            for (int i = 0; i < 20; i++) torque().connect(full.getLocalSocketAddress(), Connection::abort, cause -> told.add(Optional.ofNullable(cause)));
            stop();
            for (var other : others) other.close();
        }
        assertEquals(20, told.size());
        for (var cause : told) assertInstanceOf(IOException.class, cause.orElse(null));
    }
}
