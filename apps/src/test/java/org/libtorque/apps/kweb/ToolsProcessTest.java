package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.TestProcess;

/** Clients that we did not write: curl, ab, wrk and a browser. A client that is not installed is skipped. */
class ToolsProcessTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    /** One red pixel. */
    private static final byte[] PNG = Base64.getDecoder().decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC");

    @TempDir Path dir;

    private static void need(String tool) {
        boolean found = Pattern.compile(File.pathSeparator).splitAsStream(System.getenv("PATH")).anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
        assumeTrue(found, tool + " is not installed");
    }

    private Path root() throws IOException { return Files.createDirectories(dir.resolve("root")); }

    private static TestProcess run(List<String> command) throws IOException {
        TestProcess process = TestProcess.start(command.toArray(String[]::new));
        try {
            process.awaitExit(LONG);
            return process;
        } catch (Throwable e) {
            process.close();
            throw e;
        }
    }

    /** Runs a command that must succeed and returns what it wrote to its standard output. */
    private static String output(String... command) throws IOException {
        try (TestProcess process = run(List.of(command))) {
            assertEquals("0", process.toString().replaceAll("(?s).*, exit (\\d+)\\).*", "$1"), process::toString);
            return String.join("\n", process.stdout());
        }
    }

    // ---- curl

    @Test void curlGetsWhatItAsksFor() throws IOException {
        need("curl");
        byte[] large = new byte[3_000_000];
        new Random(5).nextBytes(large);
        Files.write(root().resolve("large.bin"), large);
        Files.writeString(root().resolve("page.html"), "<p>page");
        try (var zip = new GZIPOutputStream(Files.newOutputStream(root().resolve("page.html.gz")))) {
            zip.write("<p>page".getBytes());
        }
        Files.createDirectories(root().resolve("sub"));
        Files.writeString(root().resolve("sub/index.html"), "index");
        try (ServerProcess server = ServerProcess.start("--root", root().toString())) {
            Path saved = dir.resolve("saved");
            output("curl", "-sS", "--fail", "-o", saved.toString(), server.url("/large.bin"));
            assertArrayEquals(large, Files.readAllBytes(saved));
            Files.write(saved, java.util.Arrays.copyOf(large, 1_000_000));
            output("curl", "-sS", "--fail", "-C", "-", "-o", saved.toString(), server.url("/large.bin"));
            assertArrayEquals(large, Files.readAllBytes(saved), "resumed");
            assertEquals("<p>page", output("curl", "-sS", "--fail", "--compressed", server.url("/page.html")));
            assertEquals("index 200 1", output("curl", "-sS", "-L", "-w", " %{http_code} %{num_redirects}", server.url("/sub")));
            assertEquals("Hello, World! 200", output("curl", "-sS", "-0", "-w", " %{http_code}", server.url("/plaintext")));
            assertTrue(output("curl", "-sS", "-I", server.url("/page.html")).startsWith("HTTP/1.1 200 OK"));
            Path small = Files.write(dir.resolve("small"), java.util.Arrays.copyOf(large, 200_000));
            assertEquals("405 200000", output("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "--data-binary", "@" + small,
                    server.url("/")));
            assertEquals("405 1", output("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}", "-H", "Transfer-Encoding: chunked", "-d", "chunks",
                    server.url("/")));
            // A body that is too large, announced and waited for with Expect: the refusal comes instead of the go-ahead.
            assertEquals("413 0", output("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-T", saved.toString(), "-H", "Expect: 100-continue",
                    server.url("/x")));
            String etag = output("curl", "-sS", "-I", server.url("/large.bin")).replaceAll("(?s).*ETag: (\"[^\"]*\").*", "$1");
            assertEquals("304", output("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "If-None-Match: " + etag, server.url("/large.bin")));
            assertEquals("1", output("curl", "-sS", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects}", server.url("/plaintext"), server.url("/json"))
                    .replace("0", ""), "one connection for both");
            server.stop();
        }
    }

    // ---- ab, wrk

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void abFindsNoFailure(String backend) throws IOException {
        need("ab");
        Files.writeString(root().resolve("page.html"), "<p>" + "page ".repeat(500));
        try (ServerProcess server = ServerProcess.start("--root", root().toString(), "--backend", backend)) {
            for (String path : new String[] {"/plaintext", "/page.html"}) {
                for (List<String> options : List.of(List.of("-k", "-n", "20000"), List.of("-n", "5000"))) {
                    List<String> command = new ArrayList<>(List.of("ab", "-q", "-c", "50"));
                    command.addAll(options);
                    command.add(server.url(path));
                    try (TestProcess ab = run(command)) {
                        String report = String.join("\n", ab.stdout());
                        assertEquals(options.getLast(), number(report, "Complete requests: +(\\d+)"), ab::toString);
                        assertEquals("0", number(report, "Failed requests: +(\\d+)"), ab::toString);
                        assertTrue(!report.contains("Non-2xx"), ab::toString);
                        if (options.contains("-k")) assertEquals("20000", number(report, "Keep-Alive requests: +(\\d+)"), ab::toString);
                    }
                }
            }
            server.stop();
        }
    }

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void wrkFindsNoFailure(String backend) throws IOException {
        need("wrk");
        Files.writeString(root().resolve("page.html"), "<p>" + "page ".repeat(500));
        Path pipeline = Files.writeString(dir.resolve("pipeline.lua"), """
                init = function(args)
                  local r = {}
                  for i = 1, 16 do r[i] = wrk.format() end
                  req = table.concat(r)
                end
                request = function() return req end
                """);
        try (ServerProcess server = ServerProcess.start("--root", root().toString(), "--backend", backend)) {
            for (String path : new String[] {"/plaintext", "/page.html", "/"}) {
                for (List<String> options : List.of(List.of("-c", "100"), List.of("-c", "20", "-s", pipeline.toString()))) {
                    List<String> command = new ArrayList<>(List.of("wrk", "-t", "1", "-d", "1s"));
                    command.addAll(options);
                    command.add(server.url(path));
                    try (TestProcess wrk = run(command)) {
                        String report = String.join("\n", wrk.stdout());
                        assertTrue(Integer.parseInt(number(report, "(\\d+) requests in")) > 100, wrk::toString);
                        assertTrue(!report.contains("Socket errors"), wrk::toString);
                        assertEquals(path.equals("/"), report.contains("Non-2xx"), wrk::toString); // no index there
                    }
                }
            }
            server.stop();
        }
    }

    private static String number(String report, String pattern) {
        Matcher match = Pattern.compile(pattern).matcher(report);
        if (!match.find()) throw new AssertionError(pattern + " is not in:\n" + report);
        return match.group(1);
    }

    // ---- a browser

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void aBrowserLoadsAPageWithAllThatBelongsToIt(String backend) throws IOException {
        need("chromium");
        Path root = root();
        Files.writeString(root.resolve("index.html"), """
                <!DOCTYPE html>
                <html><head><meta charset="utf-8"><title>kweb</title>
                <link rel="icon" href="icon.png"><link rel="stylesheet" href="style/main.css"></head>
                <body><h1>page</h1><img id="one" src="one.png"><img id="two" src="two%20words.png">
                <audio id="sound" src="sound.wav" preload="metadata"></audio>
                <script src="script.js"></script></body></html>
                """);
        Files.createDirectories(root.resolve("style"));
        Files.writeString(root.resolve("style/main.css"), "h1 { color: rgb(1, 2, 3) }");
        Files.write(root.resolve("one.png"), PNG);
        Files.write(root.resolve("two words.png"), PNG);
        Files.write(root.resolve("icon.png"), PNG);
        Files.write(root.resolve("sound.wav"), wav(60));
        Files.writeString(root.resolve("script.js"), """
                const sound = document.getElementById('sound');
                function say(text) { const p = document.createElement('p'); p.textContent = text; document.body.append(p); }
                addEventListener('load', () => {
                  say('color ' + getComputedStyle(document.querySelector('h1')).color);
                  for (const id of ['one', 'two']) say('image ' + id + ' ' + document.getElementById(id).naturalWidth);
                  const ready = () => say('duration ' + Math.round(sound.duration));
                  if (sound.readyState > 0) ready(); else sound.addEventListener('loadedmetadata', ready);
                  fetch('sound.wav', {headers: {Range: 'bytes=8-11'}}).then(async part => // as a player does that seeks
                      say('part ' + part.status + ' ' + part.headers.get('Content-Range') + ' ' + await part.text()));
                });
                """);
        Path log = dir.resolve("access.log");
        try (ServerProcess server = ServerProcess.start("--root", root.toString(), "--backend", backend, "--access-log", log.toString())) {
            String dom = output("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync", "--user-data-dir=" + dir.resolve("profile"), "--virtual-time-budget=8000", "--dump-dom",
                    server.url("/"));
            server.stop();
            String requests = Files.readString(log);
            for (String said : new String[] {"color rgb(1, 2, 3)", "image one 1", "image two 1", "duration 60", "part 206 bytes 8-11/960044 WAVE"}) {
                assertTrue(dom.contains("<p>" + said + "</p>"), () -> said + " is not in:\n" + dom + "\n" + requests);
            }
            for (String path : new String[] {"/", "/style/main.css", "/one.png", "/two%20words.png", "/script.js"}) {
                assertTrue(requests.contains("\"GET " + path + " HTTP/1.1\" 200 "), requests);
            }
            assertTrue(requests.contains("\"GET /sound.wav HTTP/1.1\" 206 "), requests);
            assertTrue(requests.lines().allMatch(line -> line.matches(".*\" (200|206|304) \\d+")), requests);
        }
    }

    /** Returns silence: a WAV file of so many seconds, 8,000 samples of 16 bits each. */
    private static byte[] wav(int seconds) {
        int rate = 8000;
        int bytes = seconds * rate * 2;
        return ByteBuffer.allocate(44 + bytes).order(ByteOrder.LITTLE_ENDIAN)
                .put("RIFF".getBytes()).putInt(36 + bytes).put("WAVEfmt ".getBytes()).putInt(16).putShort((short) 1).putShort((short) 1)
                .putInt(rate).putInt(rate * 2).putShort((short) 2).putShort((short) 16).put("data".getBytes()).putInt(bytes).array();
    }
}
