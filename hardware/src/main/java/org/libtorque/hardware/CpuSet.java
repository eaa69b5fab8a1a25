package org.libtorque.hardware;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * An immutable set of CPU numbers, in the kernel's own two spellings: the list {@code 0-3,8} and the mask {@code 10f}.
 * Iterating allocates nothing:
 * <pre>{@code
 *   for (int cpu = set.nextSetBit(0); cpu >= 0; cpu = set.nextSetBit(cpu + 1)) ...
 * }</pre>
 */
public final class CpuSet {
    /** Numbers run from 0 to this less one. Linux can be built for 8,192 CPUs; a far larger number is a mistake. */
    public static final int LIMIT = 1 << 16;

    private static final CpuSet EMPTY = new CpuSet(new long[0]);
    private static final int MASK_GROUP_DIGITS = 8;

    /** Bit c of word w stands for CPU 64 * w + c. The last word is not 0, so that equal sets have equal arrays. */
    private final long[] words;
    /** Counted once: who looks for a neighbourhood that has room asks every level for it. */
    private final int size;

    /** Takes the array over. */
    private CpuSet(long[] words) {
        int used = words.length;
        while (used > 0 && words[used - 1] == 0) used--;
        this.words = used == words.length ? words : Arrays.copyOf(words, used);
        int count = 0;
        for (int w = 0; w < used; w++) count += Long.bitCount(words[w]);
        size = count;
    }

    /**
     * Returns the set of the given CPUs; a number may come more than once.
     *
     * @throws IllegalArgumentException if a number is negative or not below {@link #LIMIT}
     */
    public static CpuSet of(int... cpus) {
        int highest = -1;
        for (int cpu : cpus) {
            if (cpu < 0 || cpu >= LIMIT) {
                throw new IllegalArgumentException("CPU " + cpu + ": must be 0 to " + (LIMIT - 1));
            }
            highest = Math.max(highest, cpu);
        }
        long[] words = new long[highest + Long.SIZE >> 6];
        for (int cpu : cpus) words[cpu >> 6] |= 1L << cpu;
        return words.length == 0 ? EMPTY : new CpuSet(words);
    }

    /**
     * Returns the set whose bit c of word w stands for CPU 64 * w + c; the array is copied.
     *
     * @throws IllegalArgumentException if there are words for CPUs from {@link #LIMIT} on
     */
    public static CpuSet ofWords(long... words) {
        if (words.length > LIMIT / Long.SIZE) {
            throw new IllegalArgumentException(words.length + " words: at most " + LIMIT / Long.SIZE);
        }
        return new CpuSet(words.clone());
    }

    /**
     * Parses the kernel's list format (cpuset(7), 'List format'; {@code lib/bitmap.c}): numbers and ranges between
     * commas; a range may end in {@code :used/group}, which takes the first {@code used} of every {@code group} CPUs
     * of it. {@code 0-3,8,10-14:2/4} is 0, 1, 2, 3, 8, 10, 11, 14. Nothing is the empty set. One newline at the end
     * is accepted, since the kernel's files have it; other white space is not, nor are signs, empty parts, or falling
     * ranges.
     *
     * @throws IllegalArgumentException naming the part that is wrong, and why
     */
    public static CpuSet parseList(String text) {
        String list = withoutNewline(text);
        if (list.isEmpty()) return EMPTY;
        long[] words = new long[1];
        for (int from = 0; from <= list.length(); ) {
            int comma = list.indexOf(',', from);
            int to = comma < 0 ? list.length() : comma;
            words = addRange(words, list, list.substring(from, to));
            from = to + 1;
        }
        return new CpuSet(words);
    }

    private static long[] addRange(long[] words, String list, String part) {
        int dash = part.indexOf('-');
        int colon = part.indexOf(':');
        int slash = part.indexOf('/');
        int first;
        int last;
        int used = 1;
        int group = 1;
        if (dash < 0) {
            if (colon >= 0) throw bad("CPU list", list, part, "only a range can have ':used/group'");
            first = last = number(list, part, part);
        } else {
            first = number(list, part, part.substring(0, dash));
            last = number(list, part, part.substring(dash + 1, colon < 0 ? part.length() : Math.max(colon, dash + 1)));
            if (first > last) throw bad("CPU list", list, part, "the range falls");
            if (colon >= 0) {
                if (slash < colon) throw bad("CPU list", list, part, "':used' needs '/group'");
                used = number(list, part, part.substring(colon + 1, slash));
                group = number(list, part, part.substring(slash + 1));
                if (used == 0 || used > group) throw bad("CPU list", list, part, "used must be 1 to group");
            }
        }
        if (last >> 6 >= words.length) words = Arrays.copyOf(words, (last >> 6) + 1);
        for (int cpu = first; cpu <= last; cpu++) {
            if ((cpu - first) % group < used) words[cpu >> 6] |= 1L << cpu;
        }
        return words;
    }

