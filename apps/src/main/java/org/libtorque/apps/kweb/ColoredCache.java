package org.libtorque.apps.kweb;

import java.util.LinkedHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.libtorque.Torque;
import org.libtorque.vcore.Color;

/**
 * A cache that all vcores share and that needs no lock, because it is coloured: as the caches of libasync-smp's web server are (Zeldovich et al. 2003).
 * Entries are spread over stripes by their keys' hashes. A stripe is a plain map that tasks of one colour touch, and nobody else; those of different stripes run in
 * parallel. So looking up and storing are posts, and what is found is posted back to who asked.
 *
 * <p>More stripes mean that fewer requests wait for each other. A stripe's colour is tied to nothing, so it runs where it is asked, unless it is busy just then: mostly there is no
 * message between CPUs, only the cache lines of the entries move.
 *
 * <p><b>Bounded</b> by the number of entries, the same for each stripe. What has not been asked for longest in a stripe makes room. How large keys and values are is the
 * user's business. Two who miss the same key at the same time both get nothing, and both store.
 *
 * @param <K> keys, immutable, with {@code equals} and {@code hashCode}
 * @param <V> values, immutable
 */
final class ColoredCache<K, V> {
    /** What has happened since the start; and how many entries there are. */
    record Counts(long hits, long misses, long evictions, long entries) {}

    private final Torque torque;
    private final Stripe<K, V>[] stripes;

    /**
     * @param stripes how many colours, a power of two
     * @param entries how many entries at most; rounded down to a multiple of {@code stripes}, at least one for each
     */
    @SuppressWarnings({"unchecked", "rawtypes"})
    ColoredCache(Torque torque, int stripes, int entries) {
        if (Integer.bitCount(stripes) != 1) throw new IllegalArgumentException(stripes + " stripes: must be a power of two");
        this.torque = torque;
        this.stripes = new Stripe[stripes];
        for (int i = 0; i < stripes; i++) this.stripes[i] = new Stripe<>(torque.newColor(), Math.max(1, entries / stripes));
    }

    /**
     * Looks a key up. Any thread.
     *
     * @param asker what runs the answer, under the colour of who asks: {@code connection::execute}
     * @param found called with the value; with null if there is none, or if the runtime is stopping: vcores end one by one then, and a stripe may be with one that has
     */
    void get(K key, Executor asker, Consumer<V> found) {
        if (torque.isStopping()) {
            asker.execute(() -> found.accept(null));
            return;
        }
        Stripe<K, V> stripe = stripeOf(key);
        torque.post(stripe.color, () -> {
            V value = stripe.get(key);
            try {
                asker.execute(() -> found.accept(value));
            } catch (RejectedExecutionException e) {
                // The runtime has ended meanwhile, where the asker was: nobody waits any more.
            }
        });
    }

    /** Stores a value, in place of an older one. Not while the runtime is stopping. Any thread. */
    void put(K key, V value) {
        if (torque.isStopping()) return;
        Stripe<K, V> stripe = stripeOf(key);
        torque.post(stripe.color, () -> stripe.put(key, value));
    }

    /** Returns the sums of all stripes, each of a slightly different time. Any thread. */
    Counts counts() {
        long hits = 0, misses = 0, evictions = 0, entries = 0;
        for (Stripe<K, V> stripe : stripes) {
            Counts s = stripe.counts;
            hits += s.hits;
            misses += s.misses;
            evictions += s.evictions;
            entries += s.entries;
        }
        return new Counts(hits, misses, evictions, entries);
    }

    private Stripe<K, V> stripeOf(K key) {
        int hash = key.hashCode() * 0x9E3779B9; // upper bits: the map within uses the lower ones
        return stripes[(int) ((hash & 0xFFFF_FFFFL) * stripes.length >>> 32)];
    }

    /** One colour's part. All but {@link #counts} is touched by tasks of that colour alone, which is what replaces the lock. */
    private static final class Stripe<K, V> {
        final Color color;
        private final int capacity;
        /** In the order of use, the one that has not been used for longest first. */
        private final LinkedHashMap<K, V> entries = new LinkedHashMap<>(16, 0.75f, true);
        /** Replaced as a whole, for readers of any colour. */
        volatile Counts counts = new Counts(0, 0, 0, 0);

        Stripe(Color color, int capacity) {
            this.color = color;
            this.capacity = capacity;
        }

        V get(K key) {
            V value = entries.get(key);
            Counts c = counts;
            counts = value != null ? new Counts(c.hits + 1, c.misses, c.evictions, c.entries) : new Counts(c.hits, c.misses + 1, c.evictions, c.entries);
            return value;
        }

        void put(K key, V value) {
            entries.put(key, value);
            Counts c = counts;
            long evicted = 0;
            if (entries.size() > capacity) {
                entries.pollFirstEntry();
                evicted = 1;
            }
            counts = new Counts(c.hits, c.misses, c.evictions + evicted, entries.size());
        }
    }
}
