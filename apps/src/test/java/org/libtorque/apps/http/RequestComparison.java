package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawView;

/** Holds {@link RequestParser} against {@link RequestModel}. */
final class RequestComparison {
    private RequestComparison() {}

    /** Feeds a request byte by byte, and each prefix at once, and compares every verdict with the model's. In the middle of
     * long requests not every byte. */
    static void compareEveryPrefix(HttpLimits limits, byte[] request) { compareEveryPrefix(limits, request, request); }

    /** The same with a parser that knows the field lines of another request, which {@code request} may have too, or nearly. */
    static void compareEveryPrefix(HttpLimits limits, byte[] request, byte[] known) {
        RequestParser parser = acquainted(limits, known);
        RequestHead growing = new RequestHead();
        String text = Corpus.text(request);
        RawView in = RawView.copyOf(request);
        long address = in.address();
        for (int n = 0; n <= request.length; n += n < 400 || n > request.length - 20 ? 1 : Math.min(977, request.length - n)) {
            RequestModel.Result expected = RequestModel.parse(limits, text.substring(0, n));
            in.point(address, n);
            compare(expected, parser.parse(in, growing), in, growing);
            RequestHead fresh = new RequestHead();
            compare(expected, parser.parse(in, fresh), in, fresh);
            if (expected.verdict != 0) {
                in.point(address, request.length);
                compare(expected, parser.parse(in, fresh), in, fresh); // the same with what follows, and with a used head
                return;
            }
        }
    }

    /** Feeds a request in pieces that end where {@code ends} says, and then whole. */
    static void compare(HttpLimits limits, byte[] request, int[] ends) {
        RequestParser parser = acquainted(limits, request);
        RequestHead head = new RequestHead();
        String text = Corpus.text(request);
        RequestModel.Result whole = RequestModel.parse(limits, text);
        RawView in = RawView.copyOf(request);
        long address = in.address();
        for (int end : ends) {
            String prefix = text.substring(0, end);
            RequestModel.Result expected = RequestModel.parse(limits, prefix);
            in.point(address, end);
            compare(expected, parser.parse(in, head), in, head);
            if (expected.verdict != 0) {
                assertEquals(whole.verdict, expected.verdict, "more bytes change the verdict");
                return;
            }
        }
        in.point(address, request.length);
        compare(whole, parser.parse(in, head), in, head);
    }

    /** Returns a parser that has met a request's field lines so often that it has learnt them, if they are such as it learns, behind a request line of another length. */
    private static RequestParser acquainted(HttpLimits limits, byte[] request) {
        RequestParser parser = new RequestParser(limits);
        String text = Corpus.text(request);
        ByteView in = Corpus.view("GET /known?yes HTTP/1.1" + text.substring(Math.max(0, text.indexOf("\r\n"))));
        for (int i = 0; i <= KnownFields.PATIENCE; i++) parser.parse(in, new RequestHead());
        return parser;
    }

    private static void compare(RequestModel.Result expected, int verdict, ByteView in, RequestHead head) {
        assertEquals(expected.verdict, verdict, () -> "error: " + head.error() + ", input: " + in.toLatin1(0, in.length()));
        if (verdict < 0) assertNotNull(head.error());
        if (verdict <= 0) return;
        assertNull(head.error());
        assertEquals(verdict, head.length());
        assertEquals(expected.method, head.method());
        assertEquals(expected.minorVersion, head.minorVersion());
        assertEquals(expected.target, in.toLatin1(head.targetOffset(), head.targetLength()));
        assertEquals(expected.path, in.toLatin1(head.pathOffset(), head.pathLength()));
        assertEquals(expected.query, head.queryOffset() < 0 ? null : in.toLatin1(head.queryOffset(), head.queryLength()));
        assertEquals(expected.authority, in.toLatin1(head.authorityOffset(), head.authorityLength()));
        assertEquals(expected.contentLength, head.contentLength());
        assertEquals(expected.chunked, head.isChunked());
        assertEquals(expected.expectContinue, head.expectsContinue());
        assertEquals(!expected.close && (expected.minorVersion == 1 || expected.keepAlive), head.isKeepAlive());
        assertEquals(expected.fieldCount, head.fieldCount());
        for (Map.Entry<String, List<String>> field : expected.fields.entrySet()) {
            byte[] name = Corpus.bytes(field.getKey());
            int at = head.find(in, name);
            for (String value : field.getValue()) {
                assertTrue(at >= 0, field.getKey());
                assertEquals(value, in.toLatin1(at, head.valueLength(in, at)));
                at = head.next(in, name, at);
            }
            assertEquals(-1, at);
        }
        for (int id = 1; id <= RequestHead.EXPECT; id++) {
            List<String> values = expected.fields.get(Corpus.text(FieldNames.bytes(id)));
            assertEquals(values != null, head.has(id));
            assertEquals(values != null && values.size() > 1, head.isRepeated(id));
            if (values != null) assertEquals(values.getFirst(), in.toLatin1(head.offset(id), head.length(id)));
        }
        assertEquals(-1, head.find(in, Corpus.bytes("no-such-field")));
    }
}
