package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.FileRoot;
import org.libtorque.event.ListenOptions;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Balance;

/** Sockets in blocking style against the JDK's, on both backends, one vcore and two. After each test no descriptor may be left. */
@ParameterizedClass(name = "{0}, {1} vcores")
@MethodSource("setups")
@ExtendWith(LeakCheck.class)
class SocketSystemTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    private static final int LIMIT_MILLIS = (int) Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis();

    @Parameter(0) Backend backend;
    @Parameter(1) int vcores;

    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private Torque torque;

    static Stream<Object[]> setups() {
        List<Object[]> setups = new ArrayList<>();
        for (Backend backend : new Backend[] {Backend.EPOLL, Backend.IO_URING}) for (int vcores : new int[] {1, 2}) setups.add(new Object[] {backend, vcores});
        return setups.stream();
    }

    /** The JDK opens descriptors of its own with the first sockets, and with the first virtual threads that use them. */
    @BeforeAll static void warmUpTheJdk() { LeakCheck.openTheJdksOwnDescriptors(); }

    private Torque torque() {
        if (torque == null) open(Eventually.scaled(Duration.ofSeconds(150)));
        return torque;
    }

    private void open(Duration drainTimeout) { open(options().withDrainTimeout(drainTimeout)); }

    private void open(TorqueOptions options) { torque = Torque.open(options); }

    private TorqueOptions options() { return Runtimes.options(vcores).withBackend(backend).withFailureHandler((where, failure) -> failures.add(failure)); }

    @AfterEach void stop() throws Exception {
        for (AutoCloseable each : toClose) each.close();
        if (torque != null) {
            long start = System.nanoTime();
            torque.close();
            assertTrue(System.nanoTime() - start < Eventually.scaled(Duration.ofSeconds(60)).toNanos(), "stopping took too long");
        }
        assertEquals(List.of(), failures);
    }

    /** A listener that serves each connection on a thread of its colour. */
    private InetSocketAddress serve(TorqueServerSocket.Handler handler) throws IOException {
        return (InetSocketAddress) TorqueServerSocket.serve(torque(), ANY_PORT, ListenOptions.DEFAULT, handler).address();
    }

    private Socket client(InetSocketAddress address) throws IOException {
        Socket socket = new Socket();
        toClose.add(socket);
        socket.connect(address, LIMIT_MILLIS);
        socket.setSoTimeout(LIMIT_MILLIS);
        socket.setTcpNoDelay(true);
        return socket;
    }

    private ServerSocket server() throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
        toClose.add(server);
        server.setSoTimeout(LIMIT_MILLIS);
        return server;
    }

    private static void echo(TorqueSocket socket) throws IOException {
        byte[] buffer = new byte[16 * 1024];
        for (int n; (n = socket.read(buffer)) >= 0; ) socket.write(buffer, 0, n);
    }

    private static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        try {
            return future.get(LIMIT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) throw cause;
            throw e;
        }
    }

    /** Runs a body as what calls from outside do: on a platform thread. */
    private static <T> CompletableFuture<T> onPlatform(Runtimes.Body<T> body, Thread[] thread) {
        CompletableFuture<T> result = new CompletableFuture<>();
        thread[0] = Thread.ofPlatform().daemon().start(() -> complete(result, body));
        return result;
    }

    /** Runs a body on a uthread, and throws what it throws. */
    private <T> T onUthread(Runtimes.Body<T> body) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        torque().spawn(() -> complete(result, body));
        return get(result);
    }

    private static <T> void complete(CompletableFuture<T> result, Runtimes.Body<T> body) {
        try {
            result.complete(body.run());
        } catch (Throwable e) {
            result.completeExceptionally(e);
        }
    }

    private static void awaitParked(Thread thread) {
        Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
    }

    // ------------------------------------------------------------------------------------------------------ reading, writing

    @Test void aReadRunsInTheTurnOfItsEvent() throws Exception {
        open(options().withBalance(Balance.STATIC)); // what is done away from home goes home now and then, in turns of its own
        Uthreads.of(torque()).compensation(Duration.ZERO);
        InetSocketAddress address = serve(SocketSystemTest::echo);
        Socket socket = client(address);
        OutputStream out = socket.getOutputStream();
        InputStream in = socket.getInputStream();
        int messages = 200;
        long before = 0;
        for (int i = -20; i < messages; i++) {
            if (i == 0) before = tasks();
            out.write(i);
            assertEquals(i & 0xFF, in.read());
        }
        long tasks = tasks() - before;
        // One for each message, which wakes, runs and sends for the thread; the kernel's news of sending may come as another one.
        assertTrue(tasks >= messages / 2 && tasks <= 2L * messages + 20, tasks + " tasks for " + messages + " messages");
    }

    private long tasks() { return torque().vcores().stream().mapToLong(vcore -> vcore.stats().tasks()).sum(); }

    @Test void whatIsSentComesBack() throws Exception {
        InetSocketAddress address = serve(SocketSystemTest::echo);
        byte[] data = random(3_000_000, 1);
        Socket client = client(address);
        Thread sender = Thread.ofPlatform().start(() -> {
            try {
                client.getOutputStream().write(data);
                client.shutdownOutput();
            } catch (IOException e) {
                failures.add(e);
            }
        });
        assertArrayEquals(data, client.getInputStream().readAllBytes());
        sender.join();
    }

    @Test void allKindsOfMemoryWillDo() throws Exception {
        InetSocketAddress address = serve(socket -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(8);
                assertEquals(1, socket.read(memory.asSlice(2, 1)));
                socket.write(memory.asSlice(2, 1));
            }
            byte[] array = new byte[8];
            assertEquals(1, socket.read(MemorySegment.ofArray(array).asSlice(3, 1)));
            socket.write(MemorySegment.ofArray(array).asSlice(3, 1));
            for (ByteBuffer buffer : new ByteBuffer[] {ByteBuffer.allocate(8), ByteBuffer.allocateDirect(8), ByteBuffer.allocate(16).slice(4, 8)}) {
                buffer.position(2).limit(3);
                assertEquals(1, socket.read(buffer));
                assertEquals(3, buffer.position());
                buffer.position(2);
                assertEquals(1, socket.write(buffer));
                assertEquals(3, buffer.position());
            }
            ByteBuffer readOnly = ByteBuffer.allocate(1);
            assertEquals(1, socket.inputStream().read(array, 0, 1));
            readOnly.put(0, array[0]);
            assertEquals(1, socket.write(readOnly.asReadOnlyBuffer()));
            int one = socket.inputStream().read();
            socket.outputStream().write(one);
            assertThrows(IllegalArgumentException.class, () -> socket.read(MemorySegment.ofArray(new int[1])));
            assertEquals(0, socket.read(new byte[0]));
            assertThrows(IndexOutOfBoundsException.class, () -> socket.read(new byte[1], 1, 1));
        });
        Socket client = client(address);
        byte[] sent = {1, -2, 3, 4, 5, 6, -1};
        client.getOutputStream().write(sent);
        assertArrayEquals(sent, client.getInputStream().readNBytes(sent.length));
        assertEquals(-1, client.getInputStream().read());
    }

    @Test void shortReadsLoseNothing() throws Exception {
        byte[] data = random(100_000, 2);
        CompletableFuture<byte[]> got = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> complete(got, () -> {
            byte[] all = new byte[data.length];
            int at = 0;
            for (int n; at < all.length && (n = socket.read(all, at, Math.min(all.length - at, 1 + at % 777))) > 0; ) at += n;
            return all;
        }));
        client(address).getOutputStream().write(data);
        assertArrayEquals(data, get(got));
    }

    @Test void aReaderThatDoesNotReadStopsItsPeer() throws Exception {
        CompletableFuture<TorqueSocket> opened = new CompletableFuture<>();
        CompletableFuture<Void> go = new CompletableFuture<>();
        CompletableFuture<Long> count = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            opened.complete(socket);
            go.join();
            complete(count, () -> {
                long sum = 0;
                byte[] buffer = new byte[64 * 1024];
                for (int n; (n = socket.read(buffer)) >= 0; ) sum += n;
                return sum;
            });
        });
        Socket client = client(address);
        get(opened);
        client.getChannel();
        int total = 64 << 20;
        AtomicInteger sent = new AtomicInteger();
        Thread sender = Thread.ofPlatform().start(() -> {
            try {
                byte[] block = new byte[64 * 1024];
                OutputStream out = client.getOutputStream();
                while (sent.get() < total) {
                    out.write(block);
                    sent.addAndGet(block.length);
                }
                client.shutdownOutput();
            } catch (IOException e) {
                failures.add(e);
            }
        });
        int[] before = {-1};
        Eventually.await("the sender is stuck", () -> { // nothing has gone for half a second
            if (before[0] == sent.get()) return true;
            before[0] = sent.get();
            try {
                Thread.sleep(500);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return before[0] == sent.get();
        });
        assertTrue(sent.get() < total, "all was taken though nobody read");
        go.complete(null);
        assertEquals(total, get(count));
        sender.join();
    }

    @Test void aWriterWaitsForItsPeer() throws Exception {
        byte[] data = random(20 << 20, 3);
        CompletableFuture<Thread> writer = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            writer.complete(Thread.currentThread());
            socket.write(data);
            socket.flush();
            assertEquals(0, socket.connection().pendingBytes());
        });
        Socket client = client(address);
        awaitParked(get(writer));
        assertArrayEquals(data, client.getInputStream().readAllBytes());
    }

    @Test void threadsOfOtherColoursAndPlatformThreadsMayUseIt() throws Exception {
        TorqueServerSocket server = TorqueServerSocket.bind(torque(), ANY_PORT);
        toClose.add(server);
        byte[] data = random(1_000_000, 4);
        for (boolean platform : new boolean[] {false, true}) {
            Socket client = client((InetSocketAddress) server.localAddress());
            Runtimes.Body<Void> body = () -> {
                try (TorqueSocket socket = server.accept()) {
                    echo(socket);
                }
                return null;
            };
            CompletableFuture<Void> done = new CompletableFuture<>();
            if (platform) done = onPlatform(body, new Thread[1]);
            else torque().spawn(() -> { });
            CompletableFuture<Void> echoed = done;
            if (!platform) torque().spawn(() -> complete(echoed, body));
            Thread sender = Thread.ofPlatform().start(() -> {
                try {
                    client.getOutputStream().write(data);
                    client.shutdownOutput();
                } catch (IOException e) {
                    failures.add(e);
                }
            });
            assertArrayEquals(data, client.getInputStream().readAllBytes());
            get(echoed);
            sender.join();
        }
    }

    @Test void viewsAreShownInPlace() throws Exception {
        CompletableFuture<String> line = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            boolean[] found = new boolean[1];
            boolean more = false;
            while (!found[0]) {
                assertTrue(socket.read(more, (c, data) -> {
                    int end = data.indexOf((byte) '\n', 0);
                    if (end < 0) return;
                    found[0] = true;
                    line.complete(data.toLatin1(0, end));
                    data.consume(end + 1);
                }));
                more = true;
            }
            assertEquals('!', socket.inputStream().read());
            assertFalse(socket.read(false, (c, data) -> failures.add(new AssertionError("there is nothing"))));
        });
        Socket client = client(address);
        for (String part : new String[] {"a ", "line", "\n!"}) {
            client.getOutputStream().write(part.getBytes());
            Thread.sleep(20);
        }
        assertEquals("a line", get(line));
        client.shutdownOutput();
        assertEquals(-1, client.getInputStream().read());
    }

    @Test void filesAreSent(@TempDir Path directory) throws Exception {
        byte[] data = random(5_000_000, 5);
        Files.write(directory.resolve("f"), data);
        try (FileRoot root = FileRoot.open(directory)) {
            InetSocketAddress address = serve(socket -> {
                try (var file = root.open(new byte[] {'f'}, 1)) {
                    socket.write(new byte[] {7});
                    socket.sendFile(file, 0, file.size());
                    socket.write(new byte[] {8});
                }
            });
            InputStream in = client(address).getInputStream();
            assertEquals(7, in.read());
            assertArrayEquals(data, in.readNBytes(data.length));
            assertEquals(8, in.read());
            assertEquals(-1, in.read());
        }
    }

    @Test void unixSocketsWork(@TempDir Path directory) throws Exception {
        var address = UnixDomainSocketAddress.of(directory.resolve("s"));
        TorqueServerSocket.serve(torque(), address, ListenOptions.DEFAULT, SocketSystemTest::echo);
        Runtimes.on(torque(), () -> {
            try (TorqueSocket socket = TorqueSocket.connect(torque(), address)) {
                socket.write(new byte[] {1, 2, 3});
                assertArrayEquals(new byte[] {1, 2, 3}, socket.inputStream().readNBytes(3));
                socket.shutdownOutput();
                assertEquals(-1, socket.read(new byte[1]));
            }
            return null;
        });
    }

    // ----------------------------------------------------------------------------------------------------------- connecting

    @Test void aUthreadConnectsAndTheSocketHasItsColour() throws Exception {
        ServerSocket server = server();
        Runtimes.on(torque(), () -> {
            try (TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress())) {
                assertEquals(org.libtorque.vcore.Vcore.currentColor(), socket.color());
                assertEquals(server.getLocalSocketAddress(), socket.remoteAddress());
                socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
                assertTrue(socket.option(StandardSocketOptions.SO_KEEPALIVE));
                try (Socket peer = server.accept()) {
                    assertEquals(peer.getRemoteSocketAddress(), socket.localAddress());
                    socket.write(new byte[] {5});
                    socket.shutdownOutput();
                    assertEquals(5, peer.getInputStream().read());
                    assertEquals(-1, peer.getInputStream().read());
                    assertThrows(SocketException.class, () -> socket.write(new byte[1]));
                    peer.getOutputStream().write(6);
                    assertEquals(6, socket.inputStream().read());
                    socket.shutdownInput();
                    assertEquals(-1, socket.inputStream().read());
                }
            }
            return null;
        });
    }

    @Test void aPlatformThreadConnects() throws Exception {
        ServerSocket server = server();
        try (TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress()); Socket peer = server.accept()) {
            peer.getOutputStream().write(9);
            assertEquals(9, socket.inputStream().read());
            socket.write(new byte[] {10});
            assertEquals(10, peer.getInputStream().read());
        }
    }

    @Test void aRefusedConnectionIsAConnectException() throws Exception {
        InetSocketAddress nobody;
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            nobody = (InetSocketAddress) server.getLocalSocketAddress();
        }
        ConnectException e = assertThrows(ConnectException.class, () -> onUthread(() -> TorqueSocket.connect(torque(), nobody)));
        assertTrue(e.getMessage().contains("ECONNREFUSED"), e::getMessage);
    }

    @Test void connectingTakesNoLongerThanItsTimeout() throws Exception {
        // A listener that never accepts: when its backlog is full, requests get no answer.
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            for (int i = 0; i < 2; i++) client((InetSocketAddress) full.getLocalSocketAddress()); // the kernel takes one more than it was told
            SocketTimeoutException e = assertThrows(SocketTimeoutException.class,
                    () -> TorqueSocket.connect(torque(), full.getLocalSocketAddress(), ConnectOptions.DEFAULT.withTimeout(Duration.ofMillis(100))));
            assertTrue(e.getMessage().contains("connect"), e::getMessage);
            CompletableFuture<TorqueSocket> interrupted = new CompletableFuture<>();
            Thread thread = torque().spawn(() -> complete(interrupted, () -> TorqueSocket.connect(torque(), full.getLocalSocketAddress())));
            awaitParked(thread);
            thread.interrupt();
            assertThrows(ClosedByInterruptException.class, () -> get(interrupted));
        }
    }

    // ------------------------------------------------------------------------------------------------------------- timeouts

    @Test void aReadThatTimesOutLeavesTheSocketUsable() throws Exception {
        CompletableFuture<Integer> got = new CompletableFuture<>();
        ArrayBlockingQueue<String> timedOut = new ArrayBlockingQueue<>(1);
        InetSocketAddress address = serve(socket -> complete(got, () -> {
            socket.readTimeout(Duration.ofMillis(50));
            timedOut.add(assertThrows(SocketTimeoutException.class, () -> socket.read(new byte[1])).getMessage());
            socket.readTimeout(Duration.ZERO);
            int first = socket.inputStream().read();
            socket.readTimeout(Duration.ofMillis(20));
            assertThrows(SocketTimeoutException.class, () -> socket.read(false, (c, data) -> { }));
            return first;
        }));
        Socket client = client(address);
        assertEquals("nothing to read for PT0.05S", timedOut.poll(LIMIT_MILLIS, TimeUnit.MILLISECONDS));
        client.getOutputStream().write(42);
        assertEquals(42, get(got));
    }

    @Test void aWriteThatTimesOutSaysHowMuchItWrote() throws Exception {
        CompletableFuture<Integer> written = new CompletableFuture<>();
        CompletableFuture<TorqueSocket> socketOf = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            socketOf.complete(socket);
            complete(written, () -> {
                socket.writeTimeout(Duration.ofMillis(100));
                return assertThrows(SocketTimeoutException.class, () -> socket.write(new byte[100 << 20])).bytesTransferred;
            });
            // A busy machine lets the time pass before the kernel has taken all that it will: then there is room for what is left.
            while (isFlushed(socket)) assertThrows(SocketTimeoutException.class, () -> socket.write(new byte[100 << 20]));
            socket.abort();
        });
        client(address);
        int n = get(written);
        assertTrue(n > 0 && n < 100 << 20, () -> "written: " + n);
        Eventually.await("the thread has come to its end", () -> Uthreads.of(torque()).alive() == 0);
    }

    private static boolean isFlushed(TorqueSocket socket) throws IOException {
        try {
            socket.flush();
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    @Test void timeoutsHoldForOtherThreadsToo() throws Exception {
        ServerSocket server = server();
        try (TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress()); Socket peer = server.accept()) {
            socket.readTimeout(Duration.ofMillis(30));
            for (int i = 0; i < 3; i++) assertThrows(SocketTimeoutException.class, () -> socket.read(new byte[1]));
            peer.getOutputStream().write(1);
            socket.readTimeout(Duration.ofSeconds(30));
            assertEquals(1, socket.inputStream().read());
        }
    }

    // ------------------------------------------------------------------------------------------- interrupts, closing, failures

    @Test void anInterruptClosesTheSocket() throws Exception {
        for (boolean platform : new boolean[] {false, true}) {
            ServerSocket server = server();
            CompletableFuture<TorqueSocket> connected = new CompletableFuture<>();
            Runtimes.Body<Boolean> body = () -> {
                TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress());
                connected.complete(socket);
                assertThrows(ClosedByInterruptException.class, () -> socket.read(new byte[1]));
                assertFalse(socket.isOpen());
                assertThrows(ClosedChannelException.class, () -> socket.read(new byte[1]));
                assertThrows(ClosedChannelException.class, () -> socket.write(new byte[1]));
                return Thread.currentThread().isInterrupted();
            };
            Thread[] thread = new Thread[1];
            CompletableFuture<Boolean> result;
            if (platform) {
                result = onPlatform(body, thread);
            } else {
                CompletableFuture<Boolean> on = result = new CompletableFuture<>();
                thread[0] = torque().spawn(() -> complete(on, body));
            }
            try (Socket peer = server.accept()) {
                get(connected);
                awaitParked(thread[0]);
                thread[0].interrupt();
                assertTrue(get(result), "the interrupt status stays");
                assertEquals(-1, peer.getInputStream().read());
            }
        }
    }

    @Test void closingWakesReaderAndWriter() throws Exception {
        ServerSocket server = server();
        CompletableFuture<TorqueSocket> connected = new CompletableFuture<>();
        CompletableFuture<Integer> read = new CompletableFuture<>();
        CompletableFuture<Void> written = new CompletableFuture<>();
        Thread reader = torque().spawn(() -> complete(read, () -> {
            TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress());
            connected.complete(socket);
            return socket.read(new byte[1]);
        }));
        try (Socket peer = server.accept()) {
            TorqueSocket socket = get(connected);
            Thread writer = torque().spawn(() -> complete(written, () -> {
                while (true) socket.write(new byte[1 << 20]);
            }));
            awaitParked(reader);
            awaitParked(writer);
            socket.close();
            socket.close();
            assertThrows(AsynchronousCloseException.class, () -> get(read));
            assertInstanceOf(ClosedChannelException.class, assertThrows(IOException.class, () -> get(written)));
            peer.getInputStream().readAllBytes(); // what was written before comes
        }
    }

    @Test void aResetIsASocketExceptionThatSaysSo() throws Exception {
        CompletableFuture<Void> read = new CompletableFuture<>();
        CompletableFuture<Thread> reading = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            reading.complete(Thread.currentThread());
            complete(read, () -> {
                while (socket.read(new byte[1]) >= 0) { }
                throw new EOFException("an orderly end");
            });
        });
        Socket client = client(address);
        awaitParked(get(reading));
        client.setSoLinger(true, 0);
        client.close();
        SocketException e = assertThrows(SocketException.class, () -> get(read));
        assertTrue(e.getMessage().contains("ECONNRESET"), e::getMessage);
        assertInstanceOf(IOException.class, e.getCause());
    }

    @Test void aResetWakesAWriter() throws Exception {
        CompletableFuture<Void> written = new CompletableFuture<>();
        CompletableFuture<Thread> writing = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            writing.complete(Thread.currentThread());
            complete(written, () -> {
                while (true) socket.write(new byte[1 << 20]);
            });
        });
        Socket client = client(address);
        awaitParked(get(writing));
        client.setSoLinger(true, 0);
        client.close();
        assertThrows(SocketException.class, () -> get(written));
    }

    @Test void whatAHandlerThrowsIsReportedAndResetsTheConnection() throws Exception {
        InetSocketAddress address = serve(socket -> {
            socket.read(new byte[1]);
            throw new IllegalStateException("on purpose");
        });
        Socket client = client(address);
        client.getOutputStream().write(1);
        assertThrows(IOException.class, () -> client.getInputStream().read());
        Eventually.await("it is reported", () -> failures.size() == 1);
        assertEquals("on purpose", failures.removeFirst().getMessage());
    }

    @Test void callbacksMustNotWait() throws Exception {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        InetSocketAddress address = serve(socket -> {
            torque().post(socket.color(), () -> {
                try {
                    socket.read(new byte[1]);
                } catch (Throwable e) {
                    thrown.complete(e);
                }
            });
            socket.read(new byte[1]);
        });
        Socket client = client(address);
        assertInstanceOf(IllegalStateException.class, get(thrown));
        client.shutdownOutput();
        assertEquals(-1, client.getInputStream().read());
    }

    // ------------------------------------------------------------------------------------------------------------ accepting

    @Test void acceptTimesOutIsInterruptedAndClosed() throws Exception {
        TorqueServerSocket timed = TorqueServerSocket.bind(torque(), ANY_PORT);
        timed.acceptTimeout(Duration.ofMillis(30));
        assertThrows(SocketTimeoutException.class, () -> onUthread(timed::accept));
        assertThrows(SocketTimeoutException.class, timed::accept);
        timed.acceptTimeout(Duration.ZERO);
        CompletableFuture<TorqueSocket> interrupted = new CompletableFuture<>();
        Thread thread = torque().spawn(() -> complete(interrupted, timed::accept));
        awaitParked(thread);
        thread.interrupt();
        assertThrows(ClosedByInterruptException.class, () -> get(interrupted));
        assertFalse(timed.isOpen());
        assertThrows(ClosedChannelException.class, timed::accept);

        TorqueServerSocket closed = TorqueServerSocket.bind(torque(), ANY_PORT);
        CompletableFuture<TorqueSocket> asynchronously = new CompletableFuture<>();
        awaitParked(torque().spawn(() -> complete(asynchronously, closed::accept)));
        closed.close();
        assertThrows(AsynchronousCloseException.class, () -> get(asynchronously));
    }

    @Test void timeoutsMayBeForEver() throws Exception {
        Duration forEver = ChronoUnit.FOREVER.getDuration();
        TorqueServerSocket server = TorqueServerSocket.bind(torque(), ANY_PORT).acceptTimeout(forEver);
        CompletableFuture<TorqueSocket> accepted = new CompletableFuture<>();
        awaitParked(torque().spawn(() -> complete(accepted, server::accept)));
        Socket client = client((InetSocketAddress) server.localAddress());
        TorqueSocket socket = get(accepted).readTimeout(forEver).writeTimeout(forEver);
        for (boolean hasColor : new boolean[] {true, false}) {
            CompletableFuture<Integer> read = new CompletableFuture<>();
            Runnable body = () -> complete(read, () -> socket.read(new byte[1]));
            awaitParked(hasColor ? torque().spawn(socket.color(), body) : torque().spawn(body));
            client.getOutputStream().write(1);
            assertEquals(1, get(read));
        }
        socket.close();
        server.close();
    }

    @Test void aServedSocketIsReadOnSoThatNoResetOvertakesTheAnswer() throws Exception {
        InetSocketAddress address = serve(socket -> {
            assertEquals(1, socket.read(new byte[1]));
            socket.write(new byte[200_000]);
        });
        for (int i = 0; i < 10; i++) {
            try (Socket client = client(address)) {
                client.getOutputStream().write(new byte[300_000]); // of which the handler reads one
                assertEquals(200_000, client.getInputStream().readAllBytes().length);
            }
        }
    }

    @Test void anArenaThatIsClosedMeanwhileEndsTheCall() throws Exception {
        for (boolean hasColor : new boolean[] {true, false}) {
            CompletableFuture<TorqueSocket> served = new CompletableFuture<>();
            Semaphore over = new Semaphore(0);
            Socket client = client(serve(socket -> {
                served.complete(socket);
                over.acquire();
            }));
            TorqueSocket socket = get(served);
            for (boolean writes : new boolean[] {false, true}) {
                Arena arena = Arena.ofShared();
                MemorySegment segment = arena.allocate(50_000_000);
                CompletableFuture<IllegalStateException> thrown = new CompletableFuture<>();
                Runnable body = () -> complete(thrown, () -> assertThrows(IllegalStateException.class, () -> {
                    if (writes) socket.write(segment);
                    else socket.read(segment);
                }));
                awaitParked(hasColor ? torque().spawn(socket.color(), body) : torque().spawn(body));
                arena.close();
                client.getOutputStream().write(1);
                if (writes) Thread.ofPlatform().daemon().start(() -> readAway(client));
                get(thrown);
            }
            socket.abort();
            over.release();
        }
    }

    private static void readAway(Socket client) {
        try {
            client.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            // it was reset
        }
    }

    @Test void whoNobodyAcceptsWaitsAndIsServedLater() throws Exception {
        TorqueServerSocket server = TorqueServerSocket.bind(torque(), ANY_PORT, ListenOptions.DEFAULT);
        List<Socket> clients = new ArrayList<>();
        for (int i = 0; i < 20; i++) clients.add(client((InetSocketAddress) server.localAddress()));
        Thread acceptor = torque().spawn(() -> {
            try {
                while (true) {
                    TorqueSocket socket = server.accept();
                    torque().spawn(socket.color(), () -> {
                        try (socket) {
                            echo(socket);
                        } catch (IOException e) {
                            failures.add(e);
                        }
                    });
                }
            } catch (ClosedChannelException e) {
                // the end of the test
            } catch (IOException e) {
                failures.add(e);
            }
        });
        for (Socket each : clients) {
            each.getOutputStream().write(3);
            assertEquals(3, each.getInputStream().read());
            each.shutdownOutput();
            assertEquals(-1, each.getInputStream().read());
        }
        server.close();
        Runtimes.join(acceptor);
    }

    @Test void whatWasNotAcceptedIsClosedWithTheServer() throws Exception {
        TorqueServerSocket server = TorqueServerSocket.bind(torque(), ANY_PORT);
        Socket client = client((InetSocketAddress) server.localAddress());
        Eventually.await("it has come", () -> server.connections() == 1);
        server.close();
        assertEquals(-1, client.getInputStream().read());
    }

    // ------------------------------------------------------------------------------------------------------------ many, the end

    @Test void manyThreadsEachWithItsConnection() throws Exception {
        InetSocketAddress address = serve(SocketSystemTest::echo);
        int threads = 300;
        int rounds = 20;
        AtomicInteger done = new AtomicInteger();
        List<Thread> started = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int id = i;
            started.add(torque().spawn(() -> {
                try (TorqueSocket socket = TorqueSocket.connect(torque(), address)) {
                    byte[] sent = new byte[1 + id];
                    byte[] got = new byte[sent.length];
                    for (int round = 0; round < rounds; round++) {
                        java.util.Arrays.fill(sent, (byte) (id + round));
                        socket.write(sent);
                        assertEquals(got.length, socket.inputStream().readNBytes(got, 0, got.length));
                        assertArrayEquals(sent, got);
                    }
                    done.incrementAndGet();
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread thread : started) Runtimes.join(thread);
        assertEquals(threads, done.get());
    }

    @Test void whenTheRuntimeStopsWaitingServersSeeTheEnd() throws Exception {
        CompletableFuture<Integer> read = new CompletableFuture<>();
        CompletableFuture<Thread> reading = new CompletableFuture<>();
        CompletableFuture<Boolean> stopping = new CompletableFuture<>();
        TorqueServerSocket server = TorqueServerSocket.bind(torque(), ANY_PORT);
        CompletableFuture<TorqueSocket> accepted = new CompletableFuture<>();
        awaitParked(torque().spawn(() -> complete(accepted, server::accept)));
        InetSocketAddress address = serve(socket -> {
            reading.complete(Thread.currentThread());
            complete(read, () -> socket.read(new byte[1]));
            stopping.complete(socket.isStopping());
            socket.write(new byte[] {77});
        });
        Socket client = client(address);
        awaitParked(get(reading));
        Torque stopped = torque;
        Thread stopper = Thread.ofPlatform().start(stopped::close);
        assertEquals(77, client.getInputStream().read());
        assertEquals(-1, client.getInputStream().read());
        client.close();
        stopper.join();
        assertEquals(-1, get(read));
        assertTrue(get(stopping));
        assertThrows(AsynchronousCloseException.class, () -> get(accepted));
        assertThrows(IOException.class, () -> TorqueSocket.connect(stopped, address));
    }

    @Test void afterTheRuntimesEndSocketsSaySo() throws Exception {
        open(Duration.ofMillis(300)); // it is spent
        ServerSocket server = server();
        TorqueSocket socket = TorqueSocket.connect(torque(), server.getLocalSocketAddress());
        try (Socket peer = server.accept()) {
            Thread[] thread = new Thread[1];
            CompletableFuture<Integer> read = onPlatform(() -> socket.read(new byte[1]), thread);
            awaitParked(thread[0]);
            torque.close();
            torque = null;
            assertThrows(SocketException.class, () -> get(read));
            assertThrows(SocketException.class, () -> socket.write(new byte[1]));
            socket.close();
            assertNull(peer.getChannel());
        }
    }

    @Test void memoryIsReadAsItIs() throws Exception {
        InetSocketAddress address = serve(socket -> {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment segment = arena.allocate(200_000);
                for (int i = 0; i < 200_000; i++) segment.set(ValueLayout.JAVA_BYTE, i, (byte) i);
                socket.write(segment);
            }
        });
        byte[] got = client(address).getInputStream().readAllBytes();
        assertEquals(200_000, got.length);
        for (int i = 0; i < got.length; i++) assertEquals((byte) i, got[i]);
    }
}
