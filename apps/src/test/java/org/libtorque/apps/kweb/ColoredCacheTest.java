package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** The cache by itself, on the vcores that this machine allows. */
class ColoredCacheTest {
    private final Torque torque = Torque.open();

    @AfterEach void close() { torque.close(); }

    /** Asks from outside, and waits. */
    private static <K, V> V get(ColoredCache<K, V> cache, K key) throws Exception {
        var answer = new CompletableFuture<Optional<V>>();
        cache.get(key, Runnable::run, value -> answer.complete(Optional.ofNullable(value)));
        return answer.get(Eventually.limitSeconds(), TimeUnit.SECONDS).orElse(null);
    }

    @Test void whatIsStoredIsFound() throws Exception {
        var cache = new ColoredCache<String, Integer>(torque, 8, 100);
        assertEquals(null, get(cache, "a"));
        cache.put("a", 1);
        cache.put("b", 2);
        assertEquals(1, get(cache, "a"));
        assertEquals(2, get(cache, "b"));
        cache.put("a", 3);
        assertEquals(3, get(cache, "a"));
        assertEquals(new ColoredCache.Counts(3, 1, 0, 2), cache.counts());
    }

    @Test void whatWasNotAskedForLongestMakesRoom() throws Exception {
        var cache = new ColoredCache<String, Integer>(torque, 1, 3);
        cache.put("a", 1);
        cache.put("b", 2);
        cache.put("c", 3);
        assertEquals(1, get(cache, "a"));
        cache.put("d", 4);
        assertEquals(null, get(cache, "b"));
        for (String kept : new String[] {"a", "c", "d"}) assertTrue(get(cache, kept) != null, kept);
        assertEquals(new ColoredCache.Counts(4, 1, 1, 3), cache.counts());
    }

    @Test void everyStripeHoldsItsPartAndNoMore() throws Exception {
        var cache = new ColoredCache<Integer, Integer>(torque, 16, 160);
        for (int i = 0; i < 3000; i++) cache.put(i, i);
        for (int i = 0; i < 3000; i++) get(cache, i); // the last posts have been done when these have
        ColoredCache.Counts counts = cache.counts();
        assertEquals(160, counts.entries(), "keys in a row spread over all stripes");
        assertEquals(3000 - 160, counts.evictions());
        assertEquals(160, counts.hits());
        assertEquals(3000 - 160, counts.misses());
    }

    /** Read, changed and stored by many colours at once, the stripes' maps stay whole: every value found is the one that belongs to its key. */
    @Test void manyColoursUseItAtOnce() throws Exception {
        var cache = new ColoredCache<Integer, Integer>(torque, 4, 64);
        int colours = 16, steps = 2000, keys = 100;
        var wrong = new AtomicInteger();
        var left = new CountDownLatch(colours);
        for (int c = 0; c < colours; c++) {
            Color color = torque.newColor();
            new Runnable() {
                int step;

                @Override public void run() {
                    if (step++ == steps) {
                        left.countDown();
                        return;
                    }
                    int key = (int) (color.id() * 31 + step * 7) % keys;
                    cache.get(key, task -> torque.post(color, task), value -> {
                        if (value == null) cache.put(key, key + 1000);
                        else if (value != key + 1000) wrong.incrementAndGet();
                        run();
                    });
                }
            }.run();
        }
        assertTrue(left.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
        assertEquals(0, wrong.get());
        ColoredCache.Counts counts = cache.counts();
        assertEquals(colours * steps, counts.hits() + counts.misses(), "each was counted once");
        assertTrue(counts.hits() > 0 && counts.evictions() > 0 && counts.entries() <= 64, counts::toString);
    }

    /** Vcores end one by one when the runtime stops. Who still serves must get an answer even if the stripe's vcore has gone. */
    @Test void whileTheRuntimeStopsNothingIsFoundAndNobodyWaits() throws Exception {
        var cache = new ColoredCache<String, Integer>(torque, 2, 100);
        cache.put("a", 1);
        assertEquals(1, get(cache, "a"));
        torque.close();
        assertEquals(null, get(cache, "a"));
        cache.put("b", 2);
        assertEquals(1, cache.counts().entries());
    }

    @Test void stripesMustBeAPowerOfTwo() { assertThrows(IllegalArgumentException.class, () -> new ColoredCache<>(torque, 12, 100)); }
}
