package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.CpuSet;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.StallMeter;
import org.libtorque.testkit.TestProcess;

/** The server as a process: how it starts, where it runs, and how it stops. */
class ServeProcessTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    // ---- starting

    @Test void theReadyLineSaysWhereAndHow() throws IOException {
        try (ServerProcess server = ServerProcess.start("--backend", "epoll")) {
            assertEquals(1, server.process().stdout().size(), server::toString);
            assertTrue(server.process().stdout().getFirst().endsWith("/ on CPUs " + CpuSet.allowed() + " with epoll"), server::toString);
            server.process().awaitLine("epoll on CPUs .*: "); // on the other stream, which may be read later
            server.stop();
        }
    }

    @Test void anAddressInUseIsSaidInOneLine() throws IOException {
        try (ServerProcess server = ServerProcess.start()) {
            int port = server.address().getPort();
            try (TestProcess second = ServerProcess.launch(List.of(), List.of("--port", "" + port, "--address", "127.0.0.1"))) {
                assertEquals(1, second.awaitExit(LONG), second::toString);
                List<String> complaints = second.stderr().stream().filter(line -> !line.contains("INFO")).toList();
                assertEquals(1, complaints.size(), second::toString);
                assertTrue(complaints.getFirst().startsWith("torque serve: cannot listen on 127.0.0.1:" + port + ": "), second::toString);
                assertTrue(complaints.getFirst().contains("Address already in use"), second::toString);
                assertEquals(List.of(), second.stdout());
            }
            try (WireClient client = server.connect()) {
                client.assertOpen();
            }
        }
    }

    @Test void requestsMayBeLoggedToStandardOutput() throws IOException {
        try (ServerProcess server = ServerProcess.start("--access-log", "-"); WireClient client = server.connect()) {
            client.assertOpen();
            server.process().awaitLine("^127\\.0\\.0\\.1 - - \\[.*] \"GET /plaintext HTTP/1\\.1\" 200 13$");
        }
    }

    @Test void restartingOnTheSamePortWorksAtOnce() throws IOException {
        int port;
        try (ServerProcess server = ServerProcess.start(); WireClient client = server.connect()) {
            port = server.address().getPort();
            client.assertOpen();
            server.stop(); // it closes first, so connections of its port linger in TIME_WAIT
        }
        try (ServerProcess server = ServerProcess.start("--port", "" + port); WireClient client = server.connect()) {
            assertEquals(port, server.address().getPort());
            client.assertOpen();
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void vcoresRunWhereTheyWereTold(int count) throws IOException {
        int[] allowed = CpuSet.allowed().toArray();
        assumeTrue(allowed.length >= count, "needs two CPUs; there is one");
        String list = count == 1 ? "" + allowed[0] : allowed[0] + "," + allowed[1];
        for (String backend : new String[] {"epoll", "io_uring"}) {
            try (ServerProcess server = ServerProcess.start("--cpus", list, "--backend", backend, "--bench-endpoints")) {
                assertEquals(count == 1 ? Map.of("torque-vcore-0", "" + allowed[0]) : Map.of("torque-vcore-0", "" + allowed[0], "torque-vcore-1", "" + allowed[1]),
                        server.vcoreCpus());
                AtomicInteger[] served = {new AtomicInteger(), new AtomicInteger()};
                for (int i = 0; i < 40; i++) {
                    try (WireClient client = server.connect()) {
                        String who = client.get("/whoami").expect(200).text();
                        served[who.contains("\"vcore\":0,\"cpu\":" + allowed[0]) ? 0 : 1].incrementAndGet();
                        assertTrue(who.contains("\"cpu\":" + allowed[0] + ",") || who.contains("\"vcore\":1,\"cpu\":" + allowed[1]), who);
                    }
                }
                assertTrue(served[0].get() > 0 && (count == 1) == (served[1].get() == 0), () -> served[0] + " and " + served[1]);
                server.stop();
            }
        }
    }

    @Test void aCpuThatMayNotBeUsedIsSaidInOneLine() throws IOException {
        try (TestProcess process = ServerProcess.launch(List.of(), List.of("--port", "0", "--cpus", "9999"))) {
            assertEquals(1, process.awaitExit(LONG), process::toString);
            assertEquals(1, process.stderr().size(), process::toString);
            assertTrue(process.stderr().getFirst().contains("may not run on CPU 9999"), process::toString);
        }
    }

    // ---- stopping

    /**
     * Connections that send all the time: each must end between two answers. The last answer is whole; where a request was sent behind it, it got
     * nothing at all, and an orderly end rather than a reset.
     */
    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void stoppingUnderLoadCutsNoAnswerShort(String backend) throws Exception {
        // Clients that stand still while the server drains have asked for nothing, and are told nothing.
        StallMeter.retryIfStalled(Duration.ofMillis(20), () -> stopUnderLoad(backend), () -> { });
    }

    private static void stopUnderLoad(String backend) throws Exception {
        try (ServerProcess server = ServerProcess.start("--backend", backend, "--bench-endpoints")) {
            int count = 24;
            AtomicInteger told = new AtomicInteger();
            AtomicInteger unanswered = new AtomicInteger();
            AtomicInteger answered = new AtomicInteger();
            List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int depth = i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 10;
                WireClient client = server.connect();
                threads.add(Thread.ofPlatform().start(() -> {
                    try (client) {
                        load(client, depth, told, unanswered, answered);
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            Eventually.await("load flows", () -> answered.get() > 2000);
            server.process().signal("TERM");
            assertEquals(0, server.process().awaitExit(LONG), server::toString);
            for (Thread thread : threads) Eventually.awaitEnd(thread);
            if (!failures.isEmpty()) throw new AssertionError(failures.size() + " clients failed", failures.getFirst());
            assertTrue(told.get() >= count / 2, told + " of " + count + " were told that the connection closes, " + unanswered + " were left with a request");
        }
    }

    private static void load(WireClient client, int depth, AtomicInteger told, AtomicInteger unanswered, AtomicInteger answered) throws IOException {
        String batch = (WireClient.request("GET", "/plaintext").repeat(depth - 1) + WireClient.request("GET", "/work?us=20"));
        while (true) {
            try {
                client.send(batch);
            } catch (IOException e) {
                unanswered.incrementAndGet(); // it ended between two batches
                return;
            }
            for (int i = 0; i < depth; i++) {
                Answer answer;
                try {
                    answer = client.read();
                } catch (EOFException e) {
                    assertEquals("the server closed after ''", e.getMessage());
                    unanswered.incrementAndGet();
                    return;
                }
                answer.expect(200);
                answered.incrementAndGet();
                if (answer.closes()) {
                    assertEquals(depth - 1, i, "the last of a batch that was read is the one that closes");
                    client.assertClosed();
                    told.incrementAndGet();
                    return;
                }
            }
        }
    }

    /** Sends a request's beginning right behind a whole one: when the answer to that is there, the server has read what is behind it, and must wait for the rest when it stops. */
    private static void begin(WireClient client, String beginning) throws IOException {
        client.send(WireClient.request("GET", "/plaintext") + beginning).read().expect(200, "Hello, World!");
    }

    @ParameterizedTest @ValueSource(strings = {"TERM", "INT"})
    void requestsInFlightAreFinished(String signal, @TempDir Path root) throws Exception {
        byte[] large = new byte[8_000_000];
        new Random(3).nextBytes(large);
        Files.write(root.resolve("large.bin"), large);
        // What the server has not come to read in some milliseconds has not arrived for it.
        StallMeter.retryIfStalled(Duration.ofMillis(30), () -> finishInFlight(signal, root, large), () -> { });
    }

    private static void finishInFlight(String signal, Path root, byte[] large) throws Exception {
        try (ServerProcess server = ServerProcess.start("--bench-endpoints", "--root", root.toString(), "--drain-timeout", "10m", "--header-timeout", "10m");
                WireClient work = server.connect(); WireClient several = server.connect(); WireClient head = server.connect(); WireClient body = server.connect();
                WireClient file = WireClient.to(server.address(), 8 * 1024); WireClient idle = server.connect()) {
            idle.assertOpen();
            begin(head, "GET /plaintext HTTP/1.1\r\nHo");
            begin(body, WireClient.request("POST", "/x", "Content-Length: 10") + "01234");
            work.sendGet("/work?us=200000");
            several.send(WireClient.request("GET", "/work?us=100000").repeat(3));
            file.sendGet("/large.bin");
            Eventually.await("the file is under way", () -> available(file) > 0);
            Thread.sleep(50);
            server.process().signal(signal);
            server.process().awaitLine("SIG" + signal + ": draining");
            // These may have been begun before the signal was heard of, and then do not say that the connection closes.
            work.read().expect(200, "{\"us\":200000}\n");
            for (int i = 0; i < 3; i++) several.read().expect(200, "{\"us\":100000}\n");
            idle.assertClosed();
            assertTrue(server.process().isAlive(), server::toString);
            head.send("st: x\r\n\r\n");
            assertTrue(head.read().expect(200, "Hello, World!").closes());
            body.send("56789");
            assertTrue(body.read().expect(405).closes());
            assertArrayEquals(large, file.read().expect(200).body());
            file.assertClosed();
            work.assertClosed();
            several.assertClosed();
            head.assertClosed();
            body.assertClosed();
            assertEquals(0, server.process().awaitExit(LONG), server::toString);
        }
    }

    private static int available(WireClient client) {
        try {
            return client.socket().getInputStream().available();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test void noConnectionIsAcceptedAnyMoreWhileDraining() throws IOException {
        try (ServerProcess server = ServerProcess.start("--drain-timeout", "10m", "--header-timeout", "10m"); WireClient holding = server.connect()) {
            begin(holding, "GET / HTTP/1.1\r\n");
            server.process().signal("TERM");
            server.process().awaitLine("draining");
            Eventually.await("connections are refused", () -> !accepts(server));
            holding.send("Host: x\r\n\r\n").read().expect(200);
            assertEquals(0, server.process().awaitExit(LONG), server::toString);
        }
    }

    private static boolean accepts(ServerProcess server) {
        try {
            server.connect().close();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @ParameterizedTest @ValueSource(strings = {"TERM", "INT"})
    void aSecondSignalEndsItAtOnce(String signal) throws IOException {
        try (ServerProcess server = ServerProcess.start("--drain-timeout", "10m"); WireClient holding = server.connect()) {
            begin(holding, "GET / HTTP/1.1\r\n");
            server.process().signal("TERM");
            server.process().awaitLine("draining");
            server.process().signal(signal);
            assertEquals(signal.equals("TERM") ? 143 : 130, server.process().awaitExit(LONG), server::toString);
        }
    }

    @Test void drainingEndsWhenItsTimeIsUp() throws IOException {
        try (ServerProcess server = ServerProcess.start("--drain-timeout", "500ms"); WireClient holding = server.connect()) {
            begin(holding, "GET / HTTP/1.1\r\n");
            long start = System.nanoTime();
            server.stop();
            long took = System.nanoTime() - start;
            assertTrue(took >= 450_000_000L, took + " ns");
            server.process().awaitLine("draining for up to 0 s;"); // in whole seconds, and 10 is the default
        }
    }

    @Test void anIdleServerStopsAtOnce() throws IOException {
        try (ServerProcess server = ServerProcess.start("--drain-timeout", "10m")) {
            try (WireClient idle = server.connect()) {
                idle.assertOpen();
                server.process().signal("TERM");
                idle.assertClosed();
            }
            assertEquals(0, server.process().awaitExit(LONG), server::toString);
            // that something takes long may be the machine's fault; anything else would be about stopping
            assertFalse(server.process().stderr().stream()
                    .anyMatch(line -> (line.contains("WARNING") || line.contains("SEVERE")) && !line.contains("has been running for")), server::toString);
        }
    }
}
