package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/**
 * Dates as HTTP writes them (RFC 9110 section 5.6.7). An object formats the present time and remembers the result for
 * the second in which it was made; it belongs to one thread. The static methods may be called from any.
 */
public final class HttpDate {
    /** Length of a formatted date: {@code Sun, 06 Nov 1994 08:49:37 GMT}. */
    public static final int LENGTH = 29;
    /** What {@link #parse} returns for what is no date. */
    public static final long INVALID = Long.MIN_VALUE;

    private static final byte[] DAYS = Bytes.of("SunMonTueWedThuFriSat");
    private static final byte[] MONTHS = Bytes.of("JanFebMarAprMayJunJulAugSepOctNovDec");
    private static final byte[][] LONG_DAYS = {Bytes.of("Sunday"), Bytes.of("Monday"), Bytes.of("Tuesday"), Bytes.of("Wednesday"),
        Bytes.of("Thursday"), Bytes.of("Friday"), Bytes.of("Saturday")};
    private static final byte[] TEMPLATE = Bytes.of("xxx, 00 xxx 0000 00:00:00 GMT");
    private static final byte[] MONTH_DAYS = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    private static final int GMT = (int) Chars.word(" GMT");
    private static final int SECONDS_PER_DAY = 86_400;
    /** An average Gregorian year: 365.2425 days. */
    private static final long SECONDS_PER_YEAR = 31_556_952;
    /** 0000-01-01 and 9999-12-31T23:59:59: what four digits of a year can say. */
    private static final long FIRST = -62_167_219_200L, LAST = 253_402_300_799L;

    private final byte[] bytes = TEMPLATE.clone();
    private long second = INVALID;

    /** Creates a formatter. */
    public HttpDate() {}

    /**
     * Returns a point in time as text, always the same array, {@value #LENGTH} bytes, which the next call overwrites.
     * Does almost nothing while the second stays the same.
     */
    public byte[] bytes(long epochSecond) {
        if (epochSecond != second) {
            format(epochSecond, bytes, 0);
            second = epochSecond;
        }
        return bytes;
    }

    /**
     * Writes a point in time, {@value #LENGTH} bytes from {@code index} on.
     *
     * @throws IllegalArgumentException if its year has not four digits
     */
    public static void format(long epochSecond, byte[] target, int index) {
        if (epochSecond < FIRST || epochSecond > LAST) throw new IllegalArgumentException("epochSecond=" + epochSecond);
        System.arraycopy(TEMPLATE, 0, target, index, LENGTH);
        long days = Math.floorDiv(epochSecond, (long) SECONDS_PER_DAY);
        int time = (int) Math.floorMod(epochSecond, (long) SECONDS_PER_DAY);
        // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: years begin in March.
        long z = days + 719_468;
        long era = Math.floorDiv(z, 146_097L);
        int dayOfEra = (int) (z - era * 146_097);
        int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int monthFromMarch = (5 * dayOfYear + 2) / 153;
        int day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
        int month = monthFromMarch < 10 ? monthFromMarch + 2 : monthFromMarch - 10; // from 0
        int year = (int) (yearOfEra + era * 400) + (month < 2 ? 1 : 0);
        System.arraycopy(DAYS, (int) Math.floorMod(days + 4, 7L) * 3, target, index, 3); // 1970-01-01 was a Thursday
        twoDigits(day, target, index + 5);
        System.arraycopy(MONTHS, month * 3, target, index + 8, 3);
        twoDigits(year / 100, target, index + 12);
        twoDigits(year % 100, target, index + 14);
        twoDigits(time / 3600, target, index + 17);
        twoDigits(time / 60 % 60, target, index + 20);
        twoDigits(time % 60, target, index + 23);
    }

    private static void twoDigits(int value, byte[] target, int index) {
        target[index] = (byte) ('0' + value / 10);
        target[index + 1] = (byte) ('0' + value % 10);
    }

    /**
     * Parses a date in any of the three formats: {@code Sun, 06 Nov 1994 08:49:37 GMT}, {@code Sunday, 06-Nov-94
     * 08:49:37 GMT}, {@code Sun Nov  6 08:49:37 1994}. Names are case-sensitive. The weekday must be one but need not be
     * the right one. A leap second counts as the first second of the next minute.
     *
     * @param now the present, in seconds: a year of two digits is the latest that does not make the date lie more than 50
     *            years after it
     * @return seconds since 1970, or {@link #INVALID}
     */
    public static long parse(ByteView in, int offset, int length, long now) {
        if (length < 24) return INVALID;
        if (in.getByte(offset + 3) == ',') return imfFixdate(in, offset, length);
        if (in.getByte(offset + 3) == ' ') return asctime(in, offset, length);
        return rfc850(in, offset, length, now);
    }

