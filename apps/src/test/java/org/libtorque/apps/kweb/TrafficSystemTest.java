package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;

/**
 * Whatever can stand in a row on one connection, in a random order and cut at random places, on several connections at once, read fast or slowly: every answer
 * comes, in order, and is the right one. Hunts for input that is forgotten and wake-ups that are lost; a longer hunt sets {@code -Dtorque.seeds}.
 */
class TrafficSystemTest extends KwebFixture {
    private static final int CONNECTIONS = 6;
    private static final int REQUESTS = 60;

    /** A request, and the answer that is due. {@code body} null: any. */
    private record Exchange(byte[] request, int status, byte[] body, boolean head) {}

    private final byte[] small = random(700);
    private final byte[] medium = random(120_000);
    private final byte[] large = random(700_000);

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyRequestGetsItsAnswer(long seed) throws Exception {
        Files.write(root().resolve("small.bin"), small);
        Files.write(root().resolve("medium.bin"), medium);
        Files.write(root().resolve("large.bin"), large);
        serve("--bench-endpoints", "--root", root().toString());
        var random = new SplittableRandom(seed);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < CONNECTIONS; i++) {
            var own = random.split();
            List<Exchange> exchanges = exchanges(own);
            WireClient client = connect(own.nextInt(3) == 0 ? 4096 + own.nextInt(30_000) : 0);
            boolean endsEarly = own.nextInt(3) == 0;
            threads.add(start(failures, () -> write(client, exchanges, own, endsEarly)));
            var pauses = random.split();
            threads.add(start(failures, () -> read(client, exchanges, pauses)));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        if (!failures.isEmpty()) throw new AssertionError("seed " + seed + ": " + failures.size() + " failures", failures.getFirst());
    }

    private interface Action {
        void run() throws Exception;
    }

    private static Thread start(List<Throwable> failures, Action action) {
        return Thread.ofPlatform().start(() -> {
            try {
                action.run();
            } catch (Throwable e) {
                failures.add(e);
            }
        });
    }

    private List<Exchange> exchanges(SplittableRandom random) {
        List<Exchange> all = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) all.add(exchange(random));
        return all;
    }

    private Exchange exchange(SplittableRandom random) {
        int from = random.nextInt(large.length - 1);
        int to = from + random.nextInt(Math.min(200_000, large.length - from));
        byte[] body = random(random.nextInt(random.nextInt(4) == 0 ? 60_000 : 300));
        return switch (random.nextInt(14)) {
            case 0, 1 -> get("/plaintext", 200, "Hello, World!".getBytes());
            case 2 -> get("/small.bin", 200, small, "X-Padding: " + "p".repeat(random.nextInt(3000)));
            case 3 -> get("/medium.bin", 200, medium);
            case 4 -> get("/large.bin", 200, large);
            case 5 -> get("/large.bin", 206, Arrays.copyOfRange(large, from, to + 1), "Range: bytes=" + from + "-" + to);
            case 6 -> get("/large.bin", 206, null, "Range: bytes=0-99,200000-" + (200_000 + from % 100_000) + ",-50");
            case 7 -> get("/small.bin", 206, null, "Range: bytes=0-9,600-");
            case 8 -> get("/none", 404, "404 Not Found\n".getBytes());
            case 9 -> new Exchange(latin1(WireClient.request("HEAD", "/large.bin")), 200, new byte[0], true);
            case 10 -> new Exchange(join(latin1(WireClient.request("POST", "/x", "Content-Length: " + body.length)), body), 405, null, false);
            case 11 -> new Exchange(join(latin1(WireClient.request("PUT", "/x", "Transfer-Encoding: chunked")), chunked(body, random)), 405, null, false);
            case 12 -> new Exchange(join(latin1(WireClient.request("GET", "/small.bin", "Transfer-Encoding: chunked")), chunked(body, random)), 200, small, false);
            default -> get("/work?us=" + random.nextInt(300), 200, null);
        };
    }

    private static Exchange get(String target, int status, byte[] body, String... fields) {
        return new Exchange(latin1(WireClient.request("GET", target, fields)), status, body, false);
    }

    private static byte[] latin1(String text) { return text.getBytes(StandardCharsets.ISO_8859_1); }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    private static byte[] chunked(byte[] body, SplittableRandom random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int at = 0; at < body.length; ) {
            int n = 1 + random.nextInt(Math.min(body.length - at, 5000));
            out.writeBytes(latin1(Integer.toHexString(n) + (random.nextInt(5) == 0 ? ";ext=\"v\"" : "") + "\r\n"));
            out.write(body, at, n);
            out.writeBytes(latin1("\r\n"));
            at += n;
        }
        out.writeBytes(latin1(random.nextBoolean() ? "0\r\n\r\n" : "000\r\nA-Trailer: x\r\n\r\n"));
        return out.toByteArray();
    }

    private static void write(WireClient client, List<Exchange> exchanges, SplittableRandom random, boolean endsEarly) throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (Exchange each : exchanges) all.writeBytes(each.request());
        byte[] bytes = all.toByteArray();
        for (int at = 0; at < bytes.length; ) {
            int most = switch (random.nextInt(4)) {
                case 0 -> 4;
                case 1 -> 100;
                case 2 -> 3000;
                default -> 100_000;
            };
            int n = Math.min(bytes.length - at, 1 + random.nextInt(most));
            client.socket().getOutputStream().write(bytes, at, n);
            at += n;
            if (random.nextInt(20) == 0) Thread.sleep(random.nextInt(3));
        }
        if (endsEarly) client.socket().shutdownOutput();
    }

    private static void read(WireClient client, List<Exchange> exchanges, SplittableRandom random) throws Exception {
        for (int i = 0; i < exchanges.size(); i++) {
            Exchange each = exchanges.get(i);
            String what = "answer " + i + " to " + new String(each.request(), 0, Math.min(60, each.request().length), StandardCharsets.ISO_8859_1);
            Answer answer;
            try {
                answer = each.head() ? client.readHead() : client.read();
            } catch (IOException e) {
                throw new IOException(what, e);
            }
            assertEquals(each.status(), answer.status(), () -> what + answer);
            if (each.body() != null) assertArrayEquals(each.body(), answer.body(), what);
            if (random.nextInt(10) == 0) Thread.sleep(random.nextInt(5));
        }
    }
}
