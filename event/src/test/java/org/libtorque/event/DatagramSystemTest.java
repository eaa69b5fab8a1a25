package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

/** UDP. On the loopback nothing is lost as long as the receiver's buffer has room. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class DatagramSystemTest extends SystemTest {
    /** The largest payload that IPv4 carries. */
    private static final int LARGEST = 65_507;

    @BeforeAll static void warmUpTheJdksDatagrams() throws IOException {
        try (var a = socket(); var b = socket()) {
            a.send(new DatagramPacket(new byte[1], 1, b.getLocalSocketAddress()));
            receive(b);
        }
    }

    private static DatagramSocket socket() throws IOException {
        var socket = new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
        socket.setSoTimeout(Client.TIMEOUT_MILLIS);
        return socket;
    }

    private static byte[] receive(DatagramSocket socket) throws IOException {
        var packet = new DatagramPacket(new byte[1 << 16], 1 << 16);
        socket.receive(packet);
        return java.util.Arrays.copyOf(packet.getData(), packet.getLength());
    }

    private static void send(DatagramSocket socket, byte[] data, SocketAddress to) throws IOException {
        socket.send(new DatagramPacket(data, data.length, to));
    }

    private DatagramListener echoing() throws IOException {
        return torque().receive(ANY_PORT, (endpoint, data) -> assertTrue(endpoint.reply(data)));
    }

    @Test void datagramsOfAnySizeAreAnsweredWhole() throws IOException {
        DatagramListener listener = echoing();
        try (var socket = socket()) {
            for (int size : new int[] {0, 1, 2, 1_000, 9_000, LARGEST}) {
                byte[] data = random(size, size);
                send(socket, data, listener.address());
                assertArrayEquals(data, receive(socket));
            }
        }
    }

    @Test void theSenderAndTheOwnAddressAreTold() throws IOException {
        var sender = new CompletableFuture<SocketAddress>();
        var local = new CompletableFuture<SocketAddress>();
        DatagramListener listener = torque().receive(ANY_PORT, (endpoint, data) -> {
            assertFalse(endpoint.isTruncated());
            local.complete(endpoint.localAddress());
            sender.complete(endpoint.sender());
        });
        try (var socket = socket()) {
            send(socket, ascii("x"), listener.address());
            assertEquals(socket.getLocalSocketAddress(), get(sender));
            assertEquals(listener.address(), get(local));
        }
    }

    @Test void manySendersAreAllAnsweredAndNeverInParallelAtOneEndpoint() throws IOException {
        Map<DatagramEndpoint, AtomicInteger> inside = new ConcurrentHashMap<>();
        var overlaps = new AtomicInteger();
        DatagramListener listener = torque().receive(ANY_PORT, (endpoint, data) -> {
            AtomicInteger mine = inside.computeIfAbsent(endpoint, e -> new AtomicInteger());
            if (mine.getAndIncrement() != 0) overlaps.incrementAndGet();
            endpoint.reply(data);
            mine.decrementAndGet();
        });
        List<DatagramSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) sockets.add(socket());
            for (int round = 0; round < 5; round++) {
                for (int i = 0; i < sockets.size(); i++) send(sockets.get(i), ascii(round + " of " + i), listener.address());
                for (int i = 0; i < sockets.size(); i++) assertArrayEquals(ascii(round + " of " + i), receive(sockets.get(i)));
            }
        } finally {
            for (DatagramSocket socket : sockets) socket.close();
        }
        assertEquals(0, overlaps.get());
        assertEquals(setup.vcores(), inside.size(), "senders are spread over the vcores' sockets; any vcore may have read them");
    }

    @Test void aBurstBeyondOneTurnIsReadToTheLast() throws IOException {
        Set<Integer> seen = new HashSet<>(); // one sender, so one vcore
        var count = new AtomicInteger();
        DatagramListener listener = torque().receive(ANY_PORT, (endpoint, data) -> {
            seen.add(data.getInt(0));
            count.incrementAndGet();
        });
        try (var socket = socket()) {
            for (int i = 0; i < 150; i++) send(socket, new byte[] {(byte) i, 0, 0, 0}, listener.address());
            Eventually.await("all have come", () -> count.get() == 150);
        }
        assertEquals(150, seen.size());
    }

    @Test void anybodyCanBeSentTo() throws IOException {
        var endpoint = new AtomicReference<DatagramEndpoint>();
        DatagramListener listener = torque().receive(ANY_PORT, (self, data) -> {
            endpoint.set(self);
            assertTrue(self.send(ascii("to a third"), new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), data.getShort(0) & 0xffff)));
            assertThrows(IllegalArgumentException.class, () -> self.send(new byte[DatagramEndpoint.MAX_BYTES + 1], self.sender()));
            assertThrows(IllegalArgumentException.class, () -> self.send(new byte[1], InetSocketAddress.createUnresolved("nowhere.invalid", 1)));
        });
        try (var first = socket(); var third = socket()) {
            int port = third.getLocalPort();
            send(first, new byte[] {(byte) port, (byte) (port >> 8)}, listener.address());
            assertArrayEquals(ascii("to a third"), receive(third));
        }
        assertNotNull(endpoint.get());
        assertThrows(IllegalStateException.class, () -> endpoint.get().sender());
        assertThrows(IllegalStateException.class, () -> endpoint.get().isTruncated());
        assertThrows(IllegalStateException.class, () -> endpoint.get().send(new byte[1], listener.address()));
    }

    @Test void aHandlersExceptionCostsItsDatagramOnly() throws IOException {
        DatagramListener listener = torque().receive(ANY_PORT, (endpoint, data) -> {
            if (data.getByte(0) == 'b') throw new Exception("bad");
            endpoint.reply(data);
        });
        try (var socket = socket()) {
            send(socket, ascii("good"), listener.address());
            send(socket, ascii("bad"), listener.address());
            send(socket, ascii("good again"), listener.address());
            assertArrayEquals(ascii("good"), receive(socket));
            assertArrayEquals(ascii("good again"), receive(socket));
        }
        assertEquals("bad", takeFailure().getMessage());
    }

    @Test void anAnswerThatNobodyTakesHurtsNobody() throws IOException {
        DatagramListener listener = echoing();
        for (int i = 0; i < 5; i++) {
            try (var gone = socket()) {
                send(gone, ascii("no answer, please"), listener.address());
            }
        }
        try (var socket = socket()) {
            send(socket, ascii("x"), listener.address());
            assertArrayEquals(ascii("x"), receive(socket));
        }
    }

    @Test void closingEndsIt() throws IOException {
        DatagramListener listener = echoing();
        try (var socket = socket()) {
            send(socket, ascii("x"), listener.address());
            assertArrayEquals(ascii("x"), receive(socket));
            assertTrue(listener.isOpen());
            listener.close();
            listener.close();
            assertFalse(listener.isOpen());
            Eventually.await("the address is free", () -> {
                try (var again = new DatagramSocket(listener.address())) {
                    return again.isBound();
                } catch (IOException inUse) {
                    return false;
                }
            });
            socket.setSoTimeout(30);
            send(socket, ascii("y"), listener.address());
            assertThrows(SocketTimeoutException.class, () -> receive(socket));
        }
    }

    @Test void addressesAreChecked() throws IOException {
        DatagramListener listener = echoing();
        assertThrows(BindException.class, () -> torque().receive(listener.address(), (endpoint, data) -> { }));
        assertThrows(IllegalArgumentException.class, () -> torque().receive(UnixDomainSocketAddress.of("socket"), (endpoint, data) -> { }));
        try (var stranger = socket()) {
            assertThrows(BindException.class, () -> torque().receive(stranger.getLocalSocketAddress(), (endpoint, data) -> { }));
        }
    }

    @Test void nothingComesAfterItWasClosedInItsHandler() throws Exception {
        var told = new AtomicInteger();
        var self = new CompletableFuture<DatagramListener>();
        DatagramListener listener = torque().receive(ANY_PORT, (endpoint, data) -> {
            told.incrementAndGet();
            get(self).close(); // done long before
        });
        self.complete(listener);
        var releases = new ArrayList<java.util.concurrent.CountDownLatch>();
        for (Vcore vcore : torque().vcores()) releases.add(hold(vcore.newColor().pin()));
        try (var socket = socket()) { // one sender, so all of them are for one vcore, and are there when it comes to them
            for (int i = 0; i < 20; i++) send(socket, ascii("datagram " + i), listener.address());
        }
        releases.forEach(java.util.concurrent.CountDownLatch::countDown);
        Eventually.await("one is told of", () -> told.get() > 0);
        stop();
        assertEquals(1, told.get());
    }
}
