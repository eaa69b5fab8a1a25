package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private final ArrayBlockingQueue<TopologyWatcher.Change> changes = new ArrayBlockingQueue<>(16);

    private TopologyWatcher.Change next() throws InterruptedException {
        TopologyWatcher.Change change = changes.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertNotNull(change, "no change was seen");
        return change;
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
            try (var watcher = TopologyWatcher.start(TopologyWatcher.INTERVAL, changes::add)) {
                CpuSet first = CpuSet.of(usable.nextSetBit(0));
                long start = System.nanoTime();
                write(group.resolve("cpuset.cpus"), first.toString());
                assertEquals(usable.minus(first), next().lost());
                long narrowed = System.nanoTime() - start;
                assertEquals(first, watcher.topology().usable());
                start = System.nanoTime();
                write(group.resolve("cpuset.cpus"), usable.toString());
                assertEquals(usable.minus(first), next().gained());
                long widened = System.nanoTime() - start;
                assertEquals(usable, watcher.topology().usable());
                // Written down rather than asserted tightly: other programs' load delays this thread as it likes.
                System.getLogger("test").log(System.Logger.Level.INFO, "seen after {0} and {1} ms", narrowed / 1_000_000,
                        widened / 1_000_000);
                assertTrue(Math.min(narrowed, widened) < 2_000_000_000L);
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
        try (var watcher = TopologyWatcher.start(TopologyWatcher.INTERVAL, changes::add)) {
            write(file, "0");
            CpuSet gone = CpuSet.of();
            while (!gone.contains(last)) gone = gone.or(next().offline()); // the cpuset can change a moment earlier
            assertEquals(online.minus(CpuSet.of(last)), watcher.topology().online());
            write(file, "1");
            CpuSet back = CpuSet.of();
            while (!back.contains(last)) back = back.or(next().online());
            assertEquals(online, watcher.topology().online());
        } finally {
            write(file, "1");
        }
    }
}
