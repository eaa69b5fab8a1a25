package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.libtorque.memory.raw.RawView;

/** Holds {@link ChunkedDecoder} against a model that looks at the whole body with regular expressions. */
final class ChunkedComparison {
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final String QUOTED = "\"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*+\"";
    private static final String EXTENSION = "[ \\t]*;[ \\t]*" + TOKEN + "(?:[ \\t]*=[ \\t]*(?:" + TOKEN + "|" + QUOTED + "))?";
    private static final Pattern SIZE_LINE = Pattern.compile("([0-9A-Fa-f]+)((?:" + EXTENSION + ")*+)\\r\\n");
    private static final Pattern TRAILER = Pattern.compile(TOKEN + ":[\\t \\x21-\\x7e\\x80-\\xff]*\\r\\n");

    /** What a body is: decoded text and the bytes it takes, or whether it is refused or merely not complete. */
    record Result(String verdict, String body, int length) {}

    private ChunkedComparison() {}

    static Result model(HttpLimits limits, String in) {
        StringBuilder body = new StringBuilder();
        int at = 0;
        int extensions = 0;
        for (;;) {
            Matcher line = SIZE_LINE.matcher(in).region(at, in.length());
            if (!line.lookingAt()) return new Result("not ok", body.toString(), 0);
            extensions += line.group(2).length();
            if (line.group(1).length() > ChunkedDecoder.SIZE_DIGITS || extensions > limits.extensionBytes()) return new Result("not ok", body.toString(), 0);
            long size = Long.parseLong(line.group(1), 16);
            if (size > limits.bodyBytes() - body.length()) return new Result("not ok", body.toString(), 0);
            at = line.end();
            if (size == 0) break;
            body.append(in, at, (int) Math.min(in.length(), at + size));
            at += (int) size;
            if (!in.startsWith("\r\n", at)) return new Result("not ok", body.toString(), 0);
            at += 2;
        }
        int trailers = at;
        for (int count = 0; !in.startsWith("\r\n", at); count++) {
            Matcher line = TRAILER.matcher(in).region(at, in.length());
            if (!line.lookingAt() || count == limits.fieldCount()) return new Result("not ok", body.toString(), 0);
            at = line.end();
        }
        at += 2;
        return at - trailers > limits.trailerBytes() ? new Result("not ok", body.toString(), 0) : new Result("ok", body.toString(), at);
    }

    /** Decodes a body in pieces that end where {@code ends} says, then the rest. */
    static void compare(HttpLimits limits, byte[] input, int[] ends) { new Comparison(limits, input).inPieces(ends); }

    /** Decodes a body in two pieces, for every place where it can be split; byte by byte; and in whole. */
    static void compareEverySplit(HttpLimits limits, byte[] input) {
        Comparison comparison = new Comparison(limits, input);
        for (int at = 0; at <= Math.min(input.length, 1000); at++) comparison.inPieces(at);
    }

    private static final class Comparison {
        private final HttpLimits limits;
        private final byte[] input;
        private final Result expected;
        private final RawView in;
        private final long address;
        private final int resultByteByByte;
        private final int consumedByteByByte;
        private final String errorByteByByte;

        Comparison(HttpLimits limits, byte[] input) {
            this.limits = limits;
            this.input = input;
            expected = model(limits, Corpus.text(input));
            in = RawView.copyOf(input);
            address = in.address();
            ChunkedDecoder decoder = new ChunkedDecoder(limits);
            int at = 0;
            int result = ChunkedDecoder.MORE;
            while (at < input.length && result == ChunkedDecoder.MORE) {
                in.point(address + at++, 1);
                result = decoder.decode(in, BodyConsumer.DISCARD);
            }
            resultByteByByte = result;
            consumedByteByByte = at;
            errorByteByByte = decoder.error();
        }

        void inPieces(int... ends) {
            ChunkedDecoder decoder = new ChunkedDecoder(limits);
            StringBuilder out = new StringBuilder();
            int result = ChunkedDecoder.MORE;
            int consumed = 0;
            for (int i = 0; i <= ends.length && result == ChunkedDecoder.MORE; i++) {
                int end = i < ends.length ? ends[i] : input.length;
                in.point(address + consumed, end - consumed);
                result = decoder.decode(in, (view, index, count) -> out.append(view.toLatin1(index, count)));
                consumed += in.consumed();
                if (result == ChunkedDecoder.MORE) assertEquals(end, consumed);
            }
            assertEquals(expected.verdict().equals("ok"), result == ChunkedDecoder.DONE, () -> decoder.error() + ": " + Corpus.text(input));
            if (result == ChunkedDecoder.DONE) {
                assertEquals(expected.body(), out.toString());
                assertEquals(expected.length(), consumed);
            } else {
                assertTrue(expected.body().startsWith(out.toString()), "bytes that are no body");
            }
            assertEquals(resultByteByByte, result);
            assertEquals(consumedByteByByte, consumed);
            assertEquals(errorByteByByte, decoder.error());
        }
    }
}
