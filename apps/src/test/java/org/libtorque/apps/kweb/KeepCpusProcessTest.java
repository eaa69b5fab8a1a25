package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.CpuSet;
import org.libtorque.testkit.Eventually;

/** CPUs are taken from a server that serves, and given back: it answers every request, on what it may use, and its vcores rest and return to their CPUs. */
class KeepCpusProcessTest {
    private static final Path V1 = Path.of("/sys/fs/cgroup/cpuset");
    private static final Path V2 = Path.of("/sys/fs/cgroup");
    private static final int CLIENTS = 4;
    /** Requests that every client must get answered in each state: what was merely sent before does not count. */
    private static final int PROOF = 40;
    /** A connection serves so many, so that new ones come to all vcores all the time. */
    private static final int REQUESTS_EACH = 10;

    private static int[] twoCpus() {
        int[] allowed = CpuSet.allowed().toArray();
        assumeTrue(allowed.length >= 2, "needs two usable CPUs");
        return new int[] {allowed[0], allowed[1]};
    }

    private static Map<String, String> vcores(String first, String second) { return Map.of("torque-vcore-0", first, "torque-vcore-1", second); }

    private static void awaitCpus(ServerProcess server, Map<String, String> expected) {
        Eventually.await(() -> "vcores are where they belong: " + cpus(server) + " " + server, Eventually.DEFAULT_LIMIT, () -> cpus(server).equals(expected));
    }

