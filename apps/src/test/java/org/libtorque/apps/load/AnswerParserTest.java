package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import org.libtorque.memory.ByteView;

class AnswerParserTest {
    /** An answer and what it means. */
    record Sample(String answer, int status, long bodyBytes, boolean fixed, boolean close) {
        @Override
        public String toString() {
            return answer.replace("\r", "\\r").replace("\n", "\\n");
        }
    }

    static List<Sample> samples() {
        return List.of(
                new Sample("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!", 200, 13, true, false),
                new Sample("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", 200, 0, true, false),
                new Sample("HTTP/1.1 200 \r\nCONTENT-LENGTH: \t3 \r\nX: y\r\n\r\nabc", 200, 3, true, false),
                new Sample("HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, 2, true, false),
                new Sample("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nab", 200, 2, true, false),
                new Sample("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false, false),
                new Sample("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, 0, false, false),
                new Sample("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, 5, false, false),
                new Sample("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 9\r\n\r\n"
                        + "00A;name=\"v;\"\r\n0123456789\r\n1 \r\nx\r\n000\r\nTrailer: 1\r\nOther: 2\r\n\r\n", 200, 11, false, false),
                new Sample("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", 200, 3, false, false),
                new Sample("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n.",
                        201, 1, true, false),
                new Sample("HTTP/1.1 500 Oh\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n.", 500, 1, true, true),
                new Sample("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n.", 200, 1, true, true),
                new Sample("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n.", 200, 1, true, false),
                new Sample("HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\n\tthree\r\nContent-Length: 1\r\n\r\n.", 200, 1, true, false));
    }

    private static ByteView view(String text) {
        return ByteView.copyOf(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void check(Sample sample, AnswerParser parser) {
        assertTrue(parser.isDone(), () -> parser.failure());
        assertEquals(sample.status(), parser.status());
        assertEquals(sample.bodyBytes(), parser.bodyBytes());
        assertEquals(sample.fixed(), parser.hasFixedLength());
        assertEquals(sample.close(), parser.announcesClose());
    }

    @ParameterizedTest
    @MethodSource("samples")
    void anAnswerMayBeSplitAtAnyTwoPlaces(Sample sample) {
        var data = view(sample.answer() + "HTTP/1.1 more");
        int length = sample.answer().length();
        for (int first = 0; first <= length; first++) {
            for (int second = first; second <= length; second++) {
                var parser = new AnswerParser(false);
                assertEquals(first, parser.take(data, 0, first));
                assertEquals(first == length, parser.isDone());
                assertEquals(second, parser.take(data, first, second));
                assertEquals(second == length, parser.isDone());
                assertEquals(length, parser.take(data, second, data.length()));
                check(sample, parser);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void aParserCanBeUsedAgain(Sample sample) {
        var parser = new AnswerParser(false);
        parser.take(view("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nab"), 0, 69);
        for (int i = 0; i < 2; i++) {
            parser.reset();
            assertFalse(parser.hasStarted());
            parser.take(view(sample.answer()), 0, sample.answer().length());
            check(sample, parser);
        }
    }

    @ParameterizedTest
    @MethodSource("samples")
    void whatIsLearnedIsTheWholeFinalAnswer(Sample sample) {
        var parser = new AnswerParser(false);
        parser.take(view(sample.answer()), 0, sample.answer().length());
        assertEquals(!sample.close(), parser.isLearnable());
        var expected = sample.answer().substring(sample.status() == 201 ? sample.answer().lastIndexOf("HTTP/") : 0);
        assertArrayEquals(expected.getBytes(StandardCharsets.ISO_8859_1), Arrays.copyOf(parser.raw(), parser.rawLength()));
    }

    @Test
    void anAnswerToHeadHasNoBodyWhateverItAnnounces() {
        for (var field : List.of("Content-Length: 1000", "Transfer-Encoding: chunked", "X: y")) {
            var parser = new AnswerParser(true);
            var answer = "HTTP/1.1 200 OK\r\n" + field + "\r\n\r\n";
            assertEquals(answer.length(), parser.take(view(answer + "HTTP"), 0, answer.length() + 4));
            assertTrue(parser.isDone());
            assertFalse(parser.announcesClose());
            assertTrue(parser.isLearnable());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"X: y", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, gzip"})
    void withoutAnyLengthTheBodyLastsUntilTheEndOfTheStream(String field) {
        var parser = new AnswerParser(false);
        var answer = "HTTP/1.1 200 OK\r\n" + field + "\r\n\r\nsome body";
        assertEquals(answer.length(), parser.take(view(answer), 0, answer.length()));
        assertFalse(parser.isDone());
        assertTrue(parser.takeEnd());
        assertEquals(9, parser.bodyBytes());
        assertTrue(parser.announcesClose());
        assertFalse(parser.isLearnable());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"})
    void theEndOfTheStreamDoesNotCompleteOtherAnswers(String answer) {
        var parser = new AnswerParser(false);
        parser.take(view(answer), 0, answer.length());
        assertFalse(parser.takeEnd());
        assertEquals(!answer.isEmpty(), parser.hasStarted());
    }

    @Test
    void bodiesOfManyGigabytesAreCountedNotKept() {
        long length = 5L << 30;
        var parser = new AnswerParser(false);
        var head = "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n";
        parser.take(view(head), 0, head.length());
        var piece = ByteView.copyOf(new byte[1 << 20]);
        for (long left = length; left > 0; left -= piece.length()) {
            assertFalse(parser.isDone());
            assertEquals(piece.length(), parser.take(piece, 0, piece.length()));
        }
        assertTrue(parser.isDone());
        assertEquals(length, parser.bodyBytes());
        assertFalse(parser.isLearnable());
        assertTrue(parser.raw().length <= Template.MAX_ANSWER_BYTES);
    }

    @Test
    void answersAreLearnedUpToTheirLimit() {
        for (int length : new int[] {Template.MAX_ANSWER_BYTES, Template.MAX_ANSWER_BYTES + 1}) {
            var head = "HTTP/1.1 200 OK\r\nContent-Length: ";
            var body = "x".repeat(length - head.length() - 5 - 4);
            var answer = head + body.length() + "\r\n\r\n" + body;
            assertEquals(length, answer.length());
            for (int split : new int[] {length, 1, head.length(), length - 1}) {
                var parser = new AnswerParser(false);
                parser.take(view(answer), 0, split);
                parser.take(view(answer), split, length);
                assertTrue(parser.isDone());
                assertEquals(length <= Template.MAX_ANSWER_BYTES, parser.isLearnable());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "SSH-2.0-OpenSSH", "HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 099 Low\r\n", "\r\nHTTP/1.1 200 OK\r\n", "HTTP/1.x 200 OK\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon here\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: \r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1,2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1z\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
    })
    void whatIsNoAnswerFailsAndSaysWhy(String answer) {
        for (int split = 0; split < answer.length(); split++) {
            var parser = new AnswerParser(false);
            int first = parser.take(view(answer), 0, split);
            if (!parser.hasFailed()) parser.take(view(answer), first, answer.length());
            assertTrue(parser.hasFailed(), "split at " + split);
            assertFalse(parser.isDone());
            assertFalse(parser.failure().isBlank());
        }
    }

    @Test
    void aServerThatIsNotHttpIsFoundOutAtItsFirstBytes() {
        var parser = new AnswerParser(false);
        parser.take(view("220 smtp"), 0, 8);
        assertTrue(parser.hasFailed());
        assertEquals("no HTTP/1.x answer: '220 smtp'", parser.failure());
    }

    @Test
    void aHeadOrTrailerWithoutEndFails() {
        var filler = view("x: ".repeat(10_000));
        for (var start : List.of("HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")) {
            var parser = new AnswerParser(false);
            parser.take(view(start), 0, start.length());
            for (int i = 0; i < 4 && !parser.hasFailed(); i++) parser.take(filler, 0, filler.length());
            assertTrue(parser.hasFailed());
        }
    }
}
