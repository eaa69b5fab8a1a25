package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AllowedCpusTest {
    private static final String V2_MOUNT =
            "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    @TempDir Path root;

    private void file(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void process(String mask, String cgroup, String mountinfo) throws IOException {
        file("proc/self/status", "Name:\tjava\nCpus_allowed_list:\t" + mask + "\nMems_allowed:\t1\n");
        file("proc/self/cgroup", cgroup);
        file("proc/self/mountinfo", "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + mountinfo);
    }

    private String allowed() { return AllowedCpus.read(root).toString(); }

    @Test void theRealOneIsWhatTheJvmCountsWhenNothingElseLimitsIt() {
        CpuSet allowed = CpuSet.allowed();
        assertFalse(allowed.isEmpty());
        int counted = Runtime.getRuntime().availableProcessors(); // a quota can only lower it
        assertTrue(allowed.size() >= counted, allowed + " against " + counted);
    }

    @Test void withoutControlGroupsTheMaskIsAll() throws IOException {
        file("proc/self/status", "Cpus_allowed_list:\t0-3,8\n");
        assertEquals("0-3,8", allowed());
    }

    @Test void aVersion2CpusetNarrowsTheMask() throws IOException {
        process("0-7", "0::/a/b\n", V2_MOUNT);
        file("sys/fs/cgroup/a/b/cpuset.cpus.effective", "2-5\n");
        assertEquals("2-5", allowed());
    }

    @Test void ancestorsCountAlsoWhereTheControllerIsOffBelow() throws IOException {
        process("0-7", "0::/a/b/c\n", V2_MOUNT);
        file("sys/fs/cgroup/a/b/c/cgroup.procs", "1\n");
        file("sys/fs/cgroup/a/b/cpuset.cpus.effective", "1-6\n");
        file("sys/fs/cgroup/a/cpuset.cpus.effective", "4-7\n");
        file("sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
        assertEquals("4-6", allowed());
    }

    @Test void aVersion1CpusetNarrowsTheMask() throws IOException {
        process("0-7", "4:memory:/m\n3:cpu,cpuset:/job\n0::/\n",
                "34 31 0:31 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                        + "35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n");
        file("cg/cpuset/job/cpuset.effective_cpus", "0,2\n");
        file("cg/memory/job/cpuset.effective_cpus", "5\n"); // not a cpuset hierarchy: must not be read
        assertEquals("0,2", allowed());
    }

    @Test void aContainersMountShowsTheGroupAtItsTop() throws IOException {
        process("0-7", "3:cpuset:/docker/abc/inner\n",
                "34 31 0:31 /docker/abc /cg/cpuset ro - cgroup cgroup rw,cpuset\n");
        file("cg/cpuset/inner/cpuset.effective_cpus", "1-2\n");
        file("cg/cpuset/cpuset.effective_cpus", "2-3\n");
        assertEquals("2", allowed());
    }

    @Test void aGroupOutsideTheNamespaceFallsBackToTheTopOfTheMount() throws IOException {
        process("0-7", "0::/../other\n", V2_MOUNT);
        file("sys/fs/cgroup/cpuset.cpus.effective", "0-1\n");
        assertEquals("0-1", allowed());
    }

    @Test void mountPointsWithBlanksAreFound() throws IOException {
        process("0-7", "0::/\n", "41 31 0:38 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
        file("my groups/cpuset.cpus.effective", "6\n");
        assertEquals("6", allowed());
    }

    @Test void anEmptyOrContradictoryCpusetLeavesTheMask() throws IOException {
        process("0-3", "0::/a\n", V2_MOUNT);
        file("sys/fs/cgroup/a/cpuset.cpus.effective", "\n");
        assertEquals("0-3", allowed());
        file("sys/fs/cgroup/a/cpuset.cpus.effective", "6-7\n");
        assertEquals("0-3", allowed());
    }

    @Test void withoutProcTheFailureSaysWhatIsMissing() {
        var e = assertThrows(UncheckedIOException.class, this::allowed);
        assertTrue(e.getMessage().contains("proc/self/status"), e.getMessage());
    }
}
