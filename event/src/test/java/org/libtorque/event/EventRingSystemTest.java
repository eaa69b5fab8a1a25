package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.event.RingEvent.Mark;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Processes;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** The unified ring. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class EventRingSystemTest extends SystemTest {
    private static final Duration LONG = Eventually.scaled(Eventually.DEFAULT_LIMIT);

    private static RingEvent next(EventRing ring) throws InterruptedException {
        var one = new RingEvent[1];
        assertEquals(1, ring.take(one, LONG), "an event comes");
        return one[0];
    }

    @Test void sourcesOfManyKindsComeTogether(@TempDir Path folder) throws Exception {
        EventRing ring = torque().ring(64);
        var seen = new HashMap<Object, List<RingEvent>>();
        torque().onPath(folder, PathScope.DIRECTORY, torque().newColor(), ring.port("path"));
        torque().every(Duration.ofMillis(5), torque().newColor(), ring.port("tick"));
        torque().onNetwork(Set.of(NetworkObject.Kind.LINK), torque().newColor(), ring.port("net"));
        Mailbox<String> mailbox = torque().mailbox(4, torque().newColor(), ring.port("mail"));
        EventCounter counter = torque().counter(torque().newColor(), ring.port("count"));
        Process process = new ProcessBuilder("sh", "-c", "read x; exit 7").start();
        torque().onExit((int) process.pid(), torque().newColor(), ring.port("exit"));
        int fd = EventFd.create(ErrnoSlot.current(), 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC);
        Watch watch = torque().watch(fd, Watch.READABLE, ring.port("fd"));
        mailbox.offer("letter");
        counter.add(5);
        process.getOutputStream().close();
        EventFd.write(ErrnoSlot.current(), fd, 1);
        Set<Object> wanted = Set.of("path", "tick", "net", "mail", "count", "exit", "fd");
        while (!seen.keySet().equals(wanted)) {
            RingEvent event = next(ring);
            seen.computeIfAbsent(event.tag(), tag -> new ArrayList<>()).add(event);
        }
        assertEquals(new RingEvent("path", Mark.COMPLETE, 1), seen.get("path").getFirst());
        assertInstanceOf(NetworkChange.class, seen.get("net").getFirst().event());
        assertEquals(new RingEvent("mail", "letter", 1), seen.get("mail").getFirst());
        assertEquals(new RingEvent("count", null, 5), seen.get("count").getFirst());
        assertEquals(new RingEvent("exit", new RingEvent.ProcessExit((int) process.pid(), new ExitStatus(7, null, false)), 1), seen.get("exit").getFirst());
        assertEquals(new RingEvent("fd", new RingEvent.Readiness(fd, Watch.READABLE), 1), seen.get("fd").getFirst());
        assertTrue(seen.get("tick").stream().allMatch(tick -> tick.event() == null && tick.count() >= 1));
        assertEquals(7, process.waitFor());
        process.getInputStream().close();
        process.getErrorStream().close();
        watch.close();
        Eventually.await("ended", () -> !watch.isOpen());
        org.libtorque.sys.Files.close(ErrnoSlot.current(), fd);
    }

    @Test void aFullRingHoldsItsSourcesAndNothingIsLost(@TempDir Path folder) throws Exception {
        EventRing ring = torque().ring(4);
        torque().onPath(folder, PathScope.DIRECTORY, torque().newColor(), ring.port("path"));
        assertEquals(Mark.COMPLETE, next(ring).event());
        Mailbox<Integer> mailbox = torque().mailbox(64, torque().newColor(), ring.port("mail"));
        EventCounter counter = torque().counter(torque().newColor(), ring.port("count"));
        for (int i = 0; i < 64; i++) assertTrue(mailbox.offer(i));
        Eventually.await("the ring is full", () -> ring.size() == 4);
        for (int i = 0; i < 200; i++) Files.createDirectory(folder.resolve("d" + i));
        for (int i = 0; i < 1_000; i++) counter.increment();
        Eventually.await("the mailbox is full, for nobody takes what is in it", () -> !mailbox.offer(-1) || sentMore.incrementAndGet() < 0);
        assertEquals(4, ring.size());
        int mails = 0;
        int paths = 0;
        long count = 0;
        int expectedMails = 64 + sentMore.get();
        var batch = new RingEvent[3];
        while (mails < expectedMails || paths < 200 || count < 1_000) {
            int n = ring.take(batch, LONG);
            assertTrue(n > 0, "still to come: " + mails + " " + paths + " " + count);
            for (int i = 0; i < n; i++) {
                switch (batch[i].tag().toString()) {
                    case "mail" -> {
                        if (mails < 64) assertEquals(mails, batch[i].event());
                        mails++;
                    }
                    case "path" -> assertEquals(new PathChange(PathChange.What.CREATED, folder.resolve("d" + paths++), null, true), batch[i].event());
                    default -> count += batch[i].count();
                }
            }
        }
        assertEquals(expectedMails, mails);
        assertEquals(1_000, count);
        sleep(20);
        assertEquals(0, ring.poll(batch));
    }

    private final AtomicInteger sentMore = new AtomicInteger();

    @Test void whileTheRingIsFullATimersExpiriesAreAddedUp() throws Exception {
        EventRing ring = torque().ring(2);
        Color color = torque().newColor();
        Registration timer = torque().every(Duration.ofMillis(1), color, ring.port("tick"));
        Eventually.await("the ring is full", () -> ring.size() == 2);
        var others = new AtomicInteger();
        Registration beside = torque().every(Duration.ofMillis(1), color, others::incrementAndGet);
        Eventually.await("time passes", () -> others.get() >= 30);
        timer.close();
        beside.close();
        for (int i = 0; i < 2; i++) {
            RingEvent tick = next(ring);
            assertTrue(tick.tag().equals("tick") && tick.event() == null && tick.count() >= 1, tick::toString); // more than one, if the vcore was late
        }
        RingEvent rest = next(ring);
        assertTrue(rest.count() >= 10 && rest.event() == null, rest::toString);
        sleep(10);
        assertEquals(0, ring.poll(new RingEvent[1]));
    }

    @Test void readinessThatWaitsIsAddedUp() throws Exception {
        EventRing ring = torque().ring(2);
        int fd = EventFd.create(ErrnoSlot.current(), 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC);
        Watch watch = torque().watch(fd, Watch.READABLE | Watch.WRITABLE, ring.port("fd"));
        Eventually.await("told", () -> ring.size() > 0);
        for (int i = 0; i < 50; i++) {
            EventFd.write(ErrnoSlot.current(), fd, 1);
            onVcore(() -> null);
        }
        int events = 0;
        for (int bits = 0; bits != (Watch.READABLE | Watch.WRITABLE); events++) bits |= ((RingEvent.Readiness) next(ring).event()).ready();
        sleep(10);
        var batch = new RingEvent[8];
        for (int n; (n = ring.poll(batch)) > 0; events += n) sleep(10);
        assertTrue(events < 10, "events " + events);
        watch.close();
        stop();
        org.libtorque.sys.Files.close(ErrnoSlot.current(), fd);
    }

    @Test void severalConsumersTakeEachEventOnce() throws Exception {
        int senders = 3;
        int consumers = 3;
        int each = 5_000;
        EventRing ring = torque().ring(16);
        List<Mailbox<Integer>> mailboxes = new ArrayList<>();
        for (int i = 0; i < senders; i++) mailboxes.add(torque().mailbox(32, torque().newColor(), ring.port(i)));
        var taken = new AtomicInteger();
        List<List<RingEvent>> results = new ArrayList<>();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int c = 0; c < consumers; c++) {
            int size = 1 + c * 3;
            List<RingEvent> mine = new ArrayList<>();
            results.add(mine);
            threads.add(start("consumer " + c, () -> {
                var batch = new RingEvent[size];
                for (int n; (n = ring.take(batch)) > 0; ) {
                    for (int i = 0; i < n; i++) mine.add(batch[i]);
                    taken.addAndGet(n);
                }
            }, thrown));
        }
        for (int s = 0; s < senders; s++) {
            Mailbox<Integer> mailbox = mailboxes.get(s);
            threads.add(start("sender " + s, () -> {
                for (int i = 0; i < each; i++) {
                    while (!mailbox.offer(i)) Thread.yield();
                }
            }, thrown));
        }
        Eventually.await(() -> "all were taken: " + taken + " " + thrown, LONG.multipliedBy(3), () -> taken.get() == senders * each);
        ring.close();
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        assertEquals(List.of(), thrown);
        var seen = new HashSet<RingEvent>();
        for (List<RingEvent> mine : results) {
            Map<Object, Integer> last = new HashMap<>();
            for (RingEvent event : mine) {
                assertTrue(seen.add(event), "twice: " + event);
                Integer before = last.put(event.tag(), (Integer) event.event());
                assertTrue(before == null || before < (Integer) event.event(), "each source's in order");
            }
        }
        assertEquals(senders * each, seen.size());
    }

    @Test void takingWaitsAsLongAsIsAskedAndClosingEndsIt() throws Exception {
        EventRing ring = torque().ring(4);
        var batch = new RingEvent[2];
        assertEquals(0, ring.poll(batch));
        long start = System.nanoTime();
        assertEquals(0, ring.take(batch, Duration.ofMillis(30)));
        assertTrue(System.nanoTime() - start >= 30_000_000);
        assertEquals(0, ring.take(batch, Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> ring.poll(new RingEvent[0]));
        Mailbox<Integer> mailbox = torque().mailbox(4, torque().newColor(), ring.port("x"));
        mailbox.offer(1);
        Eventually.await("it is there", () -> ring.size() == 1);
        var result = new AtomicLong(-1);
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        Thread consumer = start("consumer", () -> {
            assertEquals(1, ring.take(new RingEvent[2]));
            result.set(-2);
            result.set(ring.take(new RingEvent[2]));
        }, thrown);
        Eventually.await("it waits", () -> result.get() == -2 && (consumer.getState() == Thread.State.WAITING || consumer.getState() == Thread.State.TIMED_WAITING));
        ring.close();
        ring.close();
        Eventually.awaitEnd(consumer);
        assertEquals(List.of(), thrown);
        assertEquals(0, result.get());
        mailbox.offer(2);
        sleep(10);
        assertEquals(0, ring.poll(batch), "closed, it takes nothing");
        assertThrows(IllegalStateException.class, () -> ring.submit("x", RingOperation.after(Duration.ZERO)));
    }

    @Test void whoIsInterruptedHasTakenNothingAndTheNextOneDoes() throws Exception {
        EventRing ring = torque().ring(4);
        var interrupted = new AtomicInteger();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        Thread consumer = start("consumer", () -> {
            try {
                ring.take(new RingEvent[1]);
            } catch (InterruptedException e) {
                interrupted.incrementAndGet();
            }
        }, thrown);
        Eventually.await("it waits", () -> consumer.getState() == Thread.State.WAITING || consumer.getState() == Thread.State.TIMED_WAITING);
        consumer.interrupt();
        Eventually.awaitEnd(consumer);
        assertEquals(1, interrupted.get());
        Mailbox<Integer> mailbox = torque().mailbox(4, torque().newColor(), ring.port("x"));
        mailbox.offer(1);
        assertEquals(1, next(ring).event());
        assertEquals(List.of(), thrown);
    }

    @Test void stoppingTheRuntimeEndsWaiting() throws Exception {
        EventRing ring = torque().ring(4);
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        Thread consumer = start("consumer", () -> assertEquals(0, ring.take(new RingEvent[1])), thrown);
        Eventually.await("it waits", () -> consumer.getState() == Thread.State.WAITING || consumer.getState() == Thread.State.TIMED_WAITING);
        stop();
        Eventually.awaitEnd(consumer);
        assertEquals(List.of(), thrown);
    }

    @Test void vcoresPollButDoNotWait() {
        EventRing ring = torque().ring(4);
        assertEquals(0, onVcore(() -> ring.poll(new RingEvent[1])));
        assertTrue(onVcore(() -> {
            assertThrows(IllegalStateException.class, () -> ring.take(new RingEvent[1]));
            return true;
        }));
    }

    @Test void whatIsDoneAtOnceIsTheResultAndWhatIsNotComesIntoTheRing() throws Exception {
        EventRing ring = torque().ring(8);
        Submission now = ring.submit("now", RingOperation.after(Duration.ZERO));
        assertTrue(now.isDone());
        assertEquals(new RingEvent("now", Mark.COMPLETE, 1), now.result());
        Submission later = ring.submit("later", RingOperation.after(Duration.ofMillis(2)));
        assertFalse(later.isDone());
        assertNull(later.result());
        assertEquals(new RingEvent("later", Mark.COMPLETE, 1), next(ring));

        int fd = EventFd.create(ErrnoSlot.current(), 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC);
        assertEquals(new RingEvent("w", new RingEvent.Readiness(fd, Watch.WRITABLE), 1), ring.submit("w", RingOperation.ready(fd, Watch.WRITABLE)).result());
        Submission readable = ring.submit("r", RingOperation.ready(fd, Watch.READABLE));
        assertFalse(readable.isDone());
        EventFd.write(ErrnoSlot.current(), fd, 1);
        assertEquals(new RingEvent("r", new RingEvent.Readiness(fd, Watch.READABLE), 1), next(ring));
        Eventually.await("it was for once", () -> !readable.registration().isOpen());
        EventFd.write(ErrnoSlot.current(), fd, 1);
        sleep(10);
        assertEquals(0, ring.poll(new RingEvent[1]));
        org.libtorque.sys.Files.close(ErrnoSlot.current(), fd);
        assertThrows(IllegalArgumentException.class, () -> ring.submit("x", RingOperation.ready(fd, Watch.READABLE)));

        Process process = new ProcessBuilder("sh", "-c", "read x; exit 3").start();
        Submission exit = ring.submit("exit", RingOperation.exit((int) process.pid()));
        assertFalse(exit.isDone());
        process.getOutputStream().close();
        assertEquals(new RingEvent.ProcessExit((int) process.pid(), new ExitStatus(3, null, false)), next(ring).event());
        process.waitFor();
        process.getInputStream().close();
        process.getErrorStream().close();
        assertEquals(new RingEvent.ProcessExit(zombie(), new ExitStatus(9, null, false)), ring.submit("ended", RingOperation.exit(zombie())).result().event());
        reap();
    }

    private int zombie;

    /** A child that has ended and that nobody has waited for. */
    private int zombie() {
        if (zombie != 0) return zombie;
        zombie = org.libtorque.sys.Spawn.spawn(ErrnoSlot.current(), List.of("/bin/sh", "-c", "exit 9"), List.of(), null, new int[] {0, 1, 2}, 0, new int[0]);
        assertTrue(zombie > 0, "spawn " + zombie);
        Eventually.await("it has ended", () -> {
            try {
                return Files.readString(Path.of("/proc/" + zombie + "/stat")).contains(") Z ");
            } catch (java.io.IOException e) {
                throw new AssertionError(e);
            }
        });
        return zombie;
    }

    private void reap() {
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(0, Processes.waitid(ErrnoSlot.current(), Processes.P_PID, zombie, arena.allocate(256, 8).address(), Processes.WEXITED));
        }
    }
}