    private static int number(String list, String part, String digits) {
        if (part.isEmpty()) throw bad("CPU list", list, part, "it is empty");
        if (digits.isEmpty()) throw bad("CPU list", list, part, "a number is missing");
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            if (c < '0' || c > '9') throw bad("CPU list", list, part, "'" + digits + "' is not a number");
            value = value * 10 + (c - '0');
            if (value >= LIMIT) throw bad("CPU list", list, part, digits + " is above " + (LIMIT - 1));
        }
        return value;
    }

    /**
     * Parses the kernel's mask format (cpuset(7), 'Mask format'): 32 bits at a time as 8 hexadecimal digits, between
     * commas, the highest first; the first group may be shorter. {@code ff,ffffffff} is 0 to 39. One newline at the
     * end is accepted.
     *
     * @throws IllegalArgumentException naming the part that is wrong, and why
     */
    public static CpuSet parseMask(String text) {
        String[] groups = withoutNewline(text).split(",", -1);
        if (groups.length > LIMIT / 32) throw bad("CPU mask", text, groups[0], groups.length + " groups are too many");
        long[] words = new long[groups.length + 1 >> 1];
        for (int i = 0; i < groups.length; i++) {
            String group = groups[i];
            int length = group.length();
            if (length == 0 || length > MASK_GROUP_DIGITS || length < MASK_GROUP_DIGITS && i > 0) {
                throw bad("CPU mask", text, group, i > 0 ? "must have 8 digits" : "must have 1 to 8 digits");
            }
            long bits = 0;
            for (int j = 0; j < length; j++) {
                int digit = group.charAt(j) < 0x80 ? Character.digit(group.charAt(j), 16) : -1; // ASCII alone
                if (digit < 0) throw bad("CPU mask", text, group, "not hexadecimal");
                bits = bits << 4 | digit;
            }
            int position = groups.length - 1 - i;
            words[position >> 1] |= bits << (position & 1) * 32;
        }
        return new CpuSet(words);
    }

    private static String withoutNewline(String text) {
        return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    private static IllegalArgumentException bad(String what, String text, String part, String why) {
        return new IllegalArgumentException(what + " '" + withoutNewline(text) + "': bad part '" + part + "': " + why);
    }

    /**
     * Returns the CPUs that this process may use: the affinity mask that it was started with, within the cpusets of
     * its control groups as far as they are visible. Reads files; call it once.
     *
     * @throws java.io.UncheckedIOException if {@code /proc} cannot be read
     */
    public static CpuSet allowed() { return AllowedCpus.read(Path.of("/")); }

    /** Tells whether {@code cpu} is in the set; any number may be asked for. */
    public boolean contains(int cpu) {
        return cpu >= 0 && cpu >> 6 < words.length && (words[cpu >> 6] >>> cpu & 1) == 1;
    }

    /** Returns how many CPUs are in the set. O(1). */
    public int size() { return size; }

    /** Tells whether the set is empty. */
    public boolean isEmpty() { return words.length == 0; }

    /** Returns the lowest CPU of the set that is at least {@code from}, or -1 if there is none. */
    public int nextSetBit(int from) {
        if (from < 0) throw new IllegalArgumentException("from " + from + ": is negative");
        int w = from >> 6;
        if (w >= words.length) return -1;
        long rest = words[w] & -1L << from;
        while (rest == 0) {
            if (++w == words.length) return -1;
            rest = words[w];
        }
        return (w << 6) + Long.numberOfTrailingZeros(rest);
    }

    /** Calls {@code action} for each CPU, in rising order. */
    public void forEach(IntConsumer action) {
        for (int cpu = nextSetBit(0); cpu >= 0; cpu = nextSetBit(cpu + 1)) action.accept(cpu);
    }

    /** Returns the CPUs in rising order. */
    public int[] toArray() {
        int[] cpus = new int[size()];
        int i = 0;
        for (int cpu = nextSetBit(0); cpu >= 0; cpu = nextSetBit(cpu + 1)) cpus[i++] = cpu;
        return cpus;
    }

    /** Returns what is in both sets. */
    public CpuSet and(CpuSet other) {
        long[] both = Arrays.copyOf(words, Math.min(words.length, other.words.length));
        for (int i = 0; i < both.length; i++) both[i] &= other.words[i];
        return new CpuSet(both);
    }

    /** Returns what is in either set. */
    public CpuSet or(CpuSet other) {
        long[] either = Arrays.copyOf(words, Math.max(words.length, other.words.length));
        for (int i = 0; i < other.words.length; i++) either[i] |= other.words[i];
        return new CpuSet(either);
    }

    /** Returns what is in this set and not in the other. */
    public CpuSet minus(CpuSet other) {
        long[] rest = words.clone();
        for (int i = 0; i < Math.min(rest.length, other.words.length); i++) rest[i] &= ~other.words[i];
        return new CpuSet(rest);
    }

    /** Tells whether every CPU of this set is in the other. */
    public boolean isSubsetOf(CpuSet other) {
        if (words.length > other.words.length) return false; // the last word is not 0
        for (int i = 0; i < words.length; i++) {
            if ((words[i] & ~other.words[i]) != 0) return false;
        }
        return true;
    }

    /** Returns a copy of the bits, as {@link #ofWords} and sched_setaffinity(2) take them; no zero words at the end. */
    public long[] words() { return words.clone(); }

    @Override public boolean equals(Object other) {
        return other instanceof CpuSet set && Arrays.equals(words, set.words);
    }

    @Override public int hashCode() { return Arrays.hashCode(words); }

    /** Returns the list format, with ranges as long as possible; nothing for the empty set. */
    @Override public String toString() {
        var text = new StringBuilder();
        for (int first = nextSetBit(0); first >= 0; ) {
            int last = first;
            while (contains(last + 1)) last++;
            if (!text.isEmpty()) text.append(',');
            text.append(first);
            if (last > first) text.append('-').append(last);
            first = nextSetBit(last + 1);
        }
        return text.toString();
    }
}
