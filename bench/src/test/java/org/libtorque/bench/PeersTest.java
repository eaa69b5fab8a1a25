package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.bench.Peer.Slot;
import org.libtorque.bench.Peer.UnavailableException;

final class PeersTest {
    private static final int REQUESTS = 500;
    private static final Path C_SOURCES = Path.of("c").toAbsolutePath();

    @TempDir
    Path scratch;

    /** Starting one checks its answers; see {@link ServerProcess#start}. */
    @ParameterizedTest
    @ValueSource(strings = {"c-epoll", "c-io_uring", "netty-epoll", "netty-io_uring", "netty-io_uring-ring", "netty-nio", "netty-epoll-scan",
            "netty-io_uring-scan", "nginx", "virtual-threads", "helidon", "helidon-queued"})
    void everyPeerAnswersAndEnds(String name) throws Exception {
        assumeTrue(!name.equals("nginx") || Commands.find("nginx") != null, "nginx is not installed");
        assumeTrue(!name.startsWith("c-") || Commands.find("cc") != null, "no C compiler");
        assumeTrue(!name.contains("io_uring") || ioUringAllowed(), "io_uring is disabled (kernel.io_uring_disabled)");
        String cpu = String.valueOf(CpuList.parse(ProcFiles.allowedCpus()).getFirst());
        Path root = Files.createDirectory(scratch.resolve("root"));
        Files.createFile(root.resolve("index.html"));
        List<ProcessHandle> processes;
        try (var children = new Children()) {
            Peer peer = new Peers("none", new CLoops(C_SOURCES)).all().get(name);
            var server = ServerProcess.start(peer, cpu, root, scratch, children);
            processes = server.pids().stream().map(pid -> ProcessHandle.of(pid).orElseThrow()).toList();
            assertTrue(server.answerBytes >= 125 && server.answerBytes <= 160, "answer of " + server.answerBytes + " bytes");
            assertTrue(server.residentKib() > 0);
            assertEquals(REQUESTS, answersToRequestsInOddPieces(server.port));
        }
        for (ProcessHandle process : processes) assertFalse(process.isAlive(), "left running: " + process.info());
    }

    /** Sends many requests on one connection, cut anywhere, and returns how many answers came. */
    private static int answersToRequestsInOddPieces(int port) throws Exception {
        byte[] requests = new RequestHead("/plaintext", port).text().repeat(REQUESTS).getBytes(StandardCharsets.US_ASCII);
        var random = new SplittableRandom(port);
        try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
            socket.setSoTimeout(10_000);
            socket.setTcpNoDelay(true);
            for (int from = 0; from < requests.length;) {
                int length = Math.min(requests.length - from, 1 + random.nextInt(2_000));
                socket.getOutputStream().write(requests, from, length);
                from += length;
            }
            int answers = 0;
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            while (answers < REQUESTS) {
                String line = in.readLine();
                if (line == null) break;
                if (line.endsWith("HTTP/1.1 200 OK")) answers++;        // it follows the last body's text
            }
            return answers;
        }
    }

    private static boolean ioUringAllowed() throws Exception {
        Path setting = Path.of("/proc/sys/kernel/io_uring_disabled");
        return !Files.exists(setting) || Files.readString(setting).strip().equals("0");
    }

    @Test
    void aServerThatEndsAtOnceIsReportedWithWhatItSaid() throws Exception {
        var failing = new Peer("failing", false, false, slot -> List.of("sh", "-c", "echo first; echo no luck; exit 3"));
        String cpu = String.valueOf(CpuList.parse(ProcFiles.allowedCpus()).getFirst());
        try (var children = new Children()) {
            var e = assertThrows(UnavailableException.class,
                    () -> ServerProcess.start(failing, cpu, scratch, scratch, children));
            assertEquals("ended with status 3: no luck", e.getMessage());
        }
    }

    @Test
    void aMissingJarIsSaidBeforeAnythingStarts() {
        var peers = new Peers("{java} -jar /nowhere/torque.jar serve", new CLoops(C_SOURCES));
        var e = assertThrows(UnavailableException.class, () -> peers.all().get("kweb").command().line(slot()));
        assertTrue(e.getMessage().startsWith("no /nowhere/torque.jar"), e.getMessage());
    }

    @Test
    void theCommandOfKwebIsFilledIn() throws Exception {
        var peers = new Peers("run {port} on {cpu} --root {root}", new CLoops(C_SOURCES));
        assertEquals(List.of("run", "8080", "on", "3", "--root", "/srv", "--backend", "epoll"),
                peers.all().get("kweb-epoll").command().line(slot()));
    }

    @Test
    void theUsualServersExist() {
        var known = new Peers("none", new CLoops(C_SOURCES)).all().keySet();
        assertTrue(known.containsAll(Peers.DEFAULT));
    }

    @Test
    void childrenEndWithTheirOwnChildren() throws Exception {
        Process parent;
        List<ProcessHandle> all;
        try (var children = new Children()) {
            parent = children.start(new ProcessBuilder("sh", "-c", "sleep 60 & wait"));
            long until = System.nanoTime() + 5_000_000_000L;
            while (parent.descendants().findAny().isEmpty() && System.nanoTime() < until) Thread.sleep(5);
            all = Stream.concat(Stream.of(parent.toHandle()), parent.descendants()).toList();
        }
        assertEquals(2, all.size());
        for (ProcessHandle process : all) assertFalse(process.isAlive());
    }

    private static Slot slot() { return new Slot(8080, "3", Path.of("/srv"), Path.of("/tmp")); }
}
