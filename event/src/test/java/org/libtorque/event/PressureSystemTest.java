package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.event.PressureTrigger.Resource;
import org.libtorque.sys.Errno;
import org.libtorque.testkit.Eventually;

/** Pressure on the CPU, and counters of control groups. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class PressureSystemTest extends SystemTest {
    private static final Duration WINDOW = Duration.ofSeconds(2);
    private static final PressureTrigger CPU = PressureTrigger.some(Resource.CPU, Duration.ofMillis(10), WINDOW);

    @Test void pressureOnTheCpuIsToldUntilTheRegistrationIsClosed() throws Exception {
        assumeTrue(Files.isWritable(CPU.file()), CPU.file() + " cannot be written");
        List<Pressure> told = new CopyOnWriteArrayList<>();
        Registration registration = torque().onPressure(CPU, torque().newColor(), told::add);
        var enough = new AtomicBoolean();
        List<Thread> burners = new ArrayList<>();
        for (int i = 0; i <= 2 * Runtime.getRuntime().availableProcessors(); i++) {
            burners.add(Thread.ofPlatform().start(() -> {
                while (!enough.get()) Thread.onSpinWait();
            }));
        }
        try {
            Eventually.await("pressure is told", () -> !told.isEmpty());
            registration.close();
            assertFalse(registration.isOpen());
        } finally {
            enough.set(true);
            for (Thread burner : burners) Eventually.awaitEnd(burner);
        }
        Pressure pressure = told.getFirst();
        assertEquals(CPU, pressure.trigger());
        assertTrue(pressure.total().compareTo(CPU.stall()) >= 0, pressure::toString);
        assertTrue(pressure.avg10() >= 0 && pressure.avg10() <= 100, pressure::toString);
    }

    @Test void triggersForAllResourcesCanBeHadAndGivenBack() throws IOException {
        assumeTrue(Files.isWritable(CPU.file()), CPU.file() + " cannot be written");
        for (Resource resource : Resource.values()) {
            torque().onPressure(PressureTrigger.some(resource, Duration.ofSeconds(1), WINDOW), pressure -> { }).close();
            if (resource != Resource.CPU) torque().onPressure(PressureTrigger.full(resource, Duration.ofSeconds(1), WINDOW), pressure -> { }).close();
        }
    }

    @Test void whatCannotBeATriggerIsRefusedWithAReason(@TempDir Path folder) {
        for (Duration window : List.of(Duration.ofMillis(499), Duration.ofMillis(10_001), Duration.ZERO)) {
            var refused = assertThrows(IllegalArgumentException.class, () -> PressureTrigger.some(Resource.IO, Duration.ofMillis(1), window));
            assertTrue(refused.getMessage().contains("500 ms to 10 s"), refused::getMessage);
        }
        for (Duration stall : List.of(Duration.ZERO, Duration.ofNanos(999), Duration.ofSeconds(-1), Duration.ofMillis(2_001))) {
            assertThrows(IllegalArgumentException.class, () -> PressureTrigger.some(Resource.IO, stall, WINDOW));
        }
        var none = assertThrows(IOException.class, () -> torque().onPressure(CPU.of(folder), pressure -> { }));
        assertTrue(none.getMessage().contains("no such control group"), none::getMessage);
    }

    @Test void eachWayTheKernelMayRefuseSaysWhatToDo() {
        PressureTrigger odd = PressureTrigger.some(Resource.MEMORY, Duration.ofMillis(100), Duration.ofSeconds(1));
        Map<Integer, String> expected = Map.of(Errno.ENOENT, "CONFIG_PSI", Errno.EOPNOTSUPP, "psi=1", Errno.EACCES, "CAP_SYS_RESOURCE", Errno.EINVAL, "multiple of 2 s");
        expected.forEach((errno, what) -> {
            String message = PressureSource.refused(odd, -errno).getMessage();
            assertTrue(message.contains(what) && message.contains("/proc/pressure/memory some 100000 1000000"), message);
        });
        assertTrue(PressureSource.refused(odd.of(Path.of("/sys/fs/cgroup/x")), -Errno.EACCES).getMessage().contains("delegated"));
    }

    @Test void theTextOfThePressureFilesIsRead() {
        String text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=123456\nfull avg10=0.50 avg60=0.10 avg300=0.01 total=9\n";
        assertEquals(new Pressure(CPU, 1.5, 0.2, 0, Duration.ofNanos(123_456_000)), Pressure.parse(CPU, text));
        PressureTrigger full = PressureTrigger.full(Resource.MEMORY, Duration.ofSeconds(1), WINDOW);
        assertEquals(new Pressure(full, 0.5, 0.1, 0.01, Duration.ofNanos(9_000)), Pressure.parse(full, text));
        assertThrows(IllegalArgumentException.class, () -> Pressure.parse(full, "some avg10=1.50 avg60=0.20 avg300=0.00 total=1"));
        assertThrows(IllegalArgumentException.class, () -> Pressure.parse(CPU, "some avg10=1.50 avg60=0.20 avg301=0.00 total=1"));
    }

    // ---- counters

    /** A control group of version 2 of the caller's own, or null if none can be made. */
    static Path newGroup() throws IOException {
        for (String root : List.of("/sys/fs/cgroup", "/sys/fs/cgroup/unified")) {
            if (!Files.exists(Path.of(root, "cgroup.controllers"))) continue;
            try {
                return Files.createTempDirectory(Path.of(root), "torque-test-");
            } catch (IOException e) {
                return null;
            }
        }
        return null;
    }

    @Test void aCountersChangesAreToldWithWhatItWasBefore() throws Exception {
        Path group = newGroup();
        assumeTrue(group != null, "no control group of version 2 can be made");
        try {
            List<CounterChange> told = new CopyOnWriteArrayList<>();
            Registration registration = torque().onCounters(group.resolve("cgroup.events"), torque().newColor(), told::add);
            for (int round = 0; round < 3; round++) {
                var inside = new ProcessBuilder("sleep", "60").start();
                try {
                    Files.writeString(group.resolve("cgroup.procs"), Long.toString(inside.pid()));
                    int expected = 2 * round + 1;
                    Eventually.await(() -> "populated " + told, Eventually.DEFAULT_LIMIT, () -> told.size() == expected);
                    assertEquals(new CounterChange(group.resolve("cgroup.events"), "populated", 0, 1), told.getLast());
                } finally {
                    inside.destroyForcibly().waitFor();
                }
                int expected = 2 * round + 2;
                Eventually.await(() -> "empty " + told, Eventually.DEFAULT_LIMIT, () -> told.size() == expected);
                assertEquals(new CounterChange(group.resolve("cgroup.events"), "populated", 1, 0), told.getLast());
            }
            registration.close();
            stop();
        } finally {
            remove(group);
        }
    }

    @Test void aControlGroupThatIsRemovedEndsTheRegistrationForItsPressure() throws Exception {
        Path group = newGroup();
        assumeTrue(group != null, "no control group of version 2 can be made");
        var registration = new AtomicReference<Registration>();
        try {
            assumeTrue(Files.isWritable(CPU.of(group).file()), "no pressure of control groups here");
            registration.set(torque().onPressure(PressureTrigger.full(Resource.CPU, Duration.ofMillis(10), WINDOW).of(group), pressure -> { }));
            onVcore(() -> null);
        } finally {
            remove(group);
        }
        Eventually.await("ended", () -> !registration.get().isOpen());
        assertTrue(takeFailure().getMessage().contains("is gone"));
    }

    private static void remove(Path group) {
        Eventually.await("the control group is empty", () -> {
            try {
                Files.delete(group);
                return true;
            } catch (IOException e) {
                return false; // its last process is still ending
            }
        });
    }

    @Test void whatHasNoCountersIsRefused(@TempDir Path folder) throws IOException {
        assertThrows(NoSuchFileException.class, () -> torque().onCounters(folder.resolve("memory.events"), change -> { }));
        Path file = Files.writeString(folder.resolve("memory.events"), "low 0\n");
        assertThrows(IllegalArgumentException.class, () -> torque().onCounters(file, change -> { }));
        assertThrows(IOException.class, () -> torque().onCounters(Path.of("/proc/self/mounts"), change -> { }));
        assertThrows(IOException.class, () -> CounterSource.parse(file, "low\n"));
        assertEquals(Map.of("low", 1L, "oom_kill", 20L), CounterSource.parse(file, "low 1\noom_kill 20\n"));
    }
}
