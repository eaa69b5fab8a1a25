package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.testkit.ChildJvm;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.TestProcess;
import org.libtorque.vcore.Vcore;

/** Several runtimes in one process, on the same CPUs, do not disturb each other. Whatever they leave open is found by the leak check behind each test. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class RuntimesSystemTest extends SystemTest {
    /** The JDK's first process leaves a descriptor open, and threads. */
    @BeforeAll static void startOneByTheJdk() throws Exception { new ProcessBuilder("true").start().waitFor(); }

    private static void raise(Signal signal) { assertEquals(0, Processes.kill(ErrnoSlot.current(), Processes.getpid(), signal.number())); }

    /** Echoes without a pause until told to stop, and counts. */
    private Thread traffic(Listener listener, AtomicBoolean over, AtomicLong echoes) {
        return start("traffic", () -> {
            try (var client = Client.to(listener)) {
                while (!over.get()) {
                    client.expectEcho("still there");
                    echoes.incrementAndGet();
                }
            }
        }, failures);
    }

    @Test void oneServesWhileOthersAreOpenedAndClosedInAnyOrder() throws IOException {
        var random = new SplittableRandom(1);
        var over = new AtomicBoolean();
        var echoes = new AtomicLong();
        Thread traffic = traffic(echo(), over, echoes);
        List<Torque> others = new ArrayList<>();
        try {
            for (int round = 0; round < 40; round++) {
                if (others.size() < 4 && random.nextInt(3) > 0) {
                    Torque other = Torque.open(options());
                    others.add(other);
                    try (var client = Client.to(other.listen(ANY_PORT, c -> c.onRead(Connection::write)))) {
                        client.expectEcho("round " + round);
                    }
                    other.every(Duration.ofMillis(1), () -> { });
                } else if (!others.isEmpty()) {
                    others.remove(random.nextInt(others.size())).close();
                }
                long before = echoes.get();
                Eventually.await("the first one serves", () -> echoes.get() > before + 2);
            }
        } finally {
            for (Torque other : others) other.close();
            over.set(true);
        }
        Eventually.awaitEnd(traffic);
    }

    @Test void oneServesWhileAnotherDrainsForLong() throws Exception {
        var over = new AtomicBoolean();
        var echoes = new AtomicLong();
        Thread traffic = traffic(echo(), over, echoes);
        Torque other = Torque.open(options().withDrainTimeout(Duration.ofMillis(300)));
        var hanging = new CountDownLatch(1);
        Listener listener = other.listen(ANY_PORT, c -> {
            c.onDrain(_ -> { }); // never comes to its end by itself
            hanging.countDown();
        });
        try (var client = Client.to(listener)) {
            hanging.await();
            Thread closing = start("closing", other::close, failures);
            for (int i = 0; i < 10; i++) {
                long before = echoes.get();
                Eventually.await("the first one serves", () -> echoes.get() > before);
            }
            Eventually.awaitEnd(closing);
            client.awaitGone();
        }
        over.set(true);
        Eventually.awaitEnd(traffic);
    }

    @Test void aSignalIsToldToEachAndStillToThoseThatAreLeft() throws IOException {
        var first = new AtomicInteger();
        var second = new AtomicInteger();
        torque().onSignal(Signal.WINCH, _ -> first.incrementAndGet());
        try (Torque other = Torque.open(options())) {
            other.onSignal(Signal.WINCH, _ -> second.incrementAndGet());
            for (int i = 1; i <= 5; i++) {
                raise(Signal.WINCH);
                int told = i;
                Eventually.await("both were told", () -> first.get() == told && second.get() == told);
            }
        }
        raise(Signal.WINCH);
        Eventually.await("the one that is left is told", () -> first.get() == 6);
        assertEquals(5, second.get());
        try (Torque other = Torque.open(options())) {
            other.onSignal(Signal.WINCH, _ -> second.incrementAndGet());
            stop();
            raise(Signal.WINCH);
            Eventually.await("the new one is told", () -> second.get() == 6);
            assertEquals(6, first.get());
        }
    }

    @Test void eachLearnsOfItsChildrenAndBothOfAProcessThatBothWatch() throws Exception {
        try (Torque other = Torque.open(options())) {
            var statuses = new ConcurrentHashMap<Integer, Integer>();
            for (int i = 0; i < 20; i++) {
                int code = i;
                Torque runtime = i % 2 == 0 ? torque() : other;
                runtime.start(Command.of("sh", "-c", "exit " + code), child -> child.onExit((_, status) -> statuses.put(code, status.code())));
            }
            Eventually.await("all have ended", () -> statuses.size() == 20);
            for (int i = 0; i < 20; i++) assertEquals(i, statuses.get(i));
            var told = new AtomicInteger();
            var ended = new CompletableFuture<Integer>();
            ChildProcess child = other.start(Command.of("sleep", "100"), c -> c.onExit((pid, _) -> ended.complete(pid)));
            torque().onExit(child.pid(), (_, _) -> told.incrementAndGet());
            other.onExit(child.pid(), (_, _) -> told.incrementAndGet());
            assertEquals(0, Processes.kill(ErrnoSlot.current(), child.pid(), 9));
            assertEquals(child.pid(), get(ended));
            Eventually.await("both were told", () -> told.get() == 2);
        }
    }

    @Test void timersOfOneAreArmedByCallbacksOfTheOtherAndRunInTheirOwn() {
        try (Torque other = Torque.open(options())) {
            var runs = new AtomicInteger();
            var strangers = new AtomicInteger();
            TimerRegistration timer = torque().timer(TimerOptions.UNARMED, (_, _) -> {
                if (!torque().vcores().contains(Vcore.current())) strangers.incrementAndGet();
                runs.incrementAndGet();
            });
            for (int i = 1; i <= 20; i++) {
                other.post(() -> timer.rearm(Duration.ofMillis(1)));
                int expected = i;
                Eventually.await("it has run", () -> runs.get() == expected);
            }
            other.post(() -> {
                timer.rearm(Duration.ofHours(1));
                if (!timer.cancel()) strangers.incrementAndGet();
            });
            Eventually.await("it was called off", () -> !timer.isOpen());
            assertEquals(0, strangers.get());
        }
    }

    @Test void aCallbackOfOneMayOpenAndCloseAnother() throws IOException {
        for (int i = 0; i < 3; i++) {
            String echoed = onVcore(() -> {
                try (Torque inner = Torque.open(options())) {
                    var ran = new CompletableFuture<String>();
                    inner.post(() -> ran.complete("ran on " + Vcore.current().index()));
                    return get(ran);
                }
            });
            assertTrue(echoed.startsWith("ran on "), echoed);
        }
        try (var client = Client.to(echo())) {
            client.expectEcho("unharmed");
        }
    }

    @Test void threadsAreNamedApartAndGoWithTheirRuntime() {
        torque();
        awaitNames("torque");
        Torque second = Torque.open(options());
        Torque third = Torque.open(options());
        try {
            awaitNames("torque", "torque2", "torque3");
            second.close();
            awaitNames("torque", "torque3");
            second = Torque.open(options());
            awaitNames("torque", "torque2", "torque3");
        } finally {
            second.close();
            third.close();
        }
        awaitNames("torque");
    }

    /** Waits until there is a thread for each vcore of these runtimes, and no other: who has been closed may have one that is just ending. */
    private void awaitNames(String... runtimes) {
        List<String> expected = new ArrayList<>();
        for (String runtime : runtimes) for (int i = 0; i < setup.vcores(); i++) expected.add(runtime + "-vcore-" + i);
        expected.sort(null);
        Eventually.await(() -> expected + " are there: " + names(), Eventually.DEFAULT_LIMIT, () -> names().equals(expected));
    }

    private static List<String> names() {
        return Thread.getAllStackTraces().keySet().stream().filter(Thread::isAlive).map(Thread::getName).filter(name -> name.matches("torque\\d*-vcore-\\d+")).sorted().toList();
    }

    @Test void whatOneReportsTheOtherDoesNotHear() {
        var heard = new CompletableFuture<Throwable>();
        try (Torque other = Torque.open(options().withFailureHandler((_, failure) -> heard.complete(failure)))) {
            torque().post(() -> other.post(() -> { throw new IllegalStateException("of the other"); }));
            assertEquals("of the other", get(heard).getMessage());
        }
        assertEquals(List.of(), failures);
    }

    // ---- processes of two runtimes

    private TestProcess twoRuntimes(boolean blocked, String... more) throws IOException {
        String[] arguments = new String[2 + more.length];
        arguments[0] = setup.backend().name().toLowerCase(Locale.ROOT);
        arguments[1] = Integer.toString(setup.vcores());
        System.arraycopy(more, 0, arguments, 2, more.length);
        TestProcess child = blocked ? ChildJvm.startBlocking("TERM,INT", TwoRuntimesChild.class, arguments)
                : ChildJvm.start(List.of(), List.of(), TwoRuntimesChild.class, arguments);
        child.awaitLine("^ready 0$");
        child.awaitLine("^ready 1$");
        return child;
    }

    @Test void oneSignalStopsAllThatWaitForIt() throws IOException {
        for (boolean blocked : new boolean[] {false, true}) {
            try (TestProcess child = twoRuntimes(blocked)) {
                child.signal("TERM");
                child.awaitLine("^both ended$");
                assertEquals(0, child.awaitExit());
            }
        }
    }

    @Test void theSecondSignalEndsTheProcessThoughOneRuntimeIsStuck() throws IOException {
        try (TestProcess child = twoRuntimes(true, "stuck")) {
            child.signal("TERM");
            child.awaitLine("^ended 0$");
            assertTrue(child.isAlive());
            assertFalse(child.stdout().contains("ended 1"));
            child.signal("TERM");
            assertEquals(128 + Signal.TERM.number(), child.awaitExit());
        }
    }
}
