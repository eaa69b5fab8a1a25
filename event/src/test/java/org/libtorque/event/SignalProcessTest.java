package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.sys.SignalFd;
import org.libtorque.testkit.ChildJvm;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.TestProcess;

/** Signals by signalfd and by the JDK, in processes started for it: blocking signals in a whole JVM can only its launcher. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
@ExtendWith(LeakCheck.class)
class SignalProcessTest {
    private static final String ALL = "TERM,INT,HUP,CHLD,USR1,USR2,WINCH,PIPE,RTMIN,RTMIN+1";

    @Parameter Setup setup;

    private TestProcess startBlocking(String... more) throws IOException { return ready(ChildJvm.startBlocking(ALL, SignalChild.class, arguments(more))); }

    private TestProcess startPlain(String... more) throws IOException { return ready(ChildJvm.start(List.of(), List.of(), SignalChild.class, arguments(more))); }

    private String[] arguments(String... more) {
        String[] all = new String[2 + more.length];
        all[0] = setup.backend().name().toLowerCase(Locale.ROOT);
        all[1] = Integer.toString(setup.vcores());
        System.arraycopy(more, 0, all, 2, more.length);
        return all;
    }

    private static TestProcess ready(TestProcess child) {
        child.awaitLine("^ready$");
        return child;
    }

    private static int queue(TestProcess child, Signal signal, long value) {
        return SignalFd.sigqueue(ErrnoSlot.current(), (int) child.pid(), signal.number(), value);
    }

    private static void kill(TestProcess child, Signal signal) {
        assertEquals(0, Processes.kill(ErrnoSlot.current(), (int) child.pid(), signal.number()));
    }

    private static long count(TestProcess child, String regex) { return child.stdout().stream().filter(line -> line.matches(regex)).count(); }

    @Test void blockedSignalsComeWithTheirSenderEachOnce() throws IOException {
        String[] names = {"HUP", "CHLD", "USR1", "USR2", "WINCH", "PIPE", "RTMIN"};
        try (var child = startBlocking(names)) {
            int me = Processes.getpid();
            int user = Processes.getuid();
            for (int round = 1; round <= 3; round++) {
                for (String name : names) {
                    Signal signal = Signal.of(name);
                    kill(child, signal);
                    String line = "\\Q" + signal + "\\E code=0 pid=" + me + " uid=" + user + " value=0";
                    int expected = round;
                    Eventually.await("signal " + name + " is reported for the " + round + ". time", () -> count(child, line) == expected);
                }
            }
            kill(child, Signal.TERM);
            assertEquals(0, child.awaitExit());
            assertEquals(3 * names.length, count(child, "SIG.*"), child::toString);
            assertEquals("ended", child.stdout().getLast());
        }
    }

    @Test void realTimeSignalsAreAllDeliveredInOrderWithTheirValues() throws IOException {
        try (var child = startBlocking("count:RTMIN+1")) {
            long sent = 0;
            long sum = 0;
            for (int value = 1; value <= 100_000 || sent <= 20_000; value++) {
                int result = queue(child, Signal.realTime(1), 0x1_0000_0000L + value);
                if (result == -Errno.EAGAIN) { // refused, so not queued
                    if (value > 100_000) SystemTest.sleep(1); // the other one has not had the CPU
                    continue;
                }
                assertEquals(0, result);
                sent++;
                sum += 0x1_0000_0000L + value;
            }
            kill(child, Signal.USR1); // is delivered before those: the lower the number, the earlier
            String all = "count=" + sent + " sum=" + sum + " disorder=0";
            Eventually.await(() -> all + ": " + child, Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> {
                if (child.stdout().getLast().equals(all)) return true;
                SystemTest.sleep(20);
                kill(child, Signal.USR1);
                return false;
            });
            assertTrue(sent > 20_000, "sent " + sent);
        }
    }

    @Test void severalRegistrationsForASignalAreAllTold() throws IOException {
        try (var child = startBlocking("RTMIN", "RTMIN", "RTMIN")) {
            for (int i = 0; i < 500; i++) {
                while (queue(child, Signal.realTime(0), i) == -Errno.EAGAIN) Thread.onSpinWait();
            }
            Eventually.await(() -> "each is told of each: " + count(child, "SIGRTMIN .*"), Eventually.DEFAULT_LIMIT, () -> count(child, "SIGRTMIN .*") == 1_500);
            for (int i = 0; i < 500; i++) assertEquals(3, count(child, "SIGRTMIN code=-1 .* value=" + i));
        }
    }

    @Test void theFirstStopSignalDrainsAndWhoeverElseRegisteredIsTold() throws IOException {
        try (var child = startBlocking("TERM")) {
            kill(child, Signal.TERM);
            assertEquals(0, child.awaitExit());
            assertEquals(1, count(child, "SIGTERM code=0 .*"), child::toString);
            assertEquals("ended", child.stdout().getLast());
        }
    }

    @ParameterizedTest @ValueSource(booleans = {true, false})
    void theSecondStopSignalEndsTheProcessAtOnceEvenIfAllVcoresAreStuck(boolean blocked) throws IOException {
        try (var child = blocked ? startBlocking("stuck") : startPlain("stuck")) {
            kill(child, Signal.INT);
            child.awaitLine("SIGINT: draining");
            assertTrue(child.isAlive());
            kill(child, Signal.INT);
            assertEquals(128 + 2, child.awaitExit());
        }
    }

    @Test void withoutALauncherTheJdkTakesWhatItCanAndTheRestIsRefusedByName() throws IOException {
        String[] taken = {"HUP", "CHLD", "USR1", "WINCH", "PIPE", "CONT"};
        try (var child = ready(ChildJvm.start(List.of(), List.of(), SignalChild.class,
                arguments("HUP", "CHLD", "USR1", "WINCH", "PIPE", "CONT", "USR2", "RTMIN", "QUIT", "KILL", "STOP", "SEGV")))) {
            assertEquals(6, count(child, "refused .*"), child::toString);
            for (String line : child.stdout()) {
                if (line.contains("RTMIN") || line.contains("QUIT")) assertTrue(line.contains("env --block-signal="), line);
                if (line.contains("USR2")) assertTrue(line.contains("_JAVA_SR_SIGNUM"), line);
            }
            for (String name : taken) {
                kill(child, Signal.of(name));
                String line = "SIG" + name + " code=" + SignalInfo.UNKNOWN_CODE + " pid=-1 uid=-1 value=0";
                Eventually.await(() -> line + ": " + child, Eventually.DEFAULT_LIMIT, () -> count(child, line) == 1);
            }
            kill(child, Signal.TERM);
            assertEquals(0, child.awaitExit());
            assertEquals("ended", child.stdout().getLast());
        }
    }

    @Test void withXrsAndNothingBlockedItSaysWhatToDo() throws IOException {
        try (var child = ready(ChildJvm.start(List.of(), List.of("-Xrs"), SignalChild.class, arguments("HUP")))) {
            child.awaitLine("refused SIGHUP cannot be taken: not every thread blocks it.*env --block-signal=HUP java -Xrs");
            child.awaitLine("SIGTERM will end the process without draining");
            kill(child, Signal.TERM);
            assertEquals(128 + 15, child.awaitExit());
            assertFalse(child.stdout().contains("ended"));
        }
    }
}
