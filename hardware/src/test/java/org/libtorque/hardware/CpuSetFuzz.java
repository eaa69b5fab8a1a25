package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link CpuSet} against {@link BitSet}, and its parsers against random text. */
class CpuSetFuzz {
    private static BitSet randomBits(SplittableRandom random) {
        var bits = new BitSet();
        int limit = 1 + random.nextInt(random.nextInt(8) == 0 ? CpuSet.LIMIT : 300);
        for (int runs = random.nextInt(12); runs > 0; runs--) {
            int first = random.nextInt(limit);
            bits.set(first, Math.min(limit, first + 1 + random.nextInt(70)));
        }
        return bits;
    }

    private static CpuSet set(BitSet bits) { return CpuSet.of(bits.stream().toArray()); }

    /** The kernel's %*pb format. */
    private static String mask(BitSet bits) {
        int groups = Math.max(1, bits.length() + 31 >> 5);
        var text = new StringBuilder();
        for (int g = groups - 1; g >= 0; g--) {
            long[] words = bits.get(32 * g, 32 * g + 32).toLongArray();
            text.append(text.isEmpty() ? "" : ",").append(String.format("%08x", words.length == 0 ? 0 : words[0]));
        }
        return text.toString();
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void allOperationsAgreeWithBitSets(long seed) {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < 200; i++) {
            BitSet a = randomBits(random);
            BitSet b = random.nextInt(4) == 0 ? (BitSet) a.clone() : randomBits(random);
            if (random.nextBoolean()) b.or(a);
            CpuSet x = set(a);
            CpuSet y = set(b);
            assertArrayEquals(a.stream().toArray(), x.toArray());
            assertArrayEquals(a.toLongArray(), x.words());
            assertEquals(a.cardinality(), x.size());
            assertEquals(a.equals(b), x.equals(y));
            int from = random.nextInt(400);
            assertEquals(a.nextSetBit(from), x.nextSetBit(from));
            assertEquals(a.get(from), x.contains(from));
            BitSet and = (BitSet) a.clone();
            and.and(b);
            assertEquals(set(and), x.and(y));
            BitSet or = (BitSet) a.clone();
            or.or(b);
            assertEquals(set(or), x.or(y));
            BitSet minus = (BitSet) a.clone();
            minus.andNot(b);
            assertEquals(set(minus), x.minus(y));
            assertEquals(minus.isEmpty(), x.isSubsetOf(y));
            assertEquals(x, CpuSet.parseList(x.toString()));
            assertEquals(x, CpuSet.parseMask(mask(a)));
            assertEquals(x, CpuSet.ofWords(x.words()));
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void anyTextIsEitherReadOrRefusedAndWhatIsReadRoundTrips(long seed) {
        var random = new SplittableRandom(seed);
        String alphabet = "0123456789,,--::/fax \n";
        int read = 0;
        for (int i = 0; i < 5_000; i++) {
            var text = new StringBuilder();
            for (int n = random.nextInt(10); n > 0; n--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            for (boolean list : new boolean[] {true, false}) {
                try {
                    CpuSet set = list ? CpuSet.parseList(text.toString()) : CpuSet.parseMask(text.toString());
                    read++;
                    assertEquals(set, CpuSet.parseList(set.toString()), text.toString());
                } catch (IllegalArgumentException e) {
                    assertTrue(e.getMessage().contains("bad part"), e.toString());
                }
            }
        }
        assertTrue(read > 0);
    }
}
