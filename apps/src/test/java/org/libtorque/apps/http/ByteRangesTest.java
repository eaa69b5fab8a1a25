package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteView;

class ByteRangesTest {
    private final ByteRanges ranges = new ByteRanges();

    private String parse(String value, long size) {
        int result = ranges.parse(Corpus.view("x" + value + "\r\n"), 1, value.length(), size);
        if (result == ByteRanges.IGNORE) return "ignore";
        if (result == ByteRanges.UNSATISFIABLE) return "416";
        assertEquals(result, ranges.count());
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < result; i++) {
            text.append(i == 0 ? "" : " ").append(ranges.first(i)).append('-').append(ranges.last(i));
            assertEquals(ranges.last(i) - ranges.first(i) + 1, ranges.length(i));
        }
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "bytes=0-499          | 0-499",
        "bytes=500-999        | 500-999",
        "bytes=0-0            | 0-0",
        "bytes=9999-9999      | 9999-9999",
        "bytes=-500           | 9500-9999",
        "bytes=9500-          | 9500-9999",
        "bytes=0-             | 0-9999",
        "bytes=-10000         | 0-9999",
        "bytes=-10001         | 0-9999",
        "bytes=9000-20000     | 9000-9999",
        "BYTES=0-1            | 0-1",
        "bytes=0-0,-1         | 0-0 9999-9999",
        "bytes=0-0 ,\t500-500 | 0-0 500-500",
        "bytes=,,0-0,,500-500,| 0-0 500-500",
        "bytes=500-600,601-999| 500-999",
        "bytes=500-700,601-999| 500-999",
        "bytes=601-999,500-700| 500-999",
        "bytes=5000-5001,0-1  | 5000-5001 0-1",
        "bytes=0-99,179-200   | 0-200",
        "bytes=0-99,180-200   | 0-99 180-200",
        "bytes=179-200,0-99   | 0-200",
        // a third range joins two that were apart
        "bytes=0-99,500-599,100-499 | 0-599",
        "bytes=0-1,9999-,4000-4001  | 0-1 9999-9999 4000-4001",
        "bytes=0-1,10000-,4000-4001 | 0-1 4000-4001",
        "bytes=00000000000000000000000-000001 | 0-1",
        "bytes=0-99999999999999999999999999   | 0-9999",
        "bytes=-99999999999999999999999999    | 0-9999",
    })
    void satisfiableRangesAreFound(String value, String expected) { assertEquals(expected, parse(value, 10_000)); }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=-0,10000-", "bytes=99999999999999999999999999-", "bytes=10000-,20000-",
    })
    void rangesBehindTheEndAreUnsatisfiable(String value) { assertEquals("416", parse(value, 10_000)); }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "bytes=", "bytes", "bytes=,", "bytes=-", "bytes=x", "bytes=1", "bytes=2-1", "bytes=0-1,2-1", "bytes=0-1;2-3", "bytes=0-1 2-3", "bytes=+0-1",
        "bytes=0--1", "bytes=--1", "bytes=0-1-2", "bytes= 0-1", "bytes =0-1", "bytes:0-1", "bytes=0 -1", "bytes=0- 1", "bytes=0-1,x", "bytes=a-b",
        "lines=0-1", "byte=0-1", "bytess=0-1", "bytes=0x0-0x1", "bytes=10000-,2-1", "bytes=0-1,\"\"", "0-1",
    })
    void whatIsNotWellFormedIsIgnored(String value) { assertEquals("ignore", parse(value, 10_000)); }

    @Test void anEmptyFileHasNoRanges() {
        assertEquals("416", parse("bytes=0-", 0));
        assertEquals("416", parse("bytes=0-0", 0));
        assertEquals("416", parse("bytes=-0", 0));
        assertEquals("ignore", parse("bytes=-1", 0));
    }

    @Test void manyRangesAreIgnored() {
        StringBuilder sixteen = new StringBuilder("bytes=");
        for (int i = 0; i < 16; i++) sixteen.append(i * 200).append('-').append(i * 200).append(',');
        assertEquals(16, parse(sixteen.toString(), 10_000).split(" ").length);
        assertEquals("ignore", parse(sixteen + "9000-9001", 10_000));
        assertEquals(16, parse(sixteen + "10000-", 10_000).split(" ").length);
    }

    @Test void rangesThatOverlapManyTimesAreIgnored() {
        assertEquals("0-4", parse("bytes=0-1,1-2,2-4", 10_000));
        assertEquals("ignore", parse("bytes=0-1,1-2,2-3,3-4", 10_000));
        assertEquals("ignore", parse("bytes=0-,0-,0-,0-", 10_000));
        assertEquals("ignore", parse("bytes=0-,1-,2-,3-,4-,5-", 10_000));
    }

    @Test void contentRangeNamesTheRangeAndTheSize() {
        HeapSink out = new HeapSink();
        parse("bytes=21010-47021", 47022);
        ranges.putContentRange(out, 0);
        assertEquals("bytes 21010-47021/47022", out.text());
        out.clear();
        ByteRanges.putUnsatisfied(out, 47022);
        assertEquals("bytes */47022", out.text());
    }

    @Test void aMultipartBodyHasTheLengthItClaims() {
        String content = "x".repeat(10_000);
        byte[] boundary = Corpus.bytes("THIS_STRING_SEPARATES");
        for (byte[] type : new byte[][] {Corpus.bytes("application/pdf"), null}) {
            parse("bytes=500-999,7000-7999,-1", 10_000);
            HeapSink out = new HeapSink();
            for (int i = 0; i < ranges.count(); i++) {
                ranges.putPartHead(out, i, boundary, type);
                out.put(Corpus.bytes(content.substring((int) ranges.first(i), (int) ranges.last(i) + 1)));
            }
            ByteRanges.putEnd(out, boundary);
            assertEquals(ranges.multipartLength(boundary, type), out.text().length());
            if (type != null) {
                assertEquals("""
                        --THIS_STRING_SEPARATES
                        Content-Type: application/pdf
                        Content-Range: bytes 500-999/10000

                        #
                        --THIS_STRING_SEPARATES
                        Content-Type: application/pdf
                        Content-Range: bytes 7000-7999/10000

                        #
                        --THIS_STRING_SEPARATES
                        Content-Type: application/pdf
                        Content-Range: bytes 9999-9999/10000

                        #
                        --THIS_STRING_SEPARATES--
                        """.replace("\n", "\r\n"), out.text().replaceAll("x+", "#"));
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void randomFieldsGetTheModelsRanges(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        String[] parts = {"0", "1", "5", "99", "100", "180", "181", "500", "999", "1000", "-", "-", "-", ",", ",", ", ", " ,", " ", "\t", "x", "18446744073709551617"};
        for (int i = 0; i < 3000; i++) {
            StringBuilder value = new StringBuilder("bytes=");
            for (int n = random.nextInt(30); n > 0; n--) {
                switch (random.nextInt(3)) {
                    case 0 -> value.append(random.nextInt(1100)).append('-').append(random.nextBoolean() ? "" : random.nextInt(1100));
                    case 1 -> value.append(',');
                    default -> value.append(parts[random.nextInt(parts.length)]);
                }
            }
            RangesComparison.compare(ByteView.copyOf(Corpus.bytes(value.toString())), random.nextInt(3) * 500);
        }
    }
}
