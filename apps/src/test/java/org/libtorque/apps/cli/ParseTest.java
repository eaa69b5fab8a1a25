package org.libtorque.apps.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.function.Function;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import org.libtorque.hardware.CpuSet;

import picocli.CommandLine.TypeConversionException;

class ParseTest {
    @ParameterizedTest
    @CsvSource({"0,PT0S", "0s,PT0S", "1ms,PT0.001S", "500ms,PT0.5S", "10s,PT10S", "2m,PT2M", "1h,PT1H"})
    void aDurationIsANumberWithAUnit(String text, Duration expected) {
        assertEquals(expected, Parse.duration(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "10", "s", "-1s", "1.5s", "1 s", " 1s", "1d", "1S", "0x1s", "1s1s", "1234567890123456789s"})
    void anythingElseIsNoDuration(String text) {
        assertRejected(Parse::duration, text, "such as 500ms, 10s or 2m");
    }

    @ParameterizedTest
    @ValueSource(strings = {"999999999999999999h", "9223372037s", "9223372036855ms"})
    void aDurationThatTimersCannotCountIsRejected(String text) {
        assertRejected(Parse::duration, text, "is too long a time");
    }

    @ParameterizedTest
    @CsvSource({"0,0", "1,1", "4096,4096", "64k,65536", "64K,65536", "1m,1048576", "2g,2147483648"})
    void aSizeIsInBytesOrPowersOf1024(String text, long expected) {
        assertEquals(expected, Parse.sizeBytes(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "k", "-1", "1.5m", "1kb", "1 k", "1t", "1234567890123456789"})
    void anythingElseIsNoSize(String text) {
        assertRejected(Parse::sizeBytes, text, "such as 4096, 64k or 1m");
    }

    @Test
    void aSizeBeyond63BitsIsRejected() {
        assertEquals(8_589_934_591L << 30, Parse.sizeBytes("8589934591g"));
        assertRejected(Parse::sizeBytes, "8589934592g", "is too large a size");
    }

    @Test
    void aCpuListNamesAtLeastOneCpu() {
        assertEquals(CpuSet.of(0, 1, 2, 3, 8), Parse.cpuList("8,0-3,2"));
        assertEquals("the CPU list is empty", assertThrows(TypeConversionException.class, () -> Parse.cpuList("")).getMessage());
        var e = assertThrows(TypeConversionException.class, () -> Parse.cpuList("0,3-1"));
        assertTrue(e.getMessage().contains("3-1"), e.getMessage());
    }

    @Test
    void aHeaderFieldIsATokenAColonAndAValue() {
        assertEquals(new HttpField("Accept", "text/html"), Parse.field("Accept: text/html"));
        assertEquals(new HttpField("X-Empty", ""), Parse.field("X-Empty:"));
        assertEquals(new HttpField("A", "b:c"), Parse.field("A:b:c "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Accept", ": x", "A B: x", "A : x", "A: x\r\nB: y", "A: \0", "A: \u007f", "A: \u20ac"})
    void aFieldThatWouldBreakTheRequestIsRejected(String text) {
        assertRejected(Parse::field, text, "is not a header such as");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "G T", "GET\r\n", "GET/"})
    void aMethodMustBeAToken(String text) {
        assertRejected(Parse::method, text, "is not an HTTP method");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "http://", "http:///x", "http://a:b@host/", "http://host:0/", "http://host:65536/", "http://host/#top", "http://ho st/"})
    void aUrlWithoutAUsableHostOrPortIsRejected(String text) {
        assertRejected(Parse::url, text, "is not a URL such as");
    }

    @Test
    void onlyHttpUrlsAreTaken() {
        assertRejected(Parse::url, "https://localhost/", "only http URLs can be loaded");
        assertEquals("http://localhost:8080/x", Parse.url("localhost:8080/x").toString());
    }

    @Test
    void anAddressIsNumericOrAKnownName() {
        assertTrue(Parse.address("127.0.0.1").isLoopbackAddress());
        assertTrue(Parse.address("::1").isLoopbackAddress());
        assertRejected(Parse::address, "", "is neither an IP address nor a known host name");
        assertRejected(Parse::address, "no-such-host.invalid", "is neither an IP address nor a known host name");
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1,                 1, 127.0.0.1, 127.0.0.1", "127.0.0.1-127.0.0.16,     16, 127.0.0.1,   127.0.0.16",
        "10.0.0.250-10.0.1.5,      12, 10.0.0.250, 10.0.1.5", "200.0.0.1-200.0.0.1,       1, 200.0.0.1,   200.0.0.1",
        "::1-::3,                   3, ::1,        ::3",      "fe80::fffe-fe80::1:1,      4, fe80::fffe,  fe80::1:1",
        "0.0.0.0-0.0.255.254,   65535, 0.0.0.0,    0.0.255.254",
    })
    void addressesMayBeARange(String text, int count, String first, String last) {
        var all = Parse.addresses(text);
        assertEquals(count, all.size());
        assertEquals(Parse.address(first), all.getFirst());
        assertEquals(Parse.address(last), all.getLast());
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.2-127.0.0.1", "0.0.0.0-1.0.0.0", "127.0.0.1-::2", "no-such-host.invalid"})
    void aRangeGoesUpwardsAndIsNotTooLong(String text) {
        assertRejected(Parse::addresses, text, "");
    }

    @Test
    void theBackendIsNamedAsInTheHelp() {
        for (var choice : BackendChoice.values()) assertEquals(choice, Parse.backend(choice.toString()));
        assertRejected(Parse::backend, "kqueue", "is not one of auto, epoll, io_uring");
    }

    private static void assertRejected(Function<String, ?> parser, String text, String why) {
        var e = assertThrows(TypeConversionException.class, () -> parser.apply(text));
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertTrue(e.getMessage().startsWith("'" + text + "'"), e.getMessage());
    }
}
