package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.libtorque.apps.cli.BackendChoice;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.testkit.Eventually;

/** One line for each request, whatever the request. */
class AccessLogSystemTest extends KwebFixture {
    private static final Pattern LINE = Pattern.compile(
            "127\\.0\\.0\\.1 - - \\[(\\d\\d/[A-Z][a-z][a-z]/\\d{4}:\\d\\d:\\d\\d:\\d\\d [+-]\\d{4})] \"([ -~&&[^\"]]*)\" (\\d{3}) (\\d+)");

    private Path log() { return outside.resolve("access.log"); }

    private String entry(String line) {
        Matcher match = LINE.matcher(line);
        assertTrue(match.matches(), line);
        return match.group(2) + " " + match.group(3) + " " + match.group(4);
    }

    @Test void everyRequestHasItsLine() throws IOException {
        file("a.txt", "0123456789");
        file("large.txt", "x".repeat(400_000));
        Files.createDirectories(root().resolve("sub"));
        serve("--access-log", log().toString(), "--max-body-bytes", "100", "--bench-endpoints", "--listing", "--cpus", oneCpu());
        WireClient client = connect();
        client.get("/plaintext?q=1");
        client.get("/a.txt");
        client.head("/a.txt");
        client.get("/a.txt", "Range: bytes=2-4");
        client.get("/a.txt", "If-None-Match: *");
        client.get("/none");
        client.head("/none");
        client.get("/large.txt");
        client.get("/sub");
        client.get("/work?us=1");
        client.send(WireClient.request("OPTIONS", "*")).read();
        client.send(WireClient.request("POST", "/x", "Content-Length: 3") + "GET").read();
        client.send("\r\n" + WireClient.request("PUT", "/y", "Transfer-Encoding: chunked") + "3\r\nGET\r\n0\r\n\r\n").read();
        int listing = client.get("/sub/").body().length;
        client.send(WireClient.request("POST", "/z", "Transfer-Encoding: chunked") + "x").read();
        connect().send(WireClient.request("POST", "/big", "Content-Length: 101")).read();
        connect().send("GET /bad\u0001 HTTP/1.1\r\n").read();
        stop();
        assertEquals(List.of(
                "GET /plaintext?q=1 HTTP/1.1 200 13", "GET /a.txt HTTP/1.1 200 10", "HEAD /a.txt HTTP/1.1 200 0", "GET /a.txt HTTP/1.1 206 3",
                "GET /a.txt HTTP/1.1 304 0", "GET /none HTTP/1.1 404 14", "HEAD /none HTTP/1.1 404 0", "GET /large.txt HTTP/1.1 200 400000",
                "GET /sub HTTP/1.1 301 0", "GET /work?us=1 HTTP/1.1 200 9", "OPTIONS * HTTP/1.1 200 0", "POST /x HTTP/1.1 405 23", "PUT /y HTTP/1.1 405 23",
                "GET /sub/ HTTP/1.1 200 " + listing, "POST /z HTTP/1.1 400 16", "POST /big HTTP/1.1 413 22", "GET /bad\\x01 HTTP/1.1 400 16"),
                Files.readAllLines(log()).stream().map(this::entry).toList());
    }

    private static String oneCpu() { return Integer.toString(org.libtorque.hardware.CpuSet.allowed().toArray()[0]); }

    /** Nobody can make a line of his own, end the quotes, or send a terminal commands. */
    @Test void nothingCanBeInjected() throws IOException {
        serve("--access-log", log().toString());
        String[] bad = {"GET /\"-\" HTTP/1.1\r\n\r\n", "GET /\nfake HTTP/1.1\r\n\r\n", "GET /\u001b[31m HTTP/1.1\r\n\r\n", "GET /a\\\" HTTP/1.1\r\n\r\n",
            "GET /\u00ff\u0085 HTTP/1.1\r\n\r\n", "\u0000\u0000\n127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 0\n\r\n", "GET /" + "\u0001".repeat(3000) + "\r\n\r\n",
            "GET /" + "a".repeat(9000) + " HTTP/1.1\r\n\r\n"};
        for (String request : bad) connect().send(request).read();
        connect().get("/" + "a".repeat(5000));
        stop();
        List<String> lines = Files.readAllLines(log());
        assertEquals(bad.length + 1, lines.size());
        for (String line : lines) {
            entry(line);
            assertTrue(line.length() < 5000, () -> line.length() + " characters");
        }
        assertTrue(lines.stream().anyMatch(line -> line.contains("/\\x22-\\x22 HTTP/1.1")), lines::toString);
        assertTrue(lines.stream().anyMatch(line -> line.contains("/\\x1b[31m")), lines::toString);
    }

    @Test void aLineDoesNotWaitForTheNextRequest() throws IOException {
        serve("--access-log", log().toString());
        connect().get("/plaintext");
        Eventually.await("the line is written", () -> lineCount() == 1);
        connect().get("/json");
        Eventually.await("the next one too", () -> lineCount() == 2);
    }

    private int lineCount() {
        try {
            return Files.readAllLines(log()).size();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test void aFileIsAppendedTo() throws IOException {
        Files.writeString(log(), "what was there\n");
        serve("--access-log", log().toString());
        connect().get("/plaintext");
        stop();
        assertEquals("what was there", Files.readAllLines(log()).getFirst());
        assertEquals(2, lineCount());
    }

    @Test void manyLinesAreAllWritten() throws IOException {
        serve("--access-log", log().toString());
        WireClient client = connect();
        String batch = WireClient.request("GET", "/plaintext").repeat(500);
        for (int i = 0; i < 20; i++) {
            client.send(batch);
            for (int j = 0; j < 500; j++) client.read();
        }
        stop();
        assertEquals(10_000, lineCount());
    }

    /** Without an address the server listens on all, of both families. */
    @Test void hostsOfBothFamiliesAreNamedPlainly() throws IOException {
        List<String> options = List.of("--port", "0", "--backend", backend == BackendChoice.EPOLL ? "epoll" : "io_uring", "--access-log", log().toString());
        try (Kweb kweb = Kweb.start(ServeOptions.parse(options.toArray(String[]::new)))) {
            for (String host : new String[] {"127.0.0.1", "::1"}) {
                try (WireClient client = WireClient.to(new InetSocketAddress(host, kweb.address().getPort()))) {
                    client.assertOpen();
                }
            }
        }
        assertEquals(List.of("127.0.0.1", "0:0:0:0:0:0:0:1"), Files.readAllLines(log()).stream().map(line -> line.substring(0, line.indexOf(' '))).sorted(
                java.util.Comparator.comparing(String::length)).toList());
    }

    @Test void aLogThatCannotBeOpenedIsSaidInOneLine() {
        CommandException e = assertThrows(CommandException.class, () -> serve("--access-log", outside.resolve("none/access.log").toString()));
        assertTrue(e.getMessage().startsWith("cannot open access log "), e.getMessage());
    }
}
