package org.libtorque.hardware;

/** Sizes in bytes, written with K, M, G or T (powers of 1024). */
final class Sizes {
    private static final String UNITS = "KMGT";

    private Sizes() {}

    /**
     * Parses digits with an optional unit and an optional B behind it.
     *
     * @throws NumberFormatException if the text is anything else, or the size has more than 62 bits
     */
    static long parse(String text) {
        int end = text.length();
        if (end > 1 && (text.charAt(end - 1) == 'B' || text.charAt(end - 1) == 'b')) end--;
        int shift = 0;
        if (end > 1) {
            int unit = UNITS.indexOf(Character.toUpperCase(text.charAt(end - 1)));
            if (unit >= 0) {
                shift = 10 * (unit + 1);
                end--;
            }
        }
        if (end == 0 || end > 18) throw new NumberFormatException("not a size: '" + text + "'");
        long value = 0;
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') throw new NumberFormatException("not a size: '" + text + "'");
            value = 10 * value + c - '0';
        }
        if (value > Long.MAX_VALUE >> 1 + shift) throw new NumberFormatException("too large: '" + text + "'");
        return value << shift;
    }

    /** Writes a size with the largest unit that leaves no rest, such as {@code 32K}. */
    static String format(long bytes) {
        int unit = -1;
        while (bytes != 0 && bytes % 1024 == 0 && unit < 3) {
            bytes /= 1024;
            unit++;
        }
        return unit < 0 ? bytes + "" : bytes + "" + UNITS.charAt(unit);
    }
}
