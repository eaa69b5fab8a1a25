package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawSink;
import org.libtorque.memory.raw.RawView;
import org.libtorque.testkit.AllocationProbe;

/** Nothing that happens for each request allocates. */
class HttpAllocationTest {
    private static final int WARM_UP = 20_000, RUNS = 2_000;

    /** A sink of one block that begins again where it is full. */
    private static final class RingSink extends RawSink {
        private final RawView block = RawView.copyOf(new byte[4096]);

        RingSink() { nextBlock(); }

        @Override protected void nextBlock() {
            position = block.address();
            limit = position + block.length();
        }

        @Override protected void ensure(int count) { nextBlock(); }
    }

    private final RequestParser parser = new RequestParser(HttpLimits.DEFAULT);
    private final RequestHead head = new RequestHead();
    private final ByteView in = Corpus.view("GET /a%20b/../c.html?x=y HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: foo, keep-alive\r\nX-Unknown: \u00e9\tx\r\n"
            + "If-None-Match: \"a\", W/\"b\"\r\nIf-None-Match: \"c\"\r\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\nIf-Match: *\r\n"
            + "Accept-Encoding: gzip;q=0.5, br\r\nAccept-Encoding: *;q=0\r\nRange: bytes=0-10,500-,-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\n");
    private final RingSink out = new RingSink();

    @Test void parsingAHeadWholeOrInPiecesAllocatesNothing() {
        RawView growing = new RawView();
        long address = RawView.addressOf(in);
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            assertEquals(in.length(), parser.parse(in, head));
            for (int n = 7; n < in.length(); n += 61) {
                growing.point(address, n);
                parser.parse(growing, head);
            }
            parser.parse(in, head);
        });
    }

    @Test void refusingAHeadAllocatesNothing() {
        ByteView bad = Corpus.view("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n");
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> parser.parse(bad, head));
    }

    @Test void decodingChunksAllocatesNothing() {
        ChunkedDecoder decoder = new ChunkedDecoder(HttpLimits.DEFAULT);
        RawView view = new RawView();
        ByteView body = Corpus.view("5;a=\"b\"\r\nhello\r\n1\r\nx\r\n0\r\nTrailer: x\r\n\r\n");
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            view.point(RawView.addressOf(body), body.length());
            decoder.reset();
            if (decoder.decode(view, BodyConsumer.DISCARD) != ChunkedDecoder.DONE) throw new AssertionError(decoder.error());
        });
    }

    @Test void conditionsRangesAndNegotiationAllocateNothing() {
        parser.parse(in, head);
        byte[] etag = Corpus.bytes("\"c\"");
        byte[] boundary = Corpus.bytes("boundary");
        ByteRanges ranges = new ByteRanges();
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            Conditions.evaluate(in, head, etag, 784111777, 1_700_000_000);
            Conditions.rangeApplies(in, head, etag, 784111777, 1_700_000_000);
            AcceptEncoding.choose(in, head, AcceptEncoding.GZIP | AcceptEncoding.IDENTITY);
            int count = ranges.parse(in, head.offset(RequestHead.RANGE), head.length(RequestHead.RANGE), 10_000);
            ranges.multipartLength(boundary, MediaTypes.DEFAULT);
            for (int i = 0; i < count; i++) ranges.putPartHead(out, i, boundary, MediaTypes.DEFAULT);
            ByteRanges.putEnd(out, boundary);
        });
    }

    @Test void pathsTypesDatesAndErrorsAllocateNothing() {
        parser.parse(in, head);
        RequestPath path = new RequestPath(8192);
        HttpDate date = new HttpDate();
        long[] now = {1_700_000_000};
        byte[] none = new byte[0];
        AllocationProbe.assertAllocatesNothing(WARM_UP, RUNS, () -> {
            int length = path.resolve(in, head.pathOffset(), head.pathLength());
            out.put(MediaTypes.of(path.bytes(), length));
            StatusLines.putError(out, 404, date.bytes(now[0]++), none, true, false);
            TextEncoder.putHtml(out, path.bytes(), 0, length);
            TextEncoder.putUrlPath(out, path.bytes(), 0, length);
        });
    }
}
