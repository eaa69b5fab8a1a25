package org.libtorque.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.libtorque.bench.Peer.Slot;
import org.libtorque.bench.Peer.UnavailableException;

/** A peer that runs, pinned to the servers' CPUs, and has been seen to answer correctly. */
final class ServerProcess {
    private static final long START_NANOS = 30_000_000_000L;
    private static final int ANSWER_TIMEOUT_MILLIS = 5_000;

    final Peer peer;
    final int port;
    /** Size of its answer to the request for /plaintext, header and body. */
    final int answerBytes;
    private final Process process;
    private final Path log;
    private final List<Long> pids;

    private ServerProcess(Peer peer, int port, int answerBytes, Process process, Path log) {
        this.peer = peer;
        this.port = port;
        this.answerBytes = answerBytes;
        this.process = process;
        this.log = log;
        this.pids = Stream.concat(Stream.of(process.pid()), process.descendants().map(ProcessHandle::pid)).toList();
    }

    /**
     * Starts {@code peer} and waits until it answers.
     *
     * @param scratch folder for this run; the server gets one of its own in it
     * @throws UnavailableException if it cannot be started, ends, is not ready after 30 s or answers wrongly
     */
    static ServerProcess start(Peer peer, String cpus, Path root, Path scratch, Children children)
            throws UnavailableException, IOException, InterruptedException {
        int port = freePort();
        Path own = Files.createDirectory(scratch.resolve(peer.name()));
        Path log = scratch.resolve(peer.name() + ".log");
        List<String> command = Commands.pinned(cpus, peer.command().line(new Slot(port, cpus, root, own)));
        Process process = children.start(
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()));
        try {
            int answerBytes = awaitReady(port, process, log);
            check(port, "/plaintext", "Hello, World!");
            if (peer.servesFiles()) check(port, "/", "");
            return new ServerProcess(peer, port, answerBytes, process, log);
        } catch (UnavailableException | IOException | InterruptedException | RuntimeException e) {
            children.stop(process);
            throw e;
        }
    }

    private static int awaitReady(int port, Process process, Path log)
            throws UnavailableException, IOException, InterruptedException {
        long deadline = System.nanoTime() + START_NANOS;
        while (true) {
            if (!process.isAlive()) {
                throw new UnavailableException("ended with status " + process.exitValue() + ": " + lastLine(log));
            }
            try {
                return get(port, "/plaintext").length();
            } catch (IOException notYet) {
                if (System.nanoTime() > deadline) {
                    throw new UnavailableException("no answer after 30 s: " + notYet.getMessage() + "; " + lastLine(log));
                }
            }
            Thread.sleep(50);
        }
    }

    private static void check(int port, String path, String body) throws UnavailableException {
        String answer;
        try {
            answer = get(port, path);
        } catch (IOException e) {
            throw new UnavailableException("GET " + path + ": " + e.getMessage());
        }
        String statusLine = answer.lines().findFirst().orElse("");
        if (!statusLine.startsWith("HTTP/1.1 200") || !answer.endsWith("\r\n\r\n" + body)) {
            throw new UnavailableException("GET " + path + " was answered with: " + statusLine);
        }
    }

    /** Sends the benchmark's request and returns the answer, whose end its Content-Length tells. */
    static String get(int port, String path) throws IOException {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port), ANSWER_TIMEOUT_MILLIS);
            socket.setSoTimeout(ANSWER_TIMEOUT_MILLIS);
            socket.getOutputStream().write(new RequestHead(path, port).bytes());
            InputStream in = socket.getInputStream();
            var answer = new StringBuilder();
            while (answer.indexOf("\r\n\r\n") < 0) {
                int b = in.read();
                if (b < 0) throw new IOException("connection closed within the answer's header");
                answer.append((char) b);
            }
            String header = answer.toString();
            int length = header.lines()
                    .filter(line -> line.regionMatches(true, 0, "Content-Length:", 0, 15))
                    .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
                    .findFirst().orElseThrow(() -> new IOException("answer without Content-Length"));
            byte[] body = in.readNBytes(length);
            if (body.length < length) throw new IOException("answer cut short");
            return header + new String(body, StandardCharsets.ISO_8859_1);
        }
    }

    /** Its process and that one's children: a master and its worker count together. */
    List<Long> pids() { return pids; }

    boolean isAlive() { return process.isAlive(); }

    /** What it said last, for the reader who wants to know why it ended. */
    String lastLine() { return lastLine(log); }

    /** The line in which it said that it is ready, or an empty string. */
    String readyLine() {
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("127.0.0.1") && !line.contains("INFO")).findFirst().orElse("").strip();
        } catch (IOException | UncheckedIOException e) {
            return "";
        }
    }

    long residentKib() { return pids.stream().mapToLong(ProcFiles::residentKib).sum(); }

    void stop(Children children) { children.stop(process); }

    private static String lastLine(Path log) {
        try {
            return Files.readAllLines(log, StandardCharsets.ISO_8859_1).stream()
                    .filter(line -> !line.isBlank()).reduce((a, b) -> b).orElse("it said nothing").strip();
        } catch (IOException e) {
            return "no log";
        }
    }

    /** A port that was free a moment ago; taking it is left to the server. */
    private static int freePort() throws IOException {
        try (var probe = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            return probe.getLocalPort();
        }
    }
}
