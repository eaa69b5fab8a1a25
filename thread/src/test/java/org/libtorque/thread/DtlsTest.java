package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

class DtlsTest {
    private final List<String> destroyed = Collections.synchronizedList(new ArrayList<>());

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @AfterEach void end() { Dtls.destroy(); }

    @ParameterizedTest @EnumSource(Crew.Kind.class)
    void eachThreadHasItsOwnValuesAndTheyAreDestroyedAtItsEnd(Crew.Kind kind) {
        Dtls.Key<String> key = Dtls.key(destroyed::add);
        key.set("mine");
        try (var crew = new Crew(kind)) {
            for (int i = 0; i < 10; i++) {
                String name = "thread " + i;
                crew.start(() -> Dtls.run(() -> {
                    assertNull(key.get());
                    key.set(name);
                    Thread.yield();
                    assertSame(name, key.get());
                }));
            }
            crew.join();
        }
        assertEquals(10, destroyed.stream().distinct().count());
        assertEquals("mine", key.get());
        Dtls.destroy();
        assertNull(key.get());
        assertEquals(11, destroyed.size());
        key.delete();
    }

    @Test void aFactorysThreadsDestroyTheirValues() throws InterruptedException {
        Dtls.Key<String> key = Dtls.key(destroyed::add);
        Thread thread = Dtls.threads(Thread.ofVirtual().factory()).newThread(() -> key.set("theirs"));
        thread.start();
        thread.join();
        assertEquals(List.of("theirs"), destroyed);
        key.delete();
    }

    @Test void manyKeysKeepTheirValuesApart() {
        var keys = new ArrayList<Dtls.Key<Integer>>();
        for (int i = 0; i < 100; i++) {
            keys.add(Dtls.key());
            keys.get(i).set(i);
        }
        for (int i = 0; i < 100; i++) assertEquals(i, keys.get(i).get());
        keys.get(5).set(null);
        assertNull(keys.get(5).get());
        keys.forEach(Dtls.Key::delete);
    }

    @Test void aDeletedKeyHasNoValuesAndItsSuccessorDoesNotSeeThem() {
        Dtls.Key<String> first = Dtls.key(destroyed::add);
        first.set("old");
        first.delete();
        first.delete();
        assertTrue(first.isDeleted());
        assertNull(first.get());
        assertThrows(IllegalStateException.class, () -> first.set("new"));
        Dtls.Key<String> second = Dtls.key(destroyed::add);
        assertEquals(first.toString().substring(0, 10), second.toString().substring(0, 10), "the index is used again");
        assertNull(second.get());
        Dtls.destroy();
        assertEquals(List.of(), destroyed);
        second.delete();
    }

    @Test void destructorsThatSetValuesAreRunAgainButNotForEver() {
        var keys = new ArrayList<Dtls.Key<String>>();
        keys.add(Dtls.key(value -> {
            destroyed.add(value);
            keys.getFirst().set(value + "'");
        }));
        keys.getFirst().set("v");
        Dtls.destroy();
        assertEquals(List.of("v", "v'", "v''", "v'''"), destroyed);
        assertNull(keys.getFirst().get());
        keys.getFirst().delete();
    }

    @Test void aDestructorThatThrowsKeepsNoOtherFromRunning() {
        Dtls.Key<String> bad = Dtls.key(value -> { throw new IllegalStateException(value); }), worse = Dtls.key(value -> { throw new ArithmeticException(value); });
        Dtls.Key<String> good = Dtls.key(destroyed::add);
        bad.set("bad");
        worse.set("worse");
        good.set("good");
        RuntimeException thrown = assertThrows(RuntimeException.class, Dtls::destroy);
        assertEquals(1, thrown.getSuppressed().length);
        assertEquals(List.of("good"), destroyed);
        for (var key : List.of(bad, worse, good)) key.delete();
    }

    @Test void gettingAndSettingAllocatesNothing() {
        Dtls.Key<String> key = Dtls.key();
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            key.set("x");
            if (key.get() == null || Dtls.current().get(key) == null) throw new AssertionError();
        });
        key.delete();
    }

    @Test void destructorsRunForEveryUthreadThatEnds() throws Exception {
        Set<String> destroyed = ConcurrentHashMap.newKeySet();
        Dtls.Key<String> key = Dtls.key(destroyed::add);
        CountDownLatch set = new CountDownLatch(1);
        Thread outliving;
        try (Torque torque = Torque.open(Runtimes.options(1).withFailureHandler((where, failure) -> { }))) {
            Uthreads uthreads = Uthreads.of(torque);
            Runtimes.join(uthreads.spawn(() -> key.set("its own colour")));
            Runtimes.join(uthreads.spawn(torque.newColor(), () -> key.set("a colour")));
            Runtimes.join(uthreads.builder().scheduler(new GlobalQueueScheduler()).start(() -> key.set("a scheduler")));
            Runtimes.join(uthreads.builder().start(() -> {
                key.set("a failure");
                throw new IllegalStateException("on purpose");
            }));
            Runtimes.join(uthreads.builder().scheduler(new PerVcoreScheduler()).start(() -> {
                key.set("killed");
                throw new IllegalStateException("on purpose");
            }));
            try (var executor = uthreads.executor()) {
                executor.submit(() -> key.set("an executor's")).get();
            }
            outliving = uthreads.spawn(() -> {
                key.set("outlives");
                set.countDown();
                while (!Thread.currentThread().isInterrupted()) LockSupport.park();
            });
            assertTrue(set.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }
        outliving.interrupt();
        Runtimes.join(outliving);
        assertEquals(Set.of("its own colour", "a colour", "a scheduler", "a failure", "killed", "an executor's", "outlives"), destroyed);
        key.delete();
    }
}
