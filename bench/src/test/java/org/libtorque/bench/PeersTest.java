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
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
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
            "netty-io_uring-scan", "nginx", "virtual-threads", "helidon", "helidon-queued", "c-loops", "c-queue",
            "c-least", "c-threads", "netty-epoll-2", "netty-io_uring-2", "netty-ordered", "netty-unordered", "virtual-threads-2"})
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
            // Netty's codec takes no more than 128 requests ahead of their answers; on its own loop it is never ahead.
            int requests = name.endsWith("ordered") ? 100 : REQUESTS;
            assertEquals(requests, answersToRequestsInOddPieces(server.port, requests));
            if (Peers.SKEW_DEFAULT.contains(name)) assertWorks(name, server.port);
        }
        for (ProcessHandle process : processes) assertFalse(process.isAlive(), "left running: " + process.info());
    }

    /** Two loops, where a server has such, serve connections, and work takes its time. */
    private static void assertWorks(String name, int port) throws Exception {
        long start = System.nanoTime();
        assertTrue(ServerProcess.get(port, "/work?us=50000").endsWith("\r\n\r\n{\"us\":50000}\n"));
        assertTrue(System.nanoTime() - start >= 50_000_000);
        Set<String> loops = new TreeSet<>();
        for (int i = 0; i < 40; i++) {
            String answer = ServerProcess.get(port, "/whoami");
            loops.add(answer.substring(answer.indexOf("\r\n\r\n") + 4).strip());
        }
        boolean owned = name.equals("c-loops") || name.startsWith("netty-");
        assertEquals(owned ? Set.of("{\"vcore\":0}", "{\"vcore\":1}") : Set.of("{\"vcore\":-1}"), loops);
    }

    /** Sends many requests on one connection, cut anywhere, and returns how many answers came. */
    private static int answersToRequestsInOddPieces(int port, int count) throws Exception {
        byte[] requests = new RequestHead("/plaintext", port).text().repeat(count).getBytes(StandardCharsets.US_ASCII);
        var random = new SplittableRandom(port);
        try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
            socket.setSoTimeout(60_000);
            socket.setTcpNoDelay(true);
            for (int from = 0; from < requests.length;) {
                int length = Math.min(requests.length - from, 1 + random.nextInt(2_000));
                socket.getOutputStream().write(requests, from, length);
                from += length;
            }
            int answers = 0;
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            while (answers < count) {
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
        assertTrue(known.containsAll(Peers.SKEW_DEFAULT));
    }

    /** A program in kweb's place whose help is as given. */
    private Peers withHelp(String help) throws Exception {
        Path program = Files.writeString(scratch.resolve("kweb"), "#!/bin/sh\n[ \"$2\" = --help ] && echo '" + help + "'\n");
        assertTrue(program.toFile().setExecutable(true));
        return new Peers(program + " serve --cpus {cpu}", new CLoops(C_SOURCES));
    }

    @Test
    void kwebIsToldHowToBalanceWhereItsHelpListsThat() throws Exception {
        var peers = withHelp("--balance=static|steal|migrate").all();
        for (String balance : List.of("static", "steal", "migrate")) {
            assertEquals(List.of(scratch.resolve("kweb").toString(), "serve", "--cpus", "3", "--bench-endpoints", "--balance", balance),
                    peers.get("kweb-" + balance).command().line(slot()));
        }
        assertTrue(peers.get("kweb-migrate-epoll").command().line(slot()).containsAll(List.of("--backend", "epoll", "migrate")));
    }

    @Test
    void kwebWithoutThatOptionIsStatic() throws Exception {
        var peers = withHelp("--backend=NAME").all();
        assertEquals(List.of(scratch.resolve("kweb").toString(), "serve", "--cpus", "3", "--bench-endpoints"),
                peers.get("kweb-static").command().line(slot()));
        var e = assertThrows(UnavailableException.class, () -> peers.get("kweb-steal").command().line(slot()));
        assertEquals("this kweb has no --balance", e.getMessage());
    }

    @Test
    void childrenEndWithTheirOwnChildren() throws Exception {
        Process parent;
        List<ProcessHandle> all;
        try (var children = new Children()) {
            parent = children.start(new ProcessBuilder("sh", "-c", "sleep 60 & wait"));
            long until = System.nanoTime() + 30_000_000_000L;
            while (parent.descendants().findAny().isEmpty() && System.nanoTime() < until) Thread.sleep(5);
            all = Stream.concat(Stream.of(parent.toHandle()), parent.descendants()).toList();
        }
        assertEquals(2, all.size());
        for (ProcessHandle process : all) assertFalse(process.isAlive());
    }

    private static Slot slot() { return new Slot(8080, "3", Path.of("/srv"), Path.of("/tmp")); }
}
