package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.event.SourceRow.Delivery;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Color;

/** What holds for sources of every kind: see {@link Registration}. That no descriptor is left is looked at after each test. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class SourceContractTest extends SystemTest {
    private static final int THREADS = 100;
    private static final int SECONDS = Boolean.getBoolean("torque.slow") ? 60 : 3;

    @TempDir Path folder;
    private final AtomicInteger folders = new AtomicInteger();

    static Stream<SourceRow> rows() { return SourceRows.all().stream(); }

    @BeforeAll static void sockets() { LeakCheck.openTheJdksOwnDescriptors(); }

    /** What one registration was told. */
    private static final class Log {
        final List<Integer> numbers = Collections.synchronizedList(new ArrayList<>());
        /** Whether nothing may come any more. */
        volatile boolean sealed;
        volatile String wrong;
        volatile Color color;

        void take(int number) {
            if (sealed) wrong = number + " came after the end";
            if (color != null && org.libtorque.vcore.Vcore.currentColor() != color) wrong = number + " came under another colour";
            numbers.add(number);
        }

        List<Integer> copy() {
            synchronized (numbers) {
                return List.copyOf(numbers);
            }
        }
    }

    private Path ownFolder() throws Exception { return Files.createDirectory(folder.resolve("s" + folders.getAndIncrement())); }

    private static List<Integer> upTo(int count) { return IntStream.range(0, count).boxed().toList(); }

    private static void causeAll(SourceRow.Subject subject, int from, int to) throws Exception {
        for (int i = from; i < to; i++) subject.cause(i);
    }

    private static void awaitAll(SourceRow row, Log log, int count) {
        Eventually.await(() -> row + ": " + count + " come: " + log.copy(), Eventually.DEFAULT_LIMIT.multipliedBy(3),
                () -> row.delivery() == Delivery.EACH ? log.numbers.size() >= count : count == 0 || !log.numbers.isEmpty());
    }

    /** Runs what is posted to the registration's colour, and what runs before it. */
    private void passThrough(Registration registration) {
        var passed = new java.util.concurrent.CountDownLatch(1);
        torque().post(registration.color(), passed::countDown);
        Eventually.await("the colour runs", () -> passed.getCount() == 0);
    }

    @ParameterizedTest @MethodSource("rows") void eachEventIsDeliveredOnceAndInOrder(SourceRow row) throws Exception {
        var log = new Log();
        Color color = torque().newColor();
        SourceRow.Subject subject = row.open(torque(), color, log::take, ownFolder());
        log.color = subject.registration().color();
        causeAll(subject, 0, row.most());
        awaitAll(row, log, row.most());
        passThrough(subject.registration());
        if (row.delivery() == Delivery.EACH) assertEquals(upTo(row.most()), log.copy());
        subject.registration().close();
        passThrough(subject.registration());
        subject.end();
        assertEquals(null, log.wrong);
    }

    @ParameterizedTest @MethodSource("rows") void afterCancellingUnderTheColourNothingComes(SourceRow row) throws Exception {
        for (int round = 0; round < 5; round++) {
            var log = new Log();
            SourceRow.Subject subject = row.open(torque(), torque().newColor(), log::take, ownFolder());
            Registration registration = subject.registration();
            int half = row.most() / 2;
            causeAll(subject, 0, half);
            var closed = new java.util.concurrent.CountDownLatch(1);
            torque().post(registration.color(), () -> {
                registration.close();
                log.sealed = true;
                closed.countDown();
            });
            causeAll(subject, half, row.most()); // meanwhile
            Eventually.await("closed", () -> closed.getCount() == 0);
            passThrough(registration);
            sleep(3);
            assertFalse(registration.isOpen());
            registration.close();
            subject.end();
            assertEquals(null, log.wrong);
            if (row.delivery() == Delivery.EACH) assertEquals(upTo(log.numbers.size()), log.copy(), "no gap before the end");
        }
    }

    @ParameterizedTest @MethodSource("rows") void closedInItsOwnCallbackItIsNotCalledAgain(SourceRow row) throws Exception {
        if (row.most() == 0) return; // no callback to be had
        var log = new Log();
        var self = new AtomicReference<SourceRow.Subject>();
        SourceRow.Subject subject = row.open(torque(), torque().newColor(), number -> {
            log.take(number);
            if (row.name().startsWith("mailbox into")) return; // what the test polls there is not the registration's callback
            while (self.get() == null) Thread.onSpinWait();
            self.get().registration().close();
            log.sealed = true;
        }, ownFolder());
        self.set(subject);
        causeAll(subject, 0, row.most());
        awaitAll(row, log, 1);
        subject.registration().close();
        passThrough(subject.registration());
        sleep(3);
        subject.end();
        assertEquals(null, log.wrong);
    }

    @ParameterizedTest @MethodSource("rows") void whatIsOpenWhenTheRuntimeStopsEndsWithIt(SourceRow row) throws Exception {
        List<SourceRow.Subject> subjects = new ArrayList<>();
        for (int i = 0; i < 5; i++) subjects.add(row.open(torque(), torque().newColor(), number -> { }, ownFolder()));
        if (row.most() > 0) subjects.getFirst().cause(0);
        stop();
        for (SourceRow.Subject subject : subjects) {
            assertFalse(subject.registration().isOpen(), row::toString);
            subject.registration().close();
            subject.end();
        }
    }

    /** Many threads register, cause and cancel at random, on few colours and on many, from outside, under the colour, and inside the callback. */
    @Test void fromAHundredThreadsAtRandomEachRegistrationKeepsItsPromise() throws Exception {
        long seed = Long.getLong("torque.seed", 0);
        List<SourceRow> rows = SourceRows.all();
        Map<SourceRow, Semaphore> limits = new HashMap<>();
        for (SourceRow row : rows) limits.put(row, new Semaphore(row.atOnce()));
        List<Color> shared = new ArrayList<>();
        for (int i = 0; i < 8; i++) shared.add(torque().newColor());
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        var done = new AtomicInteger();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            var random = new SplittableRandom(seed + t);
            threads.add(start("registering " + t, () -> {
                while ((System.nanoTime() - end < 0 || done.get() <= THREADS) && thrown.isEmpty()) { // on a busy machine, until it is enough
                    SourceRow row = rows.get(random.nextInt(rows.size()));
                    if (!limits.get(row).tryAcquire()) continue;
                    try {
                        oneAtRandom(row, random, random.nextInt(3) == 0 ? shared.get(random.nextInt(shared.size())) : torque().newColor());
                    } finally {
                        limits.get(row).release();
                    }
                    done.incrementAndGet();
                }
            }, thrown));
        }
        for (Thread thread : threads) Eventually.await("thread '" + thread.getName() + "' ends", Eventually.DEFAULT_LIMIT.multipliedBy(5).plusSeconds(SECONDS), () -> !thread.isAlive());
        assertEquals(List.of(), thrown, "-Dtorque.seed=" + seed);
        assertTrue(done.get() > THREADS, "done " + done);
    }

    private void oneAtRandom(SourceRow row, SplittableRandom random, Color color) throws Exception {
        var log = new Log();
        int causes = row.most() == 0 ? 0 : random.nextInt(row.most() + 1);
        int closeAt = random.nextInt(4) == 0 && !row.name().startsWith("mailbox into") ? random.nextInt(row.most() + 1) : -1;
        boolean waits = random.nextBoolean();
        var self = new AtomicReference<Registration>();
        SourceRow.Subject subject = row.open(torque(), color, number -> {
            log.take(number);
            if (log.numbers.size() == closeAt && self.get() != null) {
                self.get().close();
                log.sealed = true;
            }
        }, ownFolder());
        Registration registration = subject.registration();
        log.color = registration.color();
        self.set(registration);
        for (int i = 0; i < causes; i++) {
            subject.cause(i);
            if (random.nextInt(16) == 0) Thread.yield();
        }
        if (waits && closeAt < 0) awaitAll(row, log, causes);
        switch (random.nextInt(3)) {
            case 0 -> registration.close();
            case 1 -> torque().post(registration.color(), registration::close);
            default -> { // from two threads at once
                Thread other = Thread.ofVirtual().start(registration::close);
                registration.close();
                other.join();
            }
        }
        var sealed = new java.util.concurrent.CountDownLatch(1);
        torque().post(registration.color(), () -> {
            log.sealed = true; // whoever closed has done so before this, and a callback that had begun has ended
            sealed.countDown();
        });
        Eventually.await(row + " is closed", Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> sealed.getCount() == 0);
        subject.end();
        if (log.wrong != null) throw new AssertionError(row + ": " + log.wrong);
        List<Integer> told = log.copy();
        if (row.delivery() == Delivery.EACH && !told.equals(upTo(told.size()))) throw new AssertionError(row + ": " + told);
        if (row.delivery() == Delivery.EACH && waits && closeAt < 0 && causes > 0 && told.size() < causes) throw new AssertionError(row + ": " + told.size() + " of " + causes);
    }
}
