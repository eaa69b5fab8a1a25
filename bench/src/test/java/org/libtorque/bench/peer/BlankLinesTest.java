package org.libtorque.bench.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class BlankLinesTest {
    @Test
    void countsEachBlankLineOnce() {
        assertEquals(2, new BlankLines().count(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\nGET")));
    }

    @Test
    void leavesPositionAndLimitAlone() {
        ByteBuffer piece = bytes("xx\r\n\r\nyy").position(1).limit(7);
        assertEquals(1, new BlankLines().count(piece));
        assertEquals(1, piece.position());
        assertEquals(7, piece.limit());
    }

    @Test
    void agreesWithAPlainSearchHoweverTheStreamIsCut() {
        for (int seed = 0; seed < 2_000; seed++) {
            var random = new SplittableRandom(seed);
            var text = new StringBuilder();
            for (int i = random.nextInt(200); i > 0; i--) text.append("\r\n\r\nab".charAt(random.nextInt(6)));
            int expected = 0;
            for (int at = 0; (at = text.indexOf("\r\n\r\n", at)) >= 0; at += 4) expected++;
            var lines = new BlankLines();
            int counted = 0;
            for (int from = 0; from < text.length();) {
                int to = Math.min(text.length(), from + 1 + random.nextInt(12));
                counted += lines.count(bytes(text.substring(from, to)));
                from = to;
            }
            assertEquals(expected, counted, "seed " + seed);
        }
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    }
}
