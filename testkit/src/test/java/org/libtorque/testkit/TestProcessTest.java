package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class TestProcessTest {
    @Test void outputAndErrorOutputAreKeptApart() throws IOException {
        try (var child = TestProcess.start("sh", "-c", "echo one; echo two >&2; exit 3")) {
            assertEquals(3, child.awaitExit());
            assertEquals(List.of("one"), child.stdout());
            assertEquals(List.of("two"), child.stderr());
        }
    }

    @Test void aLineCanBeAwaitedWhileTheProcessRuns() throws IOException {
        try (var child = TestProcess.start("sh", "-c", "echo ready on port 8080; exec sleep 60")) {
            assertEquals("8080", child.awaitLine("port ([0-9]+)").group(1));
            assertTrue(child.isAlive());
        }
    }

    @Test void awaitingALineThatNeverComesFailsWhenTheProcessEnds() throws IOException {
        try (var child = TestProcess.start("sh", "-c", "echo something else")) {
            AssertionError e = assertThrows(AssertionError.class, () -> child.awaitLine("ready"));
            assertTrue(e.getMessage().contains("something else"), e.getMessage());
        }
    }

    @Test void aSignalReachesTheProcess() throws IOException {
        try (var child = TestProcess.start("sh", "-c",
                "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done")) {
            child.awaitLine("ready");
            child.signal("TERM");
            assertEquals(7, child.awaitExit());
            assertEquals(List.of("ready", "got it"), child.stdout());
        }
    }

    @Test void theExitStatusOfAKilledProcessNamesTheSignal() throws IOException {
        try (var child = TestProcess.start("sleep", "60")) {
            child.signal("KILL");
            assertEquals(128 + 9, child.awaitExit());
        }
    }

    @Test void aProcessThatDoesNotEndFailsTheWait() throws IOException {
        try (var child = TestProcess.start("sleep", "60")) {
            assertThrows(AssertionError.class, () -> child.awaitExit(Duration.ofMillis(10)));
        }
    }

    @Test void closingKillsTheProcessAndItsChildren() throws IOException {
        var child = TestProcess.start("sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; wait");
        long grandchild = Long.parseLong(child.awaitLine("^[0-9]+$").group());
        child.close();
        assertFalse(child.isAlive());
        Eventually.await("the grandchild is gone or a zombie", () -> ProcessHandle.of(grandchild)
                .map(handle -> !handle.isAlive()).orElse(true));
    }

    @Test void theJavaCommandRuns() throws IOException {
        try (var child = TestProcess.start(TestProcess.java(), "-version")) {
            assertEquals(0, child.awaitExit());
            assertTrue(child.stderr().getFirst().contains("version"), child.toString());
        }
    }
}
