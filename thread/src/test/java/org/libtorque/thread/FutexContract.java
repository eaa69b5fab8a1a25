package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.Handles;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.thread.Futex.Outcome;

/** What futex(2) promises, of {@link Futex}. */
abstract class FutexContract {
    private static final VarHandle FIELD = Handles.field(MethodHandles.lookup(), "field", int.class);
    private static final VarHandle OTHER = Handles.field(MethodHandles.lookup(), "other", int.class);

    final Crew.Kind kind;
    private Crew crew;
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());
    @SuppressWarnings("unused") private int field, other;

    FutexContract(Crew.Kind kind) { this.kind = kind; }

    @AfterAll static void endRuntime() { Crew.endRuntime(); }

    @BeforeEach void open() { crew = new Crew(kind); }

    @AfterEach void close() { crew.close(); }

    private Thread waiter(String name, Crew.Body body) {
        Thread t = crew.start(() -> {
            body.run();
            order.add(name);
        });
        Eventually.await(name + " waits", () -> t.getState() == Thread.State.WAITING || t.getState() == Thread.State.TIMED_WAITING);
        return t;
    }

    @Test void itDoesNotWaitIfTheWordHasChanged() throws InterruptedException {
        var word = new Futex(5);
        assertEquals(Outcome.CHANGED, word.await(4));
        assertEquals(Outcome.CHANGED, word.awaitNanos(4, 1));
        assertEquals(Outcome.CHANGED, word.awaitUninterruptibly(4));
        assertEquals(0, word.wake(1));
    }

    @Test void asManyAreWokenAsAskedForTheFirstFirst() {
        var word = new Futex();
        for (String name : List.of("a", "b", "c", "d")) waiter(name, () -> assertEquals(Outcome.WOKEN, word.await(0)));
        assertEquals(1, word.wake(1));
        Eventually.await("a goes on", () -> order.equals(List.of("a")));
        assertEquals(2, word.wake(2));
        Eventually.await("b and c go on", () -> order.size() == 3);
        assertFalse(order.contains("d"));
        assertEquals(1, word.wakeAll());
        assertEquals(0, word.wakeAll());
        crew.join();
    }

    @Test void aTimedWaitEndsWhenTheTimeIsOver() throws InterruptedException {
        var word = new Futex();
        long start = System.nanoTime();
        assertEquals(Outcome.TIMED_OUT, word.awaitNanos(0, 10_000_000));
        assertTrue(System.nanoTime() - start >= 10_000_000);
        assertEquals(Outcome.TIMED_OUT, word.awaitNanos(0, 0));
        assertEquals(Outcome.TIMED_OUT, word.awaitNanos(0, Long.MIN_VALUE));
        assertEquals(0, word.wakeAll(), "nobody is left behind");
    }

    @Test void anInterruptEndsAnInterruptibleWaitOnly() {
        var word = new Futex();
        waiter("interrupted", () -> assertThrows(InterruptedException.class, () -> word.await(0))).interrupt();
        crew.join();
        assertEquals(0, word.wakeAll());
        Thread stubborn = waiter("stubborn", () -> {
            assertEquals(Outcome.WOKEN, word.awaitUninterruptibly(0));
            assertTrue(Thread.currentThread().isInterrupted());
        });
        stubborn.interrupt();
        assertEquals(1, word.wakeAll());
        crew.join();
        crew.start(() -> {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> word.await(0));
        });
        crew.join();
    }

    @Test void waitersAreMovedToAnotherWord() {
        var word = new Futex();
        var target = new Futex(7);
        waiter("first", () -> target.await(7));
        for (String name : List.of("a", "b", "c", "d")) waiter(name, () -> assertEquals(Outcome.WOKEN, word.await(0)));
        assertEquals(-1, word.compareRequeue(1, 1, 1, target));
        assertEquals(3, word.compareRequeue(0, 1, 2, target));
        Eventually.await("a was woken", () -> order.equals(List.of("a")));
        assertEquals(1, word.wakeAll(), "d stayed");
        Eventually.await("d was woken", () -> order.size() == 2);
        for (String name : List.of("first", "b", "c")) {
            assertEquals(1, target.wake(1));
            Eventually.await(name + " was woken", () -> order.getLast().equals(name));
        }
        crew.join();
        assertThrows(IllegalArgumentException.class, () -> word.requeue(1, 1, word));
    }

    @Test void oneWhoWasMovedCanStillGiveUp() {
        var word = new Futex();
        var target = new Futex();
        Thread t = waiter("moved", () -> assertThrows(InterruptedException.class, () -> word.await(0)));
        assertEquals(1, word.requeue(0, 1, target));
        t.interrupt();
        crew.join();
        assertEquals(0, target.wakeAll());
    }

    @Test void fieldsAreWords() throws InterruptedException {
        assertEquals(Outcome.CHANGED, Futex.await(FIELD, this, 1, Long.MAX_VALUE));
        assertEquals(Outcome.TIMED_OUT, Futex.await(FIELD, this, 0, 1_000));
        waiter("field", () -> assertEquals(Outcome.WOKEN, Futex.await(FIELD, this, 0, Long.MAX_VALUE)));
        waiter("other", () -> assertEquals(Outcome.WOKEN, Futex.await(OTHER, this, 0, Long.MAX_VALUE)));
        assertEquals(1, Futex.wake(OTHER, this, 9));
        Eventually.await("it goes on", () -> order.equals(List.of("other")));
        assertEquals(1, Futex.wake(FIELD, this, 9));
        crew.join();
    }

    @Test void wordsInMemoryAreNamedByWhereTheyAre() throws InterruptedException {
        try (Arena arena = Arena.ofShared()) {
            for (MemorySegment memory : List.of(arena.allocate(64, 8), MemorySegment.ofArray(new int[16]))) {
                memory.set(ValueLayout.JAVA_INT, 8, 3);
                assertEquals(Outcome.CHANGED, Futex.await(memory, 8, 4, Long.MAX_VALUE));
                waiter("here", () -> assertEquals(Outcome.WOKEN, Futex.await(memory, 8, 3, Long.MAX_VALUE)));
                waiter("there", () -> assertEquals(Outcome.WOKEN, Futex.await(memory, 12, 0, Long.MAX_VALUE)));
                assertEquals(1, Futex.wake(memory.asSlice(8), 0, 9), "by a slice of it");
                Eventually.await("it goes on", () -> order.equals(List.of("here")));
                assertEquals(1, Futex.requeue(memory, 12, 0, 1, memory, 16));
                assertEquals(0, Futex.wake(memory, 12, 1));
                assertEquals(1, Futex.wake(memory, 16, 1));
                crew.join();
                order.clear();
            }
        }
    }

    @Test void noWakeUpIsLostBetweenTwoThreads() {
        var turn = new Futex();
        int rounds = 5_000;
        for (int i = 0; i < 2; i++) {
            int me = i;
            crew.start(() -> {
                for (int k = 0; k < rounds; k++) {
                    for (int seen; (seen = turn.get()) % 2 != me; ) turn.await(seen);
                    turn.getAndAdd(1);
                    turn.wake(1);
                }
            });
        }
        crew.join();
        assertEquals(2 * rounds, turn.get());
    }

    @Test void manyWordsInFewListsDoNotDisturbEachOther() {
        int n = 600; // more than there are lists
        var words = new ArrayList<Futex>();
        var woken = new AtomicInteger();
        for (int i = 0; i < n; i++) words.add(new Futex());
        int threads = kind == Crew.Kind.PLATFORM ? 60 : n;
        for (int i = 0; i < threads; i++) {
            Futex word = words.get(i);
            crew.start(() -> {
                word.await(0);
                woken.incrementAndGet();
            });
        }
        for (int i = 0; i < threads; i++) {
            Futex word = words.get(i);
            Eventually.await("one was woken", () -> word.wake(1) == 1);
        }
        crew.join();
        assertEquals(threads, woken.get());
    }

    @Test void wakingNobodyAllocatesNothing() {
        var word = new Futex();
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            word.set(1);
            word.wake(1);
        });
    }
}
