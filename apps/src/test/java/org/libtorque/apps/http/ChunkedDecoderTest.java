package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteView;

class ChunkedDecoderTest {
    private static final HttpLimits TIGHT = new HttpLimits(100, 100, 3, 20, 12, 30);

    static List<Corpus.Case> cases() { return Corpus.read("chunked.txt"); }

    /** The expectation is {@code status reason} or {@code ok body}. */
    @ParameterizedTest @MethodSource("cases")
    void bodiesAreDecodedOrRefusedWithTheRightReason(Corpus.Case body) {
        ChunkedDecoder decoder = new ChunkedDecoder(HttpLimits.DEFAULT);
        StringBuilder out = new StringBuilder();
        ByteView in = ByteView.copyOf(body.input());
        int result = decoder.decode(in, (view, index, count) -> out.append(view.toLatin1(index, count)));
        if (result == ChunkedDecoder.DONE) {
            assertEquals(body.expectation(), ("ok " + out).strip());
            assertEquals(out.length(), decoder.total());
            assertNull(decoder.error());
        } else {
            assertEquals(body.expectation(), result == ChunkedDecoder.MORE ? "more" : -result + " " + decoder.error());
        }
    }

    @ParameterizedTest @MethodSource("cases")
    void theResultIsTheModelsHoweverTheBodyIsSplit(Corpus.Case body) {
        ChunkedComparison.compareEverySplit(HttpLimits.DEFAULT, body.input());
        ChunkedComparison.compareEverySplit(TIGHT, body.input());
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedBodiesGetTheModelsVerdictHoweverTheyAreSplit(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        String pieces = "0123456789abcdefABCDEF;;==\"\"\\\\ \t\r\r\n\n::xyz\0\177\200\377";
        List<Corpus.Case> cases = cases();
        for (int round = 0; round < 1000; round++) {
            StringBuilder text = new StringBuilder(Corpus.text(cases.get(random.nextInt(cases.size())).input()));
            if (text.length() > 500) continue;
            for (int edits = random.nextInt(4); edits > 0; edits--) {
                int at = random.nextInt(text.length() + 1);
                char c = pieces.charAt(random.nextInt(pieces.length()));
                switch (random.nextInt(3)) {
                    case 0 -> text.insert(at, c);
                    case 1 -> text.insert(at, "\r\n");
                    default -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(2)));
                }
            }
            int[] ends = random.ints(random.nextInt(5), 0, text.length() + 1).sorted().toArray();
            ChunkedComparison.compare(random.nextBoolean() ? TIGHT : HttpLimits.DEFAULT, Corpus.bytes(text.toString()), ends);
        }
    }

    @Test void whatFollowsTheBodyIsLeftInTheView() {
        ChunkedDecoder decoder = new ChunkedDecoder(HttpLimits.DEFAULT);
        ByteView in = Corpus.view("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
        assertEquals(ChunkedDecoder.DONE, decoder.decode(in, BodyConsumer.DISCARD));
        assertEquals("GET / HTTP/1.1\r\n", in.toLatin1(0, in.length()));
        assertEquals(ChunkedDecoder.DONE, decoder.decode(in, BodyConsumer.DISCARD));
        assertEquals(16, in.length());
    }

    @Test void aDecoderServesOneBodyAfterAnother() {
        ChunkedDecoder decoder = new ChunkedDecoder(TIGHT);
        assertEquals(-400, decoder.decode(Corpus.view("5;a=b\r\nabcdef"), BodyConsumer.DISCARD));
        assertNotNull(decoder.error());
        assertEquals(-400, decoder.decode(Corpus.view("0\r\n\r\n"), BodyConsumer.DISCARD));
        for (int i = 0; i < 3; i++) {
            decoder.reset();
            assertNull(decoder.error());
            assertEquals(ChunkedDecoder.DONE, decoder.decode(Corpus.view("14;123456789\r\n01234567890123456789\r\n0;\t\r\nA:b\r\n\r\n".replace(";\t", "")), BodyConsumer.DISCARD));
        }
    }

    @Test void limitsAreExact() {
        assertEquals("1", decodeTight("14\r\n01234567890123456789\r\n0\r\n\r\n"));
        assertEquals("-413 body too long", decodeTight("15\r\n"));
        assertEquals("-413 body too long", decodeTight("a\r\n0123456789\r\nb\r\n"));
        assertEquals("-413 body too long", decodeTight("fffffffffffffff\r\n"));
        assertEquals("-400 chunk size too long", decodeTight("0000000000000000"));
        assertEquals("1", decodeTight("000000000000001\r\n0\r\n0\r\n\r\n"));
        assertEquals("1", decodeTight("0;12345678901\r\n\r\n"));
        assertEquals("-400 chunk extensions too long", decodeTight("0;123456789012"));
        assertEquals("-400 chunk extensions too long", decodeTight("1;12345\r\nx\r\n1;12345\r\nx\r\n0;"));
        assertEquals("1", decodeTight("0\r\nA:\r\nB:\r\nC:\r\n\r\n"));
        assertEquals("-431 too many trailers", decodeTight("0\r\nA:\r\nB:\r\nC:\r\nD"));
        assertEquals("1", decodeTight("0\r\nA:" + "v".repeat(24) + "\r\n\r\n"));
        assertEquals("-431 trailers too long", decodeTight("0\r\nA:" + "v".repeat(25) + "\r\n\r\n"));
    }

    private static String decodeTight(String body) {
        ChunkedDecoder decoder = new ChunkedDecoder(TIGHT);
        int result = decoder.decode(Corpus.view(body), BodyConsumer.DISCARD);
        return result + (decoder.error() == null ? "" : " " + decoder.error());
    }
}
