package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.memory.ByteView;

/** What is known and when; that it makes no difference to what a parser returns is shown in {@link RequestParserModelTest} and the fuzz tests. */
class KnownFieldsTest {
    private static final String LINE = "GET /a HTTP/1.1\r\n";
    private static final String FIELDS = "Host: example\r\nUser-Agent:  some \r\nAccept: a\r\nAccept: b\r\nConnection: close\r\nX-other: yes\r\n\r\n";

    private final KnownFields known = new KnownFields();

    /** Has them met so often; returns the head in which they were parsed. */
    private RequestHead meet(String fields, int times) {
        ByteView in = Corpus.view(LINE + fields);
        RequestHead head = new RequestHead();
        assertEquals(in.length(), new RequestParser(HttpLimits.DEFAULT).parse(in, head));
        for (int i = 0; i < times; i++) known.learn(in, head);
        return head;
    }

    private boolean knows(String fields) { return recall(LINE, fields, new RequestHead()); }

    private boolean recall(String line, String fields, RequestHead head) {
        ByteView in = Corpus.view(line + fields);
        return known.recall(in, line.length(), in.length(), head);
    }

    @Test void whatTheFieldsSaidTheySayAgainBehindARequestLineOfAnotherLength() {
        RequestHead parsed = meet(FIELDS, 1);
        for (String line : new String[] {LINE, "GET / HTTP/1.1\r\n", "GET /much/longer?query HTTP/1.1\r\n"}) {
            RequestHead head = new RequestHead();
            assertTrue(recall(line, FIELDS, head));
            int shift = line.length() - LINE.length();
            assertEquals(parsed.length() + shift, head.length());
            assertEquals(6, head.fieldCount());
            head.minorVersion = 1;
            assertFalse(head.isKeepAlive());
            assertEquals(-1, head.contentLength());
            for (int field = 1; field <= RequestHead.EXPECT; field++) {
                assertEquals(parsed.has(field), head.has(field));
                assertEquals(parsed.isRepeated(field), head.isRepeated(field));
                assertEquals(parsed.length(field), head.length(field));
                if (parsed.has(field)) assertEquals(parsed.offset(field) + shift, head.offset(field));
            }
        }
    }

    @Test void aBlockThatDiffersInAnyByteIsNotKnown() {
        meet(FIELDS, 1);
        for (int i = 0; i < FIELDS.length(); i++) {
            for (int bit = 0; bit < 8; bit++) {
                assertFalse(knows(FIELDS.substring(0, i) + (char) (FIELDS.charAt(i) ^ 1 << bit) + FIELDS.substring(i + 1)), () -> "not compared");
            }
        }
        assertTrue(knows(FIELDS));
    }

    @Test void aBlockThatIsNotAllThereIsNotKnown() {
        meet(FIELDS, 1);
        ByteView in = Corpus.view(LINE + FIELDS + "more");
        for (int limit = LINE.length(); limit < LINE.length() + FIELDS.length(); limit++) assertFalse(known.recall(in, LINE.length(), limit, new RequestHead()));
        assertTrue(known.recall(in, LINE.length(), LINE.length() + FIELDS.length(), new RequestHead()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n"})
    void whatSaysWhereAMessageEndsIsParsedEachTime(String line) {
        String fields = "Host: example\r\n" + line + "\r\n";
        meet(fields, 3 * KnownFields.PATIENCE);
        assertFalse(knows(fields));
    }

    @Test void longBlocksAreParsedEachTime() {
        String longest = "Host: example\r\nX: " + "y".repeat(KnownFields.MOST_BYTES - 22) + "\r\n\r\n";
        assertEquals(KnownFields.MOST_BYTES, longest.length());
        String longer = longest.replaceFirst("y", "yy");
        meet(longer, 3 * KnownFields.PATIENCE);
        assertFalse(knows(longer));
        meet(longest, 1);
        assertTrue(knows(longest));
    }

    @Test void blocksOfAFewBytesAreKnownToo() {
        String shortest = "Host:\r\n\r\n";
        meet(shortest, 1);
        assertTrue(knows(shortest));
        assertFalse(knows("Test:\r\n\r\n"));
        assertFalse(knows("Host:a\r\n\r\n"));
    }

    @Test void whatIsKnownIsForgottenWhenItIsNotMetForSomeTime() {
        String others = FIELDS.replace("example", "another");
        meet(FIELDS, 1);
        meet(others, KnownFields.PATIENCE);
        assertTrue(knows(FIELDS)); // which counts as met
        meet(others, KnownFields.PATIENCE);
        assertTrue(knows(FIELDS));
        meet(others, KnownFields.PATIENCE + 1);
        assertTrue(knows(others));
        assertFalse(knows(FIELDS));
    }
}
