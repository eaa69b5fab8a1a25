package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteView;

class RequestParserTest {
    private final RequestParser parser = new RequestParser(HttpLimits.DEFAULT);
    private final RequestHead head = new RequestHead();

    static List<Corpus.Case> good() { return Corpus.read("requests-good.txt"); }

    static List<Corpus.Case> bad() { return Corpus.read("requests-bad.txt"); }

    private String text(ByteView in, int offset, int length) { return in.toLatin1(offset, length); }

    @ParameterizedTest @MethodSource("good")
    void goodRequestsAreUnderstood(Corpus.Case request) {
        ByteView in = ByteView.copyOf(request.input());
        int length = parser.parse(in, head);
        assertTrue(length > 0, head.error());
        assertEquals("\r\n\r\n", text(in, length - 4, 4));
        assertNull(head.error());
        String[] words = request.expectation().split(" ");
        assertEquals(words[0], head.method() == RequestHead.OTHER ? "OTHER" : RequestModel.METHODS.get(head.method()));
        for (int i = 1; i < words.length; i++) {
            String expected = words[i].substring(words[i].indexOf('=') + 1);
            String actual = switch (words[i].substring(0, words[i].indexOf('='))) {
                case "minor" -> "" + head.minorVersion();
                case "keep" -> "" + head.isKeepAlive();
                case "upgrade" -> "" + head.wantsUpgrade();
                case "form" -> "" + head.targetForm();
                case "authority" -> text(in, head.authorityOffset(), head.authorityLength());
                case "path" -> text(in, head.pathOffset(), head.pathLength());
                case "query" -> text(in, head.queryOffset(), head.queryLength());
                case "host" -> text(in, head.offset(RequestHead.HOST), head.length(RequestHead.HOST));
                case "length" -> "" + head.contentLength();
                case "chunked" -> "" + head.isChunked();
                case "body" -> "" + head.hasBody();
                case "expect" -> "" + head.expectsContinue();
                default -> throw new IllegalArgumentException(words[i]);
            };
            assertEquals(expected, actual, words[i]);
        }
    }

    @ParameterizedTest @MethodSource("bad")
    void badRequestsAreRefusedWithTheRightStatusAndReason(Corpus.Case request) {
        int verdict = parser.parse(ByteView.copyOf(request.input()), head);
        assertEquals(request.expectation(), -verdict + " " + head.error());
    }

    @Test void theMethodIsTheBytesBeforeTheSpace() {
        ByteView in = Corpus.view("\r\nPATCH /x HTTP/1.1\r\nHost: a\r\n\r\n");
        parser.parse(in, head);
        assertEquals("PATCH", text(in, head.methodOffset(), head.methodLength()));
        assertEquals("/x", text(in, head.targetOffset(), head.targetLength()));
    }

    @Test void fieldsThatAreNotRecordedAreFoundByScanning() {
        ByteView in = Corpus.view("GET / HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\nX-Forwarded-For:d\r\ncookie: \t e \r\n\r\nCookie: f\r\n");
        parser.parse(in, head);
        byte[] cookie = Corpus.bytes("cookie");
        int first = head.find(in, cookie);
        assertEquals("b=c", text(in, first, head.valueLength(in, first)));
        int second = head.next(in, cookie, first);
        assertEquals("e", text(in, second, head.valueLength(in, second)));
        assertEquals(-1, head.next(in, cookie, second));
        assertEquals(-1, head.find(in, Corpus.bytes("x-forwarded")));
        assertEquals(-1, head.find(in, Corpus.bytes("x-forwarded-fore")));
    }

    @Test void aHeadServesOneRequestAfterAnother() {
        ByteView in = Corpus.view("POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nRange: x\r\nRange: x\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
                + "GET /c HTTP/1.1\r\nHost: b\r\n\r\n");
        int length = parser.parse(in, head);
        assertTrue(head.isRepeated(RequestHead.RANGE));
        in.consume(length);
        assertEquals(in.length(), parser.parse(in, head));
        assertEquals(-1, head.contentLength());
        assertEquals(-1, head.queryOffset());
        assertFalse(head.expectsContinue());
        assertFalse(head.hasBody());
        assertTrue(head.isKeepAlive());
        assertFalse(head.has(RequestHead.RANGE));
        assertFalse(head.isRepeated(RequestHead.RANGE));
        assertEquals(0, head.offset(RequestHead.RANGE));
        assertEquals(0, head.length(RequestHead.RANGE));
        assertEquals(1, head.fieldCount());
    }

    @Test void aHeadServesTheNextRequestAfterOneThatWasRefused() {
        assertEquals(-400, parser.parse(Corpus.view("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"), head));
        assertEquals(18, parser.parse(Corpus.view("GET / HTTP/1.0\r\n\r\n"), head));
        assertNull(head.error());
        assertEquals(-1, head.contentLength());
    }

    @Test void aHeadGivenUpHalfWayIsForgottenByReset() {
        assertEquals(0, parser.parse(Corpus.view("GET /long/path HTTP/1.1\r\nHost: a\r\nX: y"), head));
        head.reset();
        assertEquals(18, parser.parse(Corpus.view("GET / HTTP/1.0\r\n\r\n"), head));
    }

    @Test void bytesThatWereLookedAtAreNotLookedAtAgain() {
        // A parser that began anew with each byte would take seconds here; what is asserted is that it goes on where it
        // was: it does not see that the bytes before have changed.
        String request = "GET / HTTP/1.1\r\nHost: a\r\nX: " + "v".repeat(15_000);
        assertEquals(0, parser.parse(Corpus.view(request), head));
        assertEquals(0, parser.parse(Corpus.view("\n".repeat(request.length()) + "v"), head));
        assertEquals(request.length() + 5, parser.parse(Corpus.view("\n".repeat(request.length() + 1) + "\r\n\r\n"), head));
    }

