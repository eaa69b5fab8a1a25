package org.libtorque.hardware;

import java.util.Objects;

/**
 * One cache: not a kind of cache, but the piece of silicon, with the CPUs that share it.
 *
 * @param level       1 is nearest to the core
 * @param type        what it holds
 * @param sizeBytes   bytes of this one cache; 0 if not known
 * @param lineBytes   bytes of a line; 0 if not known
 * @param ways        associativity; {@link #FULLY_ASSOCIATIVE}, or 0 if not known
 * @param sets        number of sets; 0 if not known
 * @param inclusion   whether it holds all that the levels below it hold
 * @param cpus        CPUs that share it, never empty
 */
public record Cache(int level, CacheType type, long sizeBytes, int lineBytes, int ways, long sets, Inclusion inclusion,
                    CpuSet cpus) implements Comparable<Cache> {
    /** Value of {@link #ways} of a cache in which any line can be anywhere. */
    public static final int FULLY_ASSOCIATIVE = -1;

    /** Whether a cache holds everything that the lower levels of the same CPUs hold. */
    public enum Inclusion {
        /** Not told. */
        UNKNOWN,
        /** It holds all that lower levels hold. */
        INCLUSIVE,
        /** It may lack lines that lower levels hold. */
        NOT_INCLUSIVE
    }

    /** Checks the arguments. */
    public Cache {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(inclusion, "inclusion");
        if (level < 1 || sizeBytes < 0 || lineBytes < 0 || ways < -1 || sets < 0 || cpus.isEmpty()) {
            throw new IllegalArgumentException("cache: level=" + level + ", sizeBytes=" + sizeBytes + ", lineBytes="
                    + lineBytes + ", ways=" + ways + ", sets=" + sets + ", cpus=" + cpus);
        }
    }

    /** Returns the usual short name: {@code L1d}, {@code L1i}, {@code L2}. */
    public String name() {
        return "L" + level + switch (type) {
            case INSTRUCTION -> "i";
            case DATA -> "d";
            case UNIFIED -> "";
        };
    }

    Cache withCpus(CpuSet others) {
        return new Cache(level, type, sizeBytes, lineBytes, ways, sets, inclusion, others);
    }

    /** Orders by level, then type, then first CPU. */
    @Override public int compareTo(Cache other) {
        int order = Integer.compare(level, other.level);
        if (order == 0) order = type.compareTo(other.type);
        return order != 0 ? order : Integer.compare(cpus.nextSetBit(0), other.cpus.nextSetBit(0));
    }
}
