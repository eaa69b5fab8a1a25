package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.memory.ByteView;

class ConditionsTest {
    private static final long MTIME = 784111777; // Sun, 06 Nov 1994 08:49:37 GMT
    private static final long NOW = 1_700_000_000;
    private static final String SAME = "Sun, 06 Nov 1994 08:49:37 GMT", BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT", AFTER = "Sun, 06 Nov 1994 08:49:38 GMT";

    private final RequestHead head = new RequestHead();
    private ByteView in;

    private void request(String method, String... fields) {
        in = Corpus.view(method + " / HTTP/1.1\r\nHost: a\r\n" + String.join("\r\n", fields) + (fields.length == 0 ? "\r\n" : "\r\n\r\n"));
        assertTrue(new RequestParser(HttpLimits.DEFAULT).parse(in, head) > 0);
    }

    private int evaluate(String etag, String method, String... fields) {
        request(method, fields);
        return Conditions.evaluate(in, head, Corpus.bytes(etag), MTIME, NOW);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        // entity tag | If-Match | If-None-Match, GET
        "\"a\"   | \"a\"              | 0   | 304",
        "\"a\"   | \"b\"              | 412 | 0",
        "\"a\"   | W/\"a\"            | 412 | 304",
        "W/\"a\" | \"a\"              | 412 | 304",
        "W/\"a\" | W/\"a\"            | 412 | 304",
        "W/\"a\" | W/\"b\"            | 412 | 0",
        "\"a\"   | *                  | 0   | 304",
        "W/\"a\" | *                  | 0   | 304",
        "\"a\"   | \"b\", \"a\"       | 0   | 304",
        "\"a\"   | \"b\" ,\t\"a\" ,   | 0   | 304",
        "\"a\"   | ,,\"a\"            | 0   | 304",
        "\"a\"   | \"b\",W/\"a\",\"c\"| 412 | 304",
        "\"a\"   | \"a,b\"            | 412 | 0",
        "\"a,b\" | \"a,b\"            | 0   | 304",
        "\"\"    | \"\"               | 0   | 304",
        "\"a\"   | \"A\"              | 412 | 0",
        "\"a\"   | \"aa\"             | 412 | 0",
        "\"aa\"  | \"a\"              | 412 | 0",
        // not well-formed: matches nothing
        "\"a\"   | a                  | 412 | 0",
        "\"a\"   | \"a                | 412 | 0",
        "\"a\"   | \"a\" \"b\"        | 412 | 0",
        "\"a\"   | \"a\"x             | 412 | 0",
        "\"a\"   | w/\"a\"            | 412 | 0",
        "\"a\"   | W/                 | 412 | 0",
        "\"a\"   | W/a                | 412 | 0",
        "\"a\"   | *, \"a\"           | 412 | 0",
        "\"a\"   | \"a\", *           | 412 | 0",
        "\"a\"   | \"a\", \"b c\"     | 412 | 0",
    })
    void entityTagsAreComparedStronglyOrWeakly(String etag, String list, int ifMatch, int ifNoneMatch) {
        assertEquals(ifMatch, evaluate(etag, "GET", "If-Match: " + list));
        assertEquals(ifNoneMatch, evaluate(etag, "GET", "If-None-Match: " + list));
        assertEquals(ifNoneMatch, evaluate(etag, "HEAD", "If-None-Match: " + list));
        assertEquals(ifNoneMatch == 304 ? 412 : 0, evaluate(etag, "PUT", "If-None-Match: " + list));
    }

    @Test void withoutConditionsARequestProceeds() { assertEquals(Conditions.PROCEED, evaluate("\"a\"", "GET")); }

    @Test void listsMayBeSpreadOverLines() {
        assertEquals(0, evaluate("\"c\"", "GET", "If-Match: \"a\"", "X: y", "If-Match: \"b\", \"c\""));
        assertEquals(304, evaluate("\"c\"", "GET", "If-None-Match: \"a\"", "If-None-Match: \"b\"", "If-None-Match: \"c\""));
        assertEquals(0, evaluate("\"d\"", "GET", "If-None-Match: \"a\"", "If-None-Match: \"b\"", "If-None-Match: \"c\""));
        assertEquals(0, evaluate("\"a\"", "GET", "If-None-Match: \"a\"", "If-None-Match: b"));
    }

    @Test void aRepresentationModifiedSinceFailsIfUnmodifiedSince() {
        assertEquals(0, evaluate("\"a\"", "GET", "If-Unmodified-Since: " + SAME));
        assertEquals(0, evaluate("\"a\"", "PUT", "If-Unmodified-Since: " + AFTER));
        assertEquals(412, evaluate("\"a\"", "GET", "If-Unmodified-Since: " + BEFORE));
    }

    @Test void aRepresentationNotModifiedSinceIsNotSentAgain() {
        assertEquals(304, evaluate("\"a\"", "GET", "If-Modified-Since: " + SAME));
        assertEquals(304, evaluate("\"a\"", "HEAD", "If-Modified-Since: " + AFTER));
        assertEquals(0, evaluate("\"a\"", "GET", "If-Modified-Since: " + BEFORE));
        assertEquals(304, evaluate("\"a\"", "GET", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"));
        assertEquals(304, evaluate("\"a\"", "GET", "If-Modified-Since: Sun Nov  6 08:49:37 1994"));
    }

    @Test void ifModifiedSinceIsForGetAndHeadOnly() { assertEquals(0, evaluate("\"a\"", "POST", "If-Modified-Since: " + SAME)); }

    @Test void datesThatAreInvalidOrRepeatedAreIgnored() {
        assertEquals(0, evaluate("\"a\"", "GET", "If-Modified-Since: yesterday"));
        assertEquals(0, evaluate("\"a\"", "GET", "If-Modified-Since: " + SAME, "If-Modified-Since: " + SAME));
        assertEquals(0, evaluate("\"a\"", "GET", "If-Unmodified-Since: yesterday"));
        assertEquals(0, evaluate("\"a\"", "GET", "If-Unmodified-Since: " + BEFORE, "If-Unmodified-Since: " + BEFORE));
    }

    @Test void entityTagsTakePrecedenceOverDates() {
        assertEquals(0, evaluate("\"a\"", "GET", "If-Match: \"a\"", "If-Unmodified-Since: " + BEFORE));
        assertEquals(412, evaluate("\"a\"", "GET", "If-Match: \"b\"", "If-Unmodified-Since: " + AFTER));
        assertEquals(0, evaluate("\"a\"", "GET", "If-None-Match: \"b\"", "If-Modified-Since: " + AFTER));
        assertEquals(304, evaluate("\"a\"", "GET", "If-None-Match: \"a\"", "If-Modified-Since: " + BEFORE));
    }

    @Test void preconditionsComeBeforeCaching() {
        assertEquals(412, evaluate("\"a\"", "GET", "If-None-Match: \"a\"", "If-Match: \"b\""));
        assertEquals(304, evaluate("\"a\"", "GET", "If-None-Match: \"a\"", "If-Match: \"a\""));
        assertEquals(412, evaluate("\"a\"", "GET", "If-Modified-Since: " + AFTER, "If-Unmodified-Since: " + BEFORE));
    }

    private boolean rangeApplies(String etag, String method, String... fields) {
        request(method, fields);
        return Conditions.rangeApplies(in, head, Corpus.bytes(etag), MTIME, NOW);
    }

    @Test void aRangeAppliesToGetWithoutIfRangeOrWithOneThatIsTrue() {
        assertTrue(rangeApplies("\"a\"", "GET", "Range: bytes=0-"));
        assertFalse(rangeApplies("\"a\"", "HEAD", "Range: bytes=0-"));
        assertFalse(rangeApplies("\"a\"", "GET"));
        assertFalse(rangeApplies("\"a\"", "GET", "If-Range: \"a\""));
        assertTrue(rangeApplies("\"a\"", "GET", "Range: bytes=0-", "If-Range: \"a\""));
        assertTrue(rangeApplies("\"a\"", "GET", "Range: bytes=0-", "If-Range: " + SAME));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "\"a\"   | \"b\"", "\"a\" | W/\"a\"", "W/\"a\" | W/\"a\"", "W/\"a\" | \"a\"", "\"a\" | a", "\"a\" | *", "\"a\" | \"a\", \"b\"", "\"a\" | \"a",
        "\"a\" | " + BEFORE, "\"a\" | " + AFTER, "\"a\" | yesterday",
    })
    void aRangeDoesNotApplyWithAnotherIfRange(String etag, String value) {
        assertFalse(rangeApplies(etag, "GET", "Range: bytes=0-", "If-Range: " + value));
    }

    @Test void aRangeDoesNotApplyIfAFieldIsRepeated() {
        assertFalse(rangeApplies("\"a\"", "GET", "Range: bytes=0-", "Range: bytes=0-"));
        assertFalse(rangeApplies("\"a\"", "GET", "Range: bytes=0-", "If-Range: \"a\"", "If-Range: \"a\""));
    }

    @Test void aDateOfThePresentSecondIsNoStrongValidator() {
        request("GET", "Range: bytes=0-", "If-Range: " + SAME);
        assertFalse(Conditions.rangeApplies(in, head, Corpus.bytes("\"a\""), MTIME, MTIME));
        assertTrue(Conditions.rangeApplies(in, head, Corpus.bytes("\"a\""), MTIME, MTIME + 1));
    }
}
