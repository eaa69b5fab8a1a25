package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Real changes of the running machine, seen while this process runs. */
class TopologyWatcherKernelTest {
    private static final Path V1 = Path.of("/sys/fs/cgroup/cpuset");
    private static final Path V2 = Path.of("/sys/fs/cgroup");
    /** The wait for a change, far above the 100 ms in which it must be seen when the machine is not loaded. */
    private static final long PATIENCE_SECONDS = 20;

    private static final int ROUNDS = 5;

    /** A change and when its listener was told. */
    private record Seen(TopologyWatcher.Change change, long nanoTime) {}

    private final ArrayBlockingQueue<Seen> changes = new ArrayBlockingQueue<>(16);
    private long seenAt;

    private void seen(TopologyWatcher.Change change) { changes.add(new Seen(change, System.nanoTime())); }

    private TopologyWatcher.Change next() throws InterruptedException {
        Seen seen = changes.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull(seen, "no change was seen");
        seenAt = seen.nanoTime;
        return seen.change;
    }

    /** Times from the write's end, when the kernel is done, to the listener's call. The shortest: other programs' load delays the others as it likes. */
    private static void assertSeenSoon(String what, long[] nanos) {
        Arrays.sort(nanos);
        System.getLogger("test").log(System.Logger.Level.INFO, "{0}: seen after {1} to {2} µs, median {3}", what, nanos[0] / 1_000,
                nanos[nanos.length - 1] / 1_000, nanos[nanos.length / 2] / 1_000);
        assertTrue(nanos[0] < 100_000_000L, () -> what + ": " + Arrays.toString(nanos));
    }

    private static void write(Path file, String text) throws IOException { Files.writeString(file, text); }

    @Test void aCpusetThatIsNarrowedAndWidenedIsSeenWithinATenthOfASecond() throws Exception {
        CpuSet usable = CpuSet.allowed();
        assumeTrue(usable.size() >= 2, "needs two usable CPUs, has " + usable);
        boolean v1 = Files.exists(V1.resolve("cpuset.cpus"));
        Path mount = v1 ? V1 : V2;
        assumeTrue(v1 || Files.exists(V2.resolve("cpuset.cpus.effective")), "no cpuset controller is mounted");
        assumeTrue(Files.isWritable(mount.resolve("cgroup.procs")), "needs to be root, to make a cpuset");
        String home = group(v1);
        Path group = mount.resolve("torque-watcher-test-" + ProcessHandle.current().pid());
        if (!v1) {
            try {
                write(V2.resolve("cgroup.subtree_control"), "+cpuset");
            } catch (IOException e) {
                assumeTrue(false, "the cpuset controller cannot be enabled: " + e.getMessage());
            }
        }
        Files.createDirectory(group);
        try {
            if (v1) write(group.resolve("cpuset.mems"), Files.readString(V1.resolve("cpuset.mems")));
            write(group.resolve("cpuset.cpus"), usable.toString());
            write(group.resolve("cgroup.procs"), "" + ProcessHandle.current().pid());
            try (var watcher = TopologyWatcher.start(TopologyWatcher.INTERVAL, this::seen)) {
                CpuSet first = CpuSet.of(usable.nextSetBit(0));
                var narrowed = new long[ROUNDS];
                var widened = new long[ROUNDS];
                for (int i = 0; i < ROUNDS; i++) {
                    write(group.resolve("cpuset.cpus"), first.toString());
                    narrowed[i] = -System.nanoTime();
                    assertEquals(usable.minus(first), next().lost());
                    narrowed[i] += seenAt;
                    assertEquals(first, watcher.topology().usable());
                    write(group.resolve("cpuset.cpus"), usable.toString());
                    widened[i] = -System.nanoTime();
                    assertEquals(usable.minus(first), next().gained());
                    widened[i] += seenAt;
                    assertEquals(usable, watcher.topology().usable());
                }
                assertSeenSoon("narrowed", narrowed);
                assertSeenSoon("widened", widened);
            }
        } finally {
            write(mount.resolve(home).resolve("cgroup.procs"), "" + ProcessHandle.current().pid());
            for (int i = 0; i < 100 && Files.exists(group); i++) { // it stays busy until the move is complete
                try {
                    Files.delete(group);
                } catch (IOException e) {
                    Thread.sleep(20);
                }
            }
        }
    }

    /** Returns the path of this process's group below the mount point. */
    private static String group(boolean v1) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
            String[] f = line.split(":", 3);
            if (v1 ? f[1].equals("cpuset") : f[1].isEmpty()) return f[2].substring(1);
        }
        return "";
    }

    @Test void anAffinitySetFromOutsideIsSeenByLooking() throws Exception {
        CpuSet usable = CpuSet.allowed();
        assumeTrue(usable.size() >= 2, "needs two usable CPUs, has " + usable);
        String pid = "" + ProcessHandle.current().pid(); // of the first thread, whose affinity counts as the process's
        CpuSet first = CpuSet.of(usable.nextSetBit(0));
        try (var watcher = TopologyWatcher.start(TopologyWatcher.INTERVAL, this::seen)) {
            var times = new long[ROUNDS];
            for (int i = 0; i < ROUNDS; i++) {
                run("taskset", "-pc", first.toString(), pid);
                times[i] = -System.nanoTime();
                assertEquals(usable.minus(first), next().lost());
                times[i] += seenAt;
                assertEquals(first, watcher.topology().usable());
                run("taskset", "-pc", usable.toString(), pid);
                assertEquals(usable.minus(first), next().gained());
            }
            assertSeenSoon("affinity", times);
        } finally {
            run("taskset", "-pc", usable.toString(), pid);
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
    }

    /**
     * Takes a CPU from everybody on the machine for a moment, and its pinned threads with it: not among the tests unless asked for
     * ({@code mvn -pl hardware -am test -Dtest.excludedGroups= -Dgroups=hotplug}).
     */
    @Tag("hotplug")
    @Test void aCpuTakenOfflineAndBackIsSeen() throws Exception {
        CpuSet online = Topology.discover().online();
        int last = online.toArray()[online.size() - 1];
        Path file = Path.of("/sys/devices/system/cpu/cpu" + last + "/online");
        assumeTrue(last > 0 && Files.isWritable(file), file + " cannot be written");
        try (var watcher = TopologyWatcher.start(TopologyWatcher.INTERVAL, this::seen)) {
            var away = new long[ROUNDS];
            var back = new long[ROUNDS];
            for (int i = 0; i < ROUNDS; i++) {
                write(file, "0");
                away[i] = -System.nanoTime();
                CpuSet gone = CpuSet.of();
                while (!gone.contains(last)) gone = gone.or(next().offline()); // the cpuset can change a moment earlier
                away[i] += seenAt;
                assertEquals(online.minus(CpuSet.of(last)), watcher.topology().online());
                write(file, "1");
                back[i] = -System.nanoTime();
                CpuSet returned = CpuSet.of();
                while (!returned.contains(last)) returned = returned.or(next().online());
                back[i] += seenAt;
                assertEquals(online, watcher.topology().online());
            }
            assertSeenSoon("offline", away);
            assertSeenSoon("online", back);
        } finally {
            write(file, "1");
        }
    }
}
