package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import org.libtorque.memory.ByteView;

/** Streams of random answers, whole, split and damaged, against what they were made from. */
class AnswerParserFuzz {
    private static final int ANSWERS = 300;
    private static final int[] STATUSES = {200, 201, 204, 304, 404, 500};

    /** What an answer was made from, and where it ends in the stream. */
    private record Made(int status, int bodyBytes, boolean close, int end) {}

    private static List<Made> make(SplittableRandom random, ByteArrayOutputStream stream) {
        var all = new ArrayList<Made>();
        for (int i = 0; i < ANSWERS; i++) {
            int status = STATUSES[random.nextInt(STATUSES.length)];
            boolean hasBody = status != 204 && status != 304;
            boolean close = random.nextInt(10) == 0;
            if (random.nextInt(5) == 0) text(stream, "HTTP/1.1 10" + (random.nextBoolean() ? "0 Continue" : "3 Hints\r\nLink: <x>") + "\r\n\r\n");
            text(stream, "HTTP/1.1 " + status + (random.nextBoolean() ? " Some Reason" : "") + "\r\n");
            for (int n = random.nextInt(4); n > 0; n--) text(stream, "X-" + random.nextInt(1000) + ": " + "v".repeat(random.nextInt(80)) + "\r\n");
            if (close) text(stream, "Connection: close\r\n");
            int length = random.nextInt(3) == 0 ? 0 : random.nextInt(random.nextBoolean() ? 50 : 20_000);
            var body = new byte[length];
            for (int k = 0; k < length; k++) body[k] = (byte) random.nextInt(256);
            if (hasBody && random.nextBoolean()) {
                text(stream, (random.nextBoolean() ? "Transfer-Encoding: chunked" : "TRANSFER-ENCODING:gzip , chunked") + "\r\n\r\n");
                for (int at = 0; at < length; ) {
                    int n = Math.min(length - at, 1 + random.nextInt(5000));
                    text(stream, Integer.toHexString(n) + (random.nextInt(4) == 0 ? ";x=y" : "") + "\r\n");
                    stream.write(body, at, n);
                    text(stream, "\r\n");
                    at += n;
                }
                text(stream, random.nextBoolean() ? "0\r\n\r\n" : "0;last\r\nTrailer: t\r\n\r\n");
            } else {
                text(stream, hasBody || random.nextBoolean() ? "Content-Length: " + length + "\r\n\r\n" : "\r\n");
                if (hasBody) stream.write(body, 0, length);
            }
            all.add(new Made(status, hasBody ? length : 0, close, stream.size()));
        }
        return all;
    }

    private static void text(ByteArrayOutputStream stream, String text) {
        stream.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyAnswerOfAStreamIsFoundHoweverItIsSplit(long seed) {
        var random = new SplittableRandom(seed);
        var stream = new ByteArrayOutputStream();
        var made = make(random, stream);
        var data = ByteView.copyOf(stream.toByteArray());
        var parser = new AnswerParser(false);
        int found = 0;
        int piece = 1 + random.nextInt(random.nextBoolean() ? 20 : 40_000);
        for (int from = 0; from < data.length(); ) {
            int to = Math.min(data.length(), from + 1 + random.nextInt(piece));
            from = parser.take(data, from, to);
            assertFalse(parser.hasFailed(), parser.failure());
            if (parser.isDone()) {
                var expected = made.get(found++);
                assertEquals(expected.end(), from);
                assertEquals(expected.status(), parser.status());
                assertEquals(expected.bodyBytes(), parser.bodyBytes());
                assertEquals(expected.close(), parser.announcesClose());
                parser.reset();
            } else {
                assertEquals(to, from);
            }
        }
        assertEquals(made.size(), found);
    }

    @ParameterizedTest
    @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedStreamsEndInAnAnswerAFailureOrWaiting(long seed) {
        var random = new SplittableRandom(seed);
        var stream = new ByteArrayOutputStream();
        make(random, stream);
        var bytes = stream.toByteArray();
        for (int round = 0; round < 200; round++) {
            int start = random.nextInt(bytes.length);
            var copy = java.util.Arrays.copyOfRange(bytes, start, Math.min(bytes.length, start + 1 + random.nextInt(3000)));
            if (random.nextBoolean()) System.arraycopy("HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.US_ASCII), 0, copy, 0, Math.min(17, copy.length));
            for (int n = random.nextInt(8); n > 0; n--) copy[random.nextInt(copy.length)] = (byte) "\r\n:0 ;,\u00ff".charAt(random.nextInt(8));
            var data = ByteView.copyOf(copy);
            var parser = new AnswerParser(random.nextInt(8) == 0);
            int answers = 0;
            for (int from = 0; from < data.length(); ) {
                int to = Math.min(data.length(), from + 1 + random.nextInt(100));
                int taken = parser.take(data, from, to);
                assertTrue(taken >= from && taken <= to);
                if (parser.hasFailed()) break;
                if (parser.isDone()) {
                    assertTrue(++answers <= data.length() / 10, "answers out of nothing");
                    parser.reset();
                } else {
                    assertEquals(to, taken);
                }
                from = taken;
            }
        }
    }
}
