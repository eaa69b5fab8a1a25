package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpDateTest {
    private static final DateTimeFormatter IMF = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH);
    private static final DateTimeFormatter RFC850 = DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss 'GMT'", Locale.ENGLISH);
    private static final DateTimeFormatter ASCTIME = DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.ENGLISH);
    private static final long NOW = LocalDateTime.of(2026, 11, 21, 20, 0).toEpochSecond(ZoneOffset.UTC);

    private static long parse(String text) { return parse(text, NOW); }

    private static long parse(String text, long now) {
        // Behind something and in front of something, as in a head.
        return HttpDate.parse(Corpus.view("xx" + text + "\r\n"), 2, text.length(), now);
    }

    @Test void theExamplesOfTheSpecificationAreTheSameInstant() {
        assertEquals(784111777, parse("Sun, 06 Nov 1994 08:49:37 GMT"));
        assertEquals(784111777, parse("Sunday, 06-Nov-94 08:49:37 GMT"));
        assertEquals(784111777, parse("Sun Nov  6 08:49:37 1994"));
        assertEquals("Sun, 06 Nov 1994 08:49:37 GMT", Corpus.text(new HttpDate().bytes(784111777)));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void datesAgreeWithTheJdk(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] bytes = new byte[HttpDate.LENGTH];
        for (int i = 0; i < 2000; i++) {
            long second = random.nextLong(-62_167_219_200L, 253_402_300_800L);
            ZonedDateTime date = Instant.ofEpochSecond(second).atZone(ZoneOffset.UTC);
            HttpDate.format(second, bytes, 0);
            assertEquals(IMF.format(date), Corpus.text(bytes));
            assertEquals(second, parse(IMF.format(date)));
            assertEquals(second, parse(ASCTIME.format(date)));
            long recent = random.nextLong(NOW - 49L * 31_556_952, NOW + 49L * 31_556_952);
            assertEquals(recent, parse(RFC850.format(Instant.ofEpochSecond(recent).atZone(ZoneOffset.UTC))));
        }
    }

    @Test void everyDayOfFourHundredYearsIsFormattedAndParsed() {
        byte[] bytes = new byte[HttpDate.LENGTH];
        for (long day = -135_140; day < 146_097 - 135_140; day++) {
            HttpDate.format(day * 86_400 + 86_399, bytes, 0);
            assertEquals(IMF.format(Instant.ofEpochSecond(day * 86_400 + 86_399).atZone(ZoneOffset.UTC)), Corpus.text(bytes));
            assertEquals(day * 86_400 + 86_399, parse(Corpus.text(bytes)));
        }
    }

    @Test void aYearOfTwoDigitsIsTheLatestNotMoreThanFiftyYearsAhead() {
        long now = LocalDateTime.of(2026, 3, 1, 12, 0).toEpochSecond(ZoneOffset.UTC);
        // 50 average years from then: 29 February 2076, 15:00:00
        assertEquals(2076, year(parse("Sunday, 29-Feb-76 15:00:00 GMT", now)));
        assertEquals(1976, year(parse("Sunday, 29-Feb-76 15:00:01 GMT", now)));
        assertEquals(1976, year(parse("Sunday, 01-Mar-76 00:00:00 GMT", now)));
        assertEquals(1977, year(parse("Sunday, 01-Jan-77 00:00:00 GMT", now)));
        assertEquals(2026, year(parse("Sunday, 01-Jan-26 00:00:00 GMT", now)));
        assertEquals(2000, year(parse("Sunday, 29-Feb-00 00:00:00 GMT", now)));
        long turn = LocalDateTime.of(2099, 12, 31, 23, 59, 59).toEpochSecond(ZoneOffset.UTC);
        assertEquals(2149, year(parse("Sunday, 31-Dec-49 23:59:59 GMT", turn)));
        assertEquals(2050, year(parse("Sunday, 02-Jan-50 00:00:00 GMT", turn)));
        assertEquals(2105, year(parse("Sunday, 01-Jan-05 00:00:00 GMT", turn)));
    }

    private static int year(long second) { return Instant.ofEpochSecond(second).atZone(ZoneOffset.UTC).getYear(); }

    @Test void aLeapSecondIsTheFirstSecondOfTheNextMinute() {
        assertEquals(parse("Sun, 01 Jan 2017 00:00:00 GMT"), parse("Sat, 31 Dec 2016 23:59:60 GMT"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Sun", "Sun, 06 Nov 1994 08:49:37 GM", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 gmt", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun,+06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 6-Nov-94 08:49:37 GMT", "Sunda, 06-Nov-94 08:49:37 GMT", "Sundayy, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 EST", "Sunday, 31-Feb-94 08:49:37 GMT", "Sunday, 29-Feb-23 08:49:37 GMT", "Sunday, 06-Nov-9x 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 ", "Sun Nov 32 08:49:37 1994", "Sun Nov  0 08:49:37 1994", "Sun Nov  6 08:49:37 199x",
        "Sun Nov  6 08:49:37  994", "Sun Nov 6  08:49:37 1994", "784111777", "2026-11-21T20:00:00Z"})
    void whatIsNoDateIsInvalid(String text) { assertEquals(HttpDate.INVALID, parse(text)); }

    @Test void aWrongWeekdayIsNotHeldAgainstADate() { assertEquals(784111777, parse("Mon, 06 Nov 1994 08:49:37 GMT")); }

    @Test void theSameSecondIsFormattedOnce() {
        HttpDate date = new HttpDate();
        byte[] bytes = date.bytes(1000);
        bytes[0] = 'x';
        assertSame(bytes, date.bytes(1000));
        assertEquals('x', bytes[0]);
        assertEquals("Thu, 01 Jan 1970 00:16:41 GMT", Corpus.text(date.bytes(1001)));
    }

    @Test void yearsOfFiveDigitsAreRejected() {
        assertThrows(IllegalArgumentException.class, () -> HttpDate.format(253_402_300_800L, new byte[29], 0));
        assertThrows(IllegalArgumentException.class, () -> HttpDate.format(-62_167_219_201L, new byte[29], 0));
    }
}