    private static Map<String, String> cpus(ServerProcess server) {
        try {
            return server.vcoreCpus();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Clients that ask all the time; the first thing that goes wrong is kept. */
    private static final class Traffic implements AutoCloseable {
        private final AtomicLong[] answered = new AtomicLong[CLIENTS];
        private final Thread[] threads = new Thread[CLIENTS];
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private volatile boolean stopped;

        Traffic(ServerProcess server) {
            for (int i = 0; i < CLIENTS; i++) {
                AtomicLong count = answered[i] = new AtomicLong();
                threads[i] = Thread.ofPlatform().start(() -> {
                    try {
                        while (!stopped) {
                            try (WireClient client = server.connect()) {
                                for (int k = 0; k < REQUESTS_EACH && !stopped; k++) {
                                    client.assertOpen();
                                    count.incrementAndGet();
                                    Thread.sleep(1); // the server is to be watched, not loaded
                                }
                            }
                        }
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                });
            }
        }

        /** Waits until every client has had more requests answered. */
        void prove() {
            for (AtomicLong count : answered) {
                long before = count.get();
                Eventually.await(() -> "requests are answered: " + failure.get(), Eventually.DEFAULT_LIMIT,
                        () -> failure.get() != null || count.get() >= before + PROOF);
            }
            if (failure.get() != null) throw new AssertionError("a request was not answered", failure.get());
        }

        @Override public void close() {
            stopped = true;
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            if (failure.get() != null) throw new AssertionError("a request was not answered", failure.get());
        }
    }

    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void anAffinityNarrowedFromOutsideIsKeptToAndLeft(String backend) throws Exception {
        int[] cpus = twoCpus();
        String both = cpus[0] + "," + cpus[1], first = "" + cpus[0], second = "" + cpus[1];
        try (ServerProcess server = ServerProcess.start("--cpus", both, "--backend", backend)) {
            try (var traffic = new Traffic(server)) {
                traffic.prove();
                assertEquals(vcores(first, second), server.vcoreCpus());
                run("taskset", "-apc", first, "" + server.process().pid());
                awaitCpus(server, vcores(first, first));
                server.process().awaitLine("vcore 1 .* is parked: its CPU is gone");
                traffic.prove();
                assertEquals(vcores(first, first), server.vcoreCpus());
                run("taskset", "-pc", both, "" + server.process().pid()); // the first thread alone: what the process may use
                awaitCpus(server, vcores(first, second));
                server.process().awaitLine("vcore 1 .* works: its CPU is back");
                traffic.prove();
                run("taskset", "-apc", both, "" + server.process().pid()); // all threads: nothing is lost, but all pins are
                awaitCpus(server, vcores(first, second));
                traffic.prove();
            }
            server.stop();
        }
    }

    @Test void aCpusetNarrowedAndWidenedIsKeptToAndLeft() throws Exception {
        int[] cpus = twoCpus();
        String both = cpus[0] + "," + cpus[1], first = "" + cpus[0], second = "" + cpus[1];
        boolean v1 = Files.exists(V1.resolve("cpuset.cpus"));
        Path mount = v1 ? V1 : V2;
        assumeTrue(v1 || Files.exists(V2.resolve("cpuset.cpus.effective")), "no cpuset controller is mounted");
        assumeTrue(Files.isWritable(mount.resolve("cgroup.procs")), "needs to be root, to make a cpuset");
        if (!v1) {
            try {
                Files.writeString(V2.resolve("cgroup.subtree_control"), "+cpuset");
            } catch (IOException e) {
                assumeTrue(false, "the cpuset controller cannot be enabled: " + e.getMessage());
            }
        }
        Path group = Files.createDirectory(mount.resolve("torque-kweb-test-" + ProcessHandle.current().pid()));
        try {
            if (v1) Files.writeString(group.resolve("cpuset.mems"), Files.readString(V1.resolve("cpuset.mems")));
            Files.writeString(group.resolve("cpuset.cpus"), both);
            try (ServerProcess server = ServerProcess.start("--cpus", both)) {
                Files.writeString(group.resolve("cgroup.procs"), "" + server.process().pid());
                try (var traffic = new Traffic(server)) {
                    awaitCpus(server, vcores(first, second)); // entering a cpuset takes the pins away
                    traffic.prove();
                    for (int round = 0; round < 3; round++) {
                        Files.writeString(group.resolve("cpuset.cpus"), second);
                        awaitCpus(server, vcores(second, second));
                        traffic.prove();
                        Files.writeString(group.resolve("cpuset.cpus"), both);
                        awaitCpus(server, vcores(first, second));
                        traffic.prove();
                    }
                }
                server.stop();
            }
        } finally {
            for (int i = 0; i < 100 && Files.exists(group); i++) { // it stays busy until the process is buried
                try {
                    Files.delete(group);
                } catch (IOException e) {
                    Thread.sleep(20);
                }
            }
        }
    }

    /** Takes a CPU from everybody on the machine for a moment: not among the tests unless asked for, see CONTRIBUTING.md. */
    @Tag("hotplug")
    @ParameterizedTest @ValueSource(strings = {"epoll", "io_uring"})
    void aCpuTakenOfflineAndBackLeavesTheServerOnTheOthersAndGetsItsVcoreBack(String backend) throws Exception {
        int[] cpus = twoCpus();
        int last = cpus[1];
        String both = cpus[0] + "," + cpus[1];
        Path file = Path.of("/sys/devices/system/cpu/cpu" + last + "/online");
        assumeTrue(Files.isWritable(file), file + " cannot be written");
        try (ServerProcess server = ServerProcess.start("--cpus", both, "--backend", backend)) {
            try (var traffic = new Traffic(server)) {
                traffic.prove();
                for (int round = 0; round < 3; round++) {
                    Files.writeString(file, "0");
                    traffic.prove();
                    CpuSet elsewhere = CpuSet.parseList(server.vcoreCpus().get("torque-vcore-1"));
                    assertTrue(elsewhere.contains(cpus[0]), () -> "vcore 1 may run on " + elsewhere);
                    assertEquals("" + cpus[0], server.vcoreCpus().get("torque-vcore-0"));
                    Files.writeString(file, "1");
                    awaitCpus(server, vcores("" + cpus[0], "" + last));
                    traffic.prove();
                }
                // Away and back before anybody looks: nothing has changed then, but the pin is gone.
                Files.writeString(file, "0");
                Files.writeString(file, "1");
                awaitCpus(server, vcores("" + cpus[0], "" + last));
                traffic.prove();
            }
            server.stop();
        } finally {
            Files.writeString(file, "1");
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
    }
}
