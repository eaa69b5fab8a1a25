package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** Events that programs send to themselves. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class UserEventSystemTest extends SystemTest {
    private static final int THREADS = 4;
    private static final int EACH = 20_000;

    private void fromManyThreads(Body body) {
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) threads.add(start("sender " + t, body, thrown));
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        assertEquals(List.of(), thrown);
    }

    @Test void aConditionComesToItsLastPayloadAndNotOftenerThanItWasSignalled() {
        Color color = torque().newColor();
        var calls = new AtomicInteger();
        var last = new AtomicLong();
        Condition<Long> condition = torque().condition(color, payload -> {
            assertSame(color, Vcore.currentColor());
            calls.incrementAndGet();
            last.set(payload);
        });
        var number = new AtomicLong();
        fromManyThreads(() -> {
            for (int i = 0; i < EACH; i++) assertTrue(condition.signal(number.incrementAndGet()));
        });
        condition.signal(-1L);
        Eventually.await("the last is told", () -> last.get() == -1);
        assertTrue(calls.get() <= THREADS * EACH + 1);
        int before = calls.get();
        sleep(20);
        assertEquals(before, calls.get());
    }

    @Test void aConditionMaySignalNothing() {
        List<Object> told = new CopyOnWriteArrayList<>();
        Condition<String> condition = torque().condition(torque().newColor(), payload -> told.add(String.valueOf(payload)));
        condition.signal();
        Eventually.await("told", () -> told.equals(List.of("null")));
        condition.signal("text");
        Eventually.await("told", () -> told.equals(List.of("null", "text")));
    }

    @Test void aCounterTellsEverythingThatWasAdded() {
        var sum = new AtomicLong();
        EventCounter counter = torque().counter(torque().newColor(), count -> {
            assertTrue(count > 0);
            sum.addAndGet(count);
        });
        fromManyThreads(() -> {
            for (int i = 0; i < EACH; i++) assertTrue(i % 2 == 0 ? counter.increment() : counter.add(3));
        });
        Eventually.await("all was told", () -> sum.get() == THREADS * EACH * 2L);
        assertThrows(IllegalArgumentException.class, () -> counter.add(0));
        assertThrows(IllegalArgumentException.class, () -> counter.add(-1));
    }

    @Test void whatDoesNotFitIntoACounterIsRefused() throws Exception {
        Color color = torque().newColor();
        CountDownLatch release = hold(color);
        var sum = new AtomicLong();
        EventCounter counter = torque().counter(color, sum::addAndGet);
        assertTrue(counter.add(Long.MAX_VALUE - 1));
        assertTrue(counter.add(1));
        assertThrows(ArithmeticException.class, counter::increment);
        release.countDown();
        Eventually.await("told", () -> sum.get() == Long.MAX_VALUE);
    }

    @Test void aMailboxDeliversEachPayloadOnceInItsSendersOrder() {
        var taken = new AtomicInteger();
        long[] last = new long[THREADS];
        var wrong = new AtomicInteger();
        Mailbox<long[]> mailbox = torque().mailbox(100, torque().newColor(), payload -> {
            int sender = (int) payload[0];
            if (payload[1] != ++last[sender]) wrong.incrementAndGet();
            taken.incrementAndGet();
        });
        assertEquals(128, mailbox.capacity());
        var number = new AtomicInteger();
        fromManyThreads(() -> {
            int me = number.getAndIncrement();
            for (int i = 1; i <= EACH; i++) {
                long[] payload = {me, i};
                while (!mailbox.offer(payload)) Thread.yield();
            }
        });
        Eventually.await("all were taken", () -> taken.get() == THREADS * EACH);
        assertEquals(0, wrong.get());
    }

    @Test void aFullMailboxRefusesAndLosesNothing() throws Exception {
        Color color = torque().newColor();
        CountDownLatch release = hold(color);
        List<Integer> told = new CopyOnWriteArrayList<>();
        Mailbox<Integer> mailbox = torque().mailbox(4, color, told::add);
        for (int i = 0; i < 4; i++) assertTrue(mailbox.offer(i));
        assertFalse(mailbox.offer(4));
        assertThrows(NullPointerException.class, () -> mailbox.offer(null));
        release.countDown();
        Eventually.await("told", () -> told.equals(List.of(0, 1, 2, 3)));
        assertTrue(mailbox.offer(5));
        Eventually.await("told", () -> told.size() == 5);
    }

    @Test void aHandlersExceptionIsReportedAndTheRestIsTold() {
        List<Integer> told = new CopyOnWriteArrayList<>();
        Mailbox<Integer> mailbox = torque().mailbox(8, torque().newColor(), payload -> {
            told.add(payload);
            if (payload == 1) throw new Exception("mine");
        });
        for (int i = 0; i < 4; i++) assertTrue(mailbox.offer(i));
        assertEquals("mine", takeFailure().getMessage());
        Eventually.await("told", () -> told.equals(List.of(0, 1, 2, 3)));
    }

    @Test void closedTheyTakeAndTellNothing() {
        var told = new AtomicInteger();
        Color color = torque().newColor();
        Mailbox<Integer> mailbox = torque().mailbox(8, color, payload -> told.incrementAndGet());
        EventCounter counter = torque().counter(color, count -> told.incrementAndGet());
        Condition<Integer> condition = torque().condition(color, payload -> told.incrementAndGet());
        for (Registration registration : List.of(mailbox, counter, condition)) {
            assertSame(color, registration.color());
            assertTrue(registration.isOpen());
            registration.close();
            registration.close();
            assertFalse(registration.isOpen());
        }
        assertFalse(mailbox.offer(1));
        assertFalse(counter.increment());
        assertFalse(condition.signal());
        sleep(20);
        assertEquals(0, told.get());
    }

    @Test void afterTheRuntimeHasStoppedNothingIsTaken() {
        Mailbox<Integer> mailbox = torque().mailbox(8, torque().newColor(), payload -> { });
        stop();
        assertFalse(mailbox.isOpen());
        assertFalse(mailbox.offer(1));
    }

    /** Neither for the sender nor, in steady state, for the vcore. */
    @Test void sendingAllocatesNothing() {
        var told = new AtomicInteger();
        Condition<String> condition = torque().condition(torque().newColor(), payload -> told.incrementAndGet());
        EventCounter counter = torque().counter(torque().newColor(), count -> { });
        for (int i = 1; i <= 5_000; i++) { // one after the other, so that most of them wake the vcore, and that too is compiled
            condition.signal("x");
            while (told.get() < i) Thread.onSpinWait();
        }
        Mailbox<String> mailbox = torque().mailbox(1 << 10, torque().newColor(), payload -> { });
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            condition.signal("x");
            counter.increment();
            mailbox.offer("x");
        });
    }
}