    @Test void errorsAreReportedAsSoonAsTheyAreCertain() {
        assertEquals(-400, parser.parse(Corpus.view("\u0016"), head));
        assertEquals(-400, parser.parse(Corpus.view("GET /#"), head));
        assertEquals(-505, parser.parse(Corpus.view("GET / HTTP/2.0"), head));
        assertEquals(-400, parser.parse(Corpus.view("GET / HTTP/1.1\r\nHost "), head));
        assertEquals(-400, parser.parse(Corpus.view("GET / HTTP/1.1\r\nHost: a b\r\n"), head));
        assertEquals(-400, parser.parse(Corpus.view("GET / HTTP/1.1\r\nX: \0"), head));
        assertEquals(-414, parser.parse(Corpus.view("GET /" + "x".repeat(8192)), head));
        assertEquals(-431, parser.parse(Corpus.view("GET / HTTP/1.1\r\nX: " + "x".repeat(16384 - 19)), head));
    }

    @Test void limitsAreExact() {
        HttpLimits limits = new HttpLimits(10, 64, 2, 0, 0, 2);
        RequestParser tight = new RequestParser(limits);
        assertTrue(tight.parse(Corpus.view("GET /123456789 HTTP/1.0\r\n\r\n"), head) > 0);
        assertEquals(-414, tight.parse(Corpus.view("GET /1234567890 HTTP/1.0\r\n\r\n"), head));
        assertTrue(tight.parse(Corpus.view("GET / HTTP/1.0\r\nA:\r\nB:\r\n\r\n"), head) > 0);
        assertEquals(-431, tight.parse(Corpus.view("GET / HTTP/1.0\r\nA:\r\nB:\r\nC:\r\n\r\n"), head));
        String before = "GET / HTTP/1.0\r\nA:";
        assertEquals(64, tight.parse(Corpus.view(before + "v".repeat(64 - 4 - before.length()) + "\r\n\r\n"), head));
        assertEquals(-431, tight.parse(Corpus.view(before + "v".repeat(65 - 4 - before.length()) + "\r\n\r\n"), head));
        assertEquals(0, tight.parse(Corpus.view(before + "v".repeat(63 - before.length())), head));
    }

    @Test void limitsThatMakeNoSenseAreRejected() {
        assertThrows(IllegalArgumentException.class, () -> new HttpLimits(1, 65_536, 1, 0, 0, 2));
        assertThrows(IllegalArgumentException.class, () -> new HttpLimits(0, 100, 1, 0, 0, 2));
        assertThrows(IllegalArgumentException.class, () -> new HttpLimits(1, 100, 1, -1, 0, 2));
    }

    @Test void everyRecordedNameIsRecognisedInAnyCaseAndNoOther() {
        for (int field = 1; field <= RequestHead.EXPECT; field++) {
            byte[] name = FieldNames.bytes(field);
            for (int capitals = 0; capitals < 3; capitals++) {
                byte[] written = name.clone();
                for (int i = 0; i < written.length; i++) {
                    if (capitals == 1 || capitals == 2 && i % 2 == 0) written[i] = (byte) Character.toUpperCase(written[i]);
                }
                assertEquals(field, lookup(written));
            }
            for (int i = 0; i < name.length; i++) {
                for (int b = 1; b < 256; b++) { // zero cannot stand in a name and is what a short name is filled with
                    byte[] damaged = name.clone();
                    damaged[i] = (byte) b;
                    boolean same = Character.toLowerCase((char) b) == name[i];
                    assertEquals(same, lookup(damaged) == field, () -> Corpus.text(damaged));
                }
            }
        }
    }

    private static int lookup(byte[] name) {
        ByteView in = Corpus.view(Corpus.text(name) + ": value");
        assertEquals(FieldNames.lookup(in, 0, name.length), FieldNames.lookupAtEnd(ByteView.copyOf(name), 0, name.length, name.length));
        return FieldNames.lookup(in, 0, name.length);
    }

    @Test void wordTestsAgreeWithTheTablesForEveryByteAtEveryPlace() {
        for (int b = 0; b < 256; b++) {
            boolean letter = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z';
            boolean digit = b >= '0' && b <= '9';
            for (int place = 0; place < 8; place++) {
                for (long others : new long[] {Chars.word("aaaaaaaa"), Chars.word("ZZZZZZZZ"), Chars.word("--------")}) {
                    long mask = 0xFFL << 8 * place;
                    long word = others & ~mask | (long) b << 8 * place;
                    long mark = 0x80L << 8 * place;
                    assertEquals(letter || b == '-' || b == '.' ? 0 : mark, Chars.notNameBytes(word));
                    assertEquals(letter || b >= '$' && b <= ';' ? 0 : mark, Chars.notTargetBytes(word));
                    assertEquals(letter || digit || b == '-' || b == '.' ? 0 : mark, Chars.notHostBytes(word));
                    long digits = Chars.notDigits(Chars.word("00990909") & ~mask | (long) b << 8 * place);
                    assertEquals(digit ? 8 : place, digits == 0 ? 8 : Chars.first(digits));
                    long text = Chars.notText(word);
                    assertEquals(b >= 0x20 && b <= 0x7E ? 8 : place, text == 0 ? 8 : Chars.first(text));
                    long zeroes = Chars.zeroes(word);
                    assertEquals(b != 0 ? 8 : place, zeroes == 0 ? 8 : Chars.first(zeroes));
                }
            }
        }
    }
}
