package org.libtorque.sim;

import java.util.random.RandomGenerator;

/**
 * SplitMix64 (Steele, Lea, Flood 2014) whose state can be put in and taken out, so that each connection has random numbers of its own for 8 bytes. What
 * one connection draws then does not depend on the order in which a policy serves them: all policies meet the same requests.
 */
final class RandomStream implements RandomGenerator {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    /** What the next numbers follow from. */
    long state;

    RandomStream(long state) { this.state = state; }

    /** Returns the state of stream number {@code stream} of a seed. */
    static long state(long seed, long stream) { return mix(mix(seed + GAMMA) ^ mix(stream * GAMMA + 1)); }

    @Override public long nextLong() { return mix(state += GAMMA); }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
