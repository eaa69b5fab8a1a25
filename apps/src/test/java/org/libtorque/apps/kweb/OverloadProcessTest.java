package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.RetryIfStalled;

/** More than there is room for, and clients that hold on to what they have. */
class OverloadProcessTest {
    /** Who is slow is told from a machine that has stood still. */
    @RegisterExtension static final RetryIfStalled RETRY = new RetryIfStalled(Duration.ofMillis(30));

    private static final int CROWD = 1000;

    /** Connections that were begun and may not be accepted yet. */
    private static final class Crowd implements AutoCloseable {
        final List<SocketChannel> channels = new ArrayList<>();

        /** Connects without waiting. */
        void join(ServerProcess server, int receiveBytes) throws IOException {
            SocketChannel channel = SocketChannel.open();
            channels.add(channel);
            if (receiveBytes > 0) channel.setOption(StandardSocketOptions.SO_RCVBUF, receiveBytes);
            channel.configureBlocking(false);
            channel.connect(server.address());
        }

        void awaitConnected() {
            for (SocketChannel channel : channels) Eventually.await("connections are made", () -> isConnected(channel));
        }

        private static boolean isConnected(SocketChannel channel) {
            try {
                return channel.finishConnect();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override public void close() throws IOException {
            for (SocketChannel channel : channels) channel.close();
        }
    }

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void outOfDescriptorsItNeitherSpinsNorStops(String backend, @TempDir Path root) throws Exception {
        Files.writeString(root.resolve("a.txt"), "A");
        byte[] large = new byte[400_000];
        Files.write(root.resolve("large.bin"), large);
        try (ServerProcess server = ServerProcess.startBehind(List.of("bash", "-c", "ulimit -n 128; exec \"$@\"", "bash"),
                "--backend", backend, "--root", root.toString())) {
            try (WireClient steady = server.connect()) {
                steady.get("/a.txt").expect(200, "A");
                try (Crowd crowd = new Crowd()) {
                    for (int i = 0; i < CROWD; i++) crowd.join(server, 0);
                    crowd.awaitConnected(); // by the kernel, in the backlog
                    server.process().awaitLine("cannot accept");
                    steady.assertOpen();
                    steady.get("/a.txt").expect(200, "A"); // from the cache, which needs no descriptor
                    Answer refused = steady.get("/large.bin").expect(503);
                    assertEquals("1", refused.field("Retry-After"));
                    awaitQuiet(server);
                    steady.assertOpen();
                    assertEquals(1, count(server, "cannot accept"), server::toString);
                    // Those who wait get their turn as others go.
                    for (int i = 0; i < CROWD - 20; i++) crowd.channels.get(i).close();
                    for (SocketChannel last : crowd.channels.subList(CROWD - 20, CROWD)) last.write(ByteBuffer.wrap(bytes(WireClient.request("GET", "/a.txt"))));
                    for (SocketChannel last : crowd.channels.subList(CROWD - 20, CROWD)) Eventually.await("the last of the crowd are served", () -> received(last) > 0);
                }
                try (WireClient late = server.connect()) {
                    assertEquals(large.length, late.get("/large.bin").expect(200).body().length);
                }
                Eventually.await("it says that it recovered", () -> count(server, "accepts again") == 1);
                assertEquals(1, count(server, "cannot accept"), server::toString);
                steady.get("/large.bin").expect(200);
            }
            server.stop();
        }
    }

    /** Until it has used little CPU for two seconds: what a busy machine has left the compiler to do is done in the first of these. Who spins does so in each. */
    private static void awaitQuiet(ServerProcess server) {
        Eventually.await("it uses less than 0.4 s of CPU time in 2 s of waiting", () -> {
            try {
                Duration before = server.cpuTime();
                Thread.sleep(2000);
                return server.cpuTime().minus(before).toMillis() < 400;
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static int count(ServerProcess server, String text) {
        return (int) server.process().stderr().stream().filter(line -> line.contains(text)).count();
    }

    private static byte[] bytes(String latin1) { return latin1.getBytes(StandardCharsets.ISO_8859_1); }

    /** Returns bytes received now, 0 if none, -1 at the end or after a reset. */
    private static int received(SocketChannel channel) {
        try {
            return channel.read(ByteBuffer.allocate(4096));
        } catch (IOException e) {
            return -1;
        }
    }

    /** Half of them send a byte of a header now and then, the others ask for a large file and never read. */
    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void clientsThatMakeNoProgressAreCutOffAndSlowNobodyDown(String backend, @TempDir Path root) throws Exception {
        Files.write(root.resolve("large.bin"), new byte[8_000_000]);
        Files.writeString(root.resolve("a.txt"), "A");
        try (ServerProcess server = ServerProcess.start("--backend", backend, "--root", root.toString(), "--header-timeout", "1s", "--progress-timeout", "1s");
                WireClient normal = server.connect()) {
            normal.get("/a.txt").expect(200, "A");
            for (int i = 0; i < 2000; i++) normal.get("/a.txt").expect(200, "A");
            int before = sockets(server);
            long quiet = latencies(normal, 300)[150];
            try (Crowd crowd = new Crowd()) {
                for (int i = 0; i < CROWD; i++) crowd.join(server, i % 2 == 0 ? 0 : 4096);
                crowd.awaitConnected();
                byte[] request = bytes(WireClient.request("GET", "/large.bin"));
                for (int i = 1; i < CROWD; i += 2) crowd.channels.get(i).write(ByteBuffer.wrap(request));
                for (int i = 0; i < CROWD; i += 2) crowd.channels.get(i).write(ByteBuffer.wrap(bytes("GET / HTTP/1.1\r\nX: ")));
                Eventually.await("they are there", () -> sockets(server) >= before + CROWD / 2);
                List<Long> busy = new ArrayList<>();
                long start = System.nanoTime();
                while (sockets(server) > before && System.nanoTime() - start < Eventually.scaled(Duration.ofSeconds(60)).toNanos()) {
                    for (int i = 0; i < CROWD; i += 2) dribble(crowd.channels.get(i));
                    for (long each : latencies(normal, 40)) busy.add(each);
                }
                assertTrue(sockets(server) <= before, () -> sockets(server) - before + " sockets are still held");
                busy.sort(null);
                long median = busy.get(busy.size() / 2);
                // Generous, since this process and the crowd's writes share the CPUs with the server: what must not be is waiting for those who are stuck.
                assertTrue(median < Math.max(10 * quiet, 20_000_000), () -> "median latency " + median + " ns beside the crowd, " + quiet + " ns without");
                // Who is stuck is so for a second or two. One request in a hundred may take that long because the machine had no CPU for it.
                long slow = busy.get(busy.size() * 99 / 100);
                assertTrue(slow < 1_000_000_000L, () -> "99 % of " + busy.size() + " requests took up to " + slow + " ns, the worst " + busy.getLast() + " ns");
            }
            normal.get("/large.bin").expect(200);
            server.stop();
        }
    }

    private static int sockets(ServerProcess server) {
        try {
            return server.sockets();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void dribble(SocketChannel channel) {
        try {
            if (channel.isOpen()) channel.write(ByteBuffer.wrap(new byte[] {'x'}));
        } catch (IOException e) {
            try {
                channel.close();
            } catch (IOException again) {
                throw new AssertionError(again);
            }
        }
    }

    private static long[] latencies(WireClient client, int count) throws IOException {
        long[] nanos = new long[count];
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            client.get("/a.txt").expect(200, "A");
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return nanos;
    }
}
