package org.libtorque.hardware;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Which CPUs this process may use, from files.
 *
 * <p>{@code /proc/self/status} shows the affinity of the process's first thread. The java launcher runs {@code main}
 * on another thread and leaves the first one waiting, so that mask stays the inherited one, whatever our carriers pin
 * themselves to.
 *
 * <p>The kernel keeps that mask within the thread's cpuset, so the cpusets normally repeat it; they are read because
 * sandboxes that play Linux do not all keep it so. Where mask and cpusets have nothing in common, the mask counts: it
 * is what the scheduler obeys.
 */
final class AllowedCpus {
    private static final String MASK_KEY = "Cpus_allowed_list:";

    private AllowedCpus() {}

    /** Reads below {@code root}, which is {@code /} except in tests. */
    static CpuSet read(Path root) {
        try {
            CpuSet mask = affinity(root);
            CpuSet allowed = mask;
            for (String line : lines(root.resolve("proc/self/cgroup"))) {
                String[] fields = line.split(":", 3); // number:controllers:path; version 2 is 0::path
                if (fields.length < 3) continue;
                boolean v2 = fields[0].equals("0") && fields[1].isEmpty();
                if (v2 || Arrays.asList(fields[1].split(",")).contains("cpuset")) {
                    allowed = allowed.and(cpuset(root, v2, fields[2], mask));
                }
            }
            return allowed.isEmpty() ? mask : allowed;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot tell the allowed CPUs: " + e.getMessage(), e);
        }
    }

    private static CpuSet affinity(Path root) throws IOException {
        Path status = root.resolve("proc/self/status");
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith(MASK_KEY)) return CpuSet.parseList(line.substring(MASK_KEY.length()).strip());
        }
        throw new IOException(status + " has no line " + MASK_KEY);
    }

    /** Returns {@code all} within the cpusets of a control group and its ancestors, as far as there are files. */
    private static CpuSet cpuset(Path root, boolean v2, String group, CpuSet all) throws IOException {
        String file = v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus";
        CpuSet allowed = all;
        for (String line : lines(root.resolve("proc/self/mountinfo"))) { // proc_pid_mountinfo(5)
            // id parent major:minor root mountpoint options [optional …] - type source superoptions
            int dash = line.indexOf(" - ");
            if (dash < 0) continue;
            String[] mount = line.substring(0, dash).split(" ");
            String[] fs = line.substring(dash + 3).split(" ");
            boolean ours = v2 ? fs[0].equals("cgroup2")
                    : fs[0].equals("cgroup") && fs.length > 2 && Arrays.asList(fs[2].split(",")).contains("cpuset");
            if (!ours || mount.length < 5) continue;
            Path top = root.resolve(unescape(mount[4]).substring(1));
            Path below = Path.of(unescape(mount[3])).relativize(Path.of(group));
            // A group outside what is mounted (another cgroup namespace) is not visible; the mount's top still is.
            Path directory = below.startsWith("..") || group.contains("/..") ? top : top.resolve(below);
            for (; directory != null && directory.startsWith(top); directory = directory.getParent()) {
                Path effective = directory.resolve(file);
                if (!Files.isReadable(effective)) continue; // the controller is not enabled here
                CpuSet cpus = CpuSet.parseList(Files.readString(effective));
                if (!cpus.isEmpty()) allowed = allowed.and(cpus); // empty: version 1, not set up
            }
        }
        return allowed;
    }

    /** Returns a file's lines, none if there is no such file. */
    private static List<String> lines(Path file) throws IOException {
        return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    }

    /** Undoes the kernel's octal escapes of space, tab, newline and backslash. */
    private static String unescape(String field) {
        return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    }
}