    private static long imfFixdate(ByteView in, int o, int length) {
        if (length != LENGTH || name(in, o, DAYS) < 0) return INVALID;
        if (!is(in, o + 4, ' ') || !is(in, o + 7, ' ') || !is(in, o + 11, ' ') || !is(in, o + 16, ' ') || !isGmt(in, o + 25)) return INVALID;
        return seconds(year(in, o + 12), name(in, o + 8, MONTHS), two(in, o + 5), time(in, o + 17));
    }

    private static long asctime(ByteView in, int o, int length) {
        if (length != 24 || name(in, o, DAYS) < 0) return INVALID;
        if (!is(in, o + 7, ' ') || !is(in, o + 10, ' ') || !is(in, o + 19, ' ')) return INVALID;
        int day = is(in, o + 8, ' ') ? digit(in, o + 9) : two(in, o + 8);
        return seconds(year(in, o + 20), name(in, o + 4, MONTHS), day, time(in, o + 11));
    }

    private static long rfc850(ByteView in, int o, int length, long now) {
        int day = 0;
        while (day < 7 && !Bytes.equals(in, o, o + Math.min(length, LONG_DAYS[day].length), LONG_DAYS[day], 0)) day++;
        if (day == 7) return INVALID;
        int p = o + LONG_DAYS[day].length;
        if (length != p - o + 24) return INVALID;
        if (!is(in, p, ',') || !is(in, p + 1, ' ') || !is(in, p + 4, '-') || !is(in, p + 8, '-') || !is(in, p + 11, ' ') || !isGmt(in, p + 20)) {
            return INVALID;
        }
        int twoDigits = two(in, p + 9);
        if (twoDigits < 0) return INVALID;
        int month = name(in, p + 5, MONTHS);
        int dayOfMonth = two(in, p + 2);
        int time = time(in, p + 12);
        int year = (int) (1970 + Math.floorDiv(now, SECONDS_PER_YEAR)) + 51; // at least the year that is 50 years ahead
        year -= Math.floorMod(year - twoDigits, 100);
        long result = seconds(year, month, dayOfMonth, time);
        return result != INVALID && result <= now + 50 * SECONDS_PER_YEAR ? result : seconds(year - 100, month, dayOfMonth, time);
    }

    /** Puts a date together; any part that is negative or too large makes it invalid. */
    private static long seconds(int year, int month, int day, int time) {
        if (year < 0 || month < 0 || day < 1 || time < 0 || day > MONTH_DAYS[month]) return INVALID;
        boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        if (month == 1 && day == 29 && !leap) return INVALID;
        return days(year, month, day) * SECONDS_PER_DAY + time;
    }

    /** Days from 1970-01-01; {@code month} from 0. Hinnant's days_from_civil. */
    private static long days(int year, int month, int day) {
        int y = month < 2 ? year - 1 : year;
        int era = Math.floorDiv(y, 400);
        int yearOfEra = y - era * 400;
        int dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
        int dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return era * 146_097L + dayOfEra - 719_468;
    }

    private static boolean is(ByteView in, int index, char c) { return in.getByte(index) == c; }

    private static boolean isGmt(ByteView in, int index) { return in.getInt(index) == GMT; }

    private static int digit(ByteView in, int index) {
        byte b = in.getByte(index);
        return Chars.isDigit(b) ? b - '0' : -1;
    }

    private static int two(ByteView in, int index) {
        int high = digit(in, index);
        int low = digit(in, index + 1);
        return high < 0 || low < 0 ? -1 : high * 10 + low;
    }

    private static int year(ByteView in, int index) {
        int high = two(in, index);
        int low = two(in, index + 2);
        return high < 0 || low < 0 ? -1 : high * 100 + low;
    }

    /** Returns the seconds of the day that {@code 08:49:37} says, or -1. */
    private static int time(ByteView in, int index) {
        int hour = two(in, index);
        int minute = two(in, index + 3);
        int second = two(in, index + 6);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
        if (!is(in, index + 2, ':') || !is(in, index + 5, ':')) return -1;
        return hour * 3600 + minute * 60 + second;
    }

    /** Returns the index of a name of three letters among {@code names}, or -1. */
    private static int name(ByteView in, int index, byte[] names) {
        for (int i = 0; i < names.length; i += 3) {
            if (in.getByte(index) == names[i] && in.getByte(index + 1) == names[i + 1] && in.getByte(index + 2) == names[i + 2]) return i / 3;
        }
        return -1;
    }
}
