package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.testkit.Eventually;

class TopologyWatcherTest {
    @TempDir(factory = SysfsTree.InMemory.class) Path root;
    private final List<TopologyWatcher.Change> changes = new ArrayList<>();

    @BeforeEach void fourCores() throws Exception {
        SysfsTree.write(root, Topology.of("core:4"));
        SysfsTree.put(root, "proc/self/cgroup", "0::/job");
        SysfsTree.put(root, "proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
        SysfsTree.put(root, "sys/fs/cgroup/cpuset.cpus.effective", "0-3");
        SysfsTree.put(root, "sys/fs/cgroup/job/cpuset.cpus.effective", "0-3");
        SysfsTree.put(root, "sys/fs/cgroup/job/cpu.max", "max 100000");
    }

    private TopologyWatcher watcher() { return TopologyWatcher.unstarted(root, TopologyWatcher.INTERVAL, changes::add); }

    @Test void nothingChangesWhereNothingChanged() {
        assertNull(watcher().pollOnce());
        assertEquals(List.of(), changes);
    }

    @Test void aCpuThatGoesOfflineAndComesBackMakesTwoGenerations() throws Exception {
        TopologyWatcher watcher = watcher();
        SysfsTree.put(root, "sys/devices/system/cpu/online", "0,2-3");
        watcher.pollOnce();
        assertEquals(CpuSet.of(1), changes.getFirst().offline());
        assertEquals(CpuSet.of(1), changes.getFirst().lost());
        assertEquals(3, watcher.topology().hartCount());
        SysfsTree.put(root, "sys/devices/system/cpu/online", "0-3");
        watcher.pollOnce();
        assertEquals(CpuSet.of(1), changes.get(1).online());
        assertEquals(List.of(1L, 2L), changes.stream().map(TopologyWatcher.Change::generation).toList());
        assertEquals("generation 2: online 1; gained 1", changes.get(1).toString());
    }

    @Test void cpusetsAndQuotasAreFollowedAlsoToAnotherGroup() throws Exception {
        TopologyWatcher watcher = watcher();
        SysfsTree.put(root, "sys/fs/cgroup/job/cpuset.cpus.effective", "0-1");
        watcher.pollOnce();
        assertEquals(CpuSet.of(2, 3), changes.getLast().lost());
        SysfsTree.put(root, "sys/fs/cgroup/job/cpu.max", "50000 100000");
        watcher.pollOnce();
        assertTrue(changes.getLast().limitsChanged());
        assertEquals(0.5, watcher.topology().limits().quotaCpus());
        SysfsTree.put(root, "sys/fs/cgroup/other/cpuset.cpus.effective", "3");
        SysfsTree.put(root, "proc/self/cgroup", "0::/other");
        watcher.pollOnce();
        assertEquals(CpuSet.of(3), watcher.topology().usable());
        SysfsTree.put(root, "sys/fs/cgroup/other/cpuset.cpus.effective", "2");
        watcher.pollOnce();
        assertEquals(CpuSet.of(2), watcher.topology().usable(), "the new group's files are watched");
        assertEquals(4, changes.size());
    }

    @Test void aListenerThatFailsDoesNotStopTheWatcher() throws Exception {
        var seen = new ArrayBlockingQueue<TopologyWatcher.Change>(8);
        try (var watcher = TopologyWatcher.start(root, Duration.ofMillis(5), change -> {
            seen.add(change);
            throw new IllegalStateException("on purpose");
        })) {
            SysfsTree.put(root, "sys/devices/system/cpu/online", "0-2");
            assertEquals(CpuSet.of(3), seen.poll(Eventually.limitSeconds(), TimeUnit.SECONDS).offline());
            SysfsTree.put(root, "sys/devices/system/cpu/online", "0-3");
            assertEquals(CpuSet.of(3), seen.poll(Eventually.limitSeconds(), TimeUnit.SECONDS).online());
            assertEquals(4, watcher.topology().hartCount());
        }
    }

    @Test void filesThatCannotBeReadForAMomentTellNothing() throws Exception {
        TopologyWatcher watcher = watcher();
        Path online = root.resolve("sys/devices/system/cpu/online"), away = root.resolve("away");
        for (String name : List.of("sys/devices/system/cpu/online", "sys/fs/cgroup/job/cpuset.cpus.effective", "proc/self/cgroup")) {
            Path file = root.resolve(name);
            java.nio.file.Files.move(file, away);
            java.nio.file.Files.createDirectory(file); // it is there and cannot be read, by root neither
            assertNull(watcher.pollOnce(), name);
            java.nio.file.Files.delete(file);
            java.nio.file.Files.move(away, file);
            assertNull(watcher.pollOnce(), name);
        }
        SysfsTree.put(root, "sys/devices/system/cpu/online", "0-2");
        assertEquals(CpuSet.of(3), watcher.pollOnce().offline(), () -> "it looks on: " + online);
    }

    @Test void anIntervalOfNothingIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> TopologyWatcher.start(root, Duration.ZERO, change -> { }));
    }
}
