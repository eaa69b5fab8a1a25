package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.libtorque.memory.ByteView;

/** Holds {@link ByteRanges} against a model of big integers and sets. */
final class RangesComparison {
    private static final Pattern SPEC = Pattern.compile("([0-9]+)-([0-9]*)|-([0-9]+)");

    private RangesComparison() {}

    /** Returns the satisfiable ranges as they are asked for, or null if the field is to be ignored. */
    private static List<long[]> model(String value, long size) {
        if (!value.toLowerCase(java.util.Locale.ROOT).startsWith("bytes=")) return null;
        List<long[]> ranges = new ArrayList<>();
        boolean any = false;
        String set = value.substring(6);
        if (set.startsWith(" ") || set.startsWith("\t")) return null;
        for (String element : set.split(",", -1)) {
            String spec = element.replaceAll("^[ \\t]+|[ \\t]+\\z", "");
            if (spec.isEmpty()) continue;
            Matcher m = SPEC.matcher(spec);
            if (!m.matches()) return null;
            any = true;
            BigInteger end = BigInteger.valueOf(size);
            BigInteger first;
            BigInteger last = end;
            if (m.group(3) != null) {
                if (size == 0 && new BigInteger(m.group(3)).signum() > 0) return null;
                first = end.subtract(new BigInteger(m.group(3))).max(BigInteger.ZERO);
            } else {
                first = new BigInteger(m.group(1));
                if (!m.group(2).isEmpty()) last = new BigInteger(m.group(2));
                // Numbers beyond 2^63 all count as the same one.
                BigInteger most = BigInteger.valueOf(Long.MAX_VALUE);
                if (!m.group(2).isEmpty() && last.min(most).compareTo(first.min(most)) < 0) return null;
            }
            if (first.compareTo(end) < 0) ranges.add(new long[] {first.longValue(), last.min(end.subtract(BigInteger.ONE)).longValue()});
        }
        if (!any || ranges.size() > ByteRanges.MAX_RANGES) return null;
        int overlaps = 0;
        for (int i = 0; i < ranges.size(); i++) {
            long[] range = ranges.get(i);
            if (ranges.subList(0, i).stream().anyMatch(r -> r[0] <= range[1] && range[0] <= r[1])) overlaps++;
        }
        return overlaps > 2 ? null : ranges;
    }

    /** Parses a field and compares the result with the model's; {@code size} is small enough to count bytes. */
    static void compare(ByteView in, int size) {
        String value = in.toLatin1(0, in.length());
        ByteRanges ranges = new ByteRanges();
        int result = ranges.parse(in, 0, in.length(), size);
        List<long[]> asked = model(value, size);
        int expected = asked == null ? ByteRanges.IGNORE : asked.isEmpty() ? ByteRanges.UNSATISFIABLE : 1;
        assertEquals(expected, Integer.signum(result) > 0 ? 1 : result, value);
        if (expected != 1) return;
        BitSet wanted = new BitSet();
        for (long[] range : asked) wanted.set((int) range[0], (int) range[1] + 1);
        BitSet sent = new BitSet();
        int last = -1;
        for (int i = 0; i < ranges.count(); i++) {
            assertTrue(0 <= ranges.first(i) && ranges.first(i) <= ranges.last(i) && ranges.last(i) < size, value);
            BitSet before = (BitSet) sent.clone();
            sent.set((int) ranges.first(i), (int) ranges.last(i) + 1);
            assertEquals(before.cardinality() + ranges.length(i), sent.cardinality(), "ranges overlap");
            for (int j = 0; j < i; j++) {
                long gap = Math.max(ranges.first(i) - ranges.last(j), ranges.first(j) - ranges.last(i));
                assertTrue(gap > ByteRanges.GAP_BYTES, "ranges are too near: " + value);
            }
            // In the order in which they were asked for: the first that was asked for is in this range or a later one.
            int order = -1;
            for (int j = 0; j < asked.size() && order < 0; j++) {
                if (asked.get(j)[0] >= ranges.first(i) && asked.get(j)[1] <= ranges.last(i)) order = j;
            }
            assertTrue(order > last, "order: " + value);
            last = order;
        }
        BitSet missing = (BitSet) wanted.clone();
        missing.andNot(sent);
        assertTrue(missing.isEmpty(), value);
        // What is sent without having been asked for lies in gaps that are short.
        sent.andNot(wanted);
        for (int from = sent.nextSetBit(0); from >= 0; from = sent.nextSetBit(sent.nextClearBit(from))) {
            assertTrue(sent.nextClearBit(from) - from < ByteRanges.GAP_BYTES, value);
        }
    }
}
