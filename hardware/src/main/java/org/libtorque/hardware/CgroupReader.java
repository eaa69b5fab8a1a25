package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what control groups, cpusets and the affinity mask leave this process. Kernel documentation: cgroup-v2.rst,
 * cgroup-v1/cpusets.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst, proc_pid_status(5).
 */
final class CgroupReader {
    /** Deeper groups cannot be made by default ({@code cgroup.max.depth} aside); keeps a hostile path harmless. */
    private static final int MAX_DEPTH = 256;
    /** Version 1 says "no limit" with the highest multiple of the page size. */
    private static final long UNLIMITED_V1 = Long.MAX_VALUE & -(1L << 16);

    /** Where a hierarchy is mounted: folder in the tree, without a slash at its end, and how its files are named. */
    private record Mount(String folder, Naming naming) {}

    private enum Naming {
        V2("cpuset.cpus.effective", "cpuset.mems.effective"), V1("cpuset.cpus", "cpuset.mems"), CPUSET("cpus", "mems");

        final String cpus;
        final String mems;

        Naming(String cpus, String mems) {
            this.cpus = cpus;
            this.mems = mems;
        }
    }

    private final FileTree files;
    private final List<String[]> mounts = new ArrayList<>();
    private final List<String[]> groups = new ArrayList<>();

    private String[] status;

    private CgroupReader(FileTree files) { this.files = files; }

    static Limits read(FileTree files) {
        var reader = new CgroupReader(files);
        reader.tables();
        reader.status = files.lines("proc/self/status");
        CpuSet affinity = reader.status("Cpus_allowed_list:");
        CpuSet memory = reader.status("Mems_allowed_list:");
        CpuSet cpus = null, mems = null;
        Mount cpuset = reader.cpusetMount();
        String path = reader.cpusetPath(cpuset);
        if (cpuset != null && path != null) {
            cpus = reader.nearest(cpuset, path, cpuset.naming.cpus);
            mems = reader.nearest(cpuset, path, cpuset.naming.mems);
        }
        if (memory != null) mems = mems == null ? memory : mems.and(memory);
        return new Limits(affinity, cpus, mems, reader.quotas());
    }

    private CpuSet status(String key) {
        for (String line : status) {
            if (!line.startsWith(key)) continue;
            try {
                return CpuSet.parseList(line.substring(key.length()).strip());
            } catch (IllegalArgumentException e) {
                files.fallback("proc/self/status", e.getMessage() + "; it counts as missing");
            }
        }
        return null;
    }

    private void tables() {
        for (String line : files.lines("proc/mounts")) {
            String[] fields = line.split(" "); // device folder type options 0 0
            if (fields.length >= 4 && (fields[2].startsWith("cgroup") || fields[2].equals("cpuset"))) {
                fields[1] = unescape(fields[1]);
                mounts.add(fields);
            }
        }
        for (String line : files.lines("proc/self/cgroup")) {
            String[] fields = line.split(":", 3); // hierarchy:controllers:path
            if (fields.length == 3) groups.add(fields);
        }
    }

    /** Undoes the octal escapes of proc_mounts(5). */
    private static String unescape(String field) {
        return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    }

    private static String relative(String folder) {
        int from = 0, to = folder.length();
        while (from < to && folder.charAt(from) == '/') from++;
        while (to > from && folder.charAt(to - 1) == '/') to--;
        return folder.substring(from, to);
    }

    private static boolean hasOption(String[] mount, String option) {
        return Arrays.asList(mount[3].split(",")).contains(option);
    }

    /** Looks at the usual places first, since mount tables of snapshots and containers can be incomplete, then at the table. */
    private Mount cpusetMount() {
        if (files.exists("sys/fs/cgroup/cpuset.cpus.effective")) return new Mount("sys/fs/cgroup", Naming.V2);
        if (files.exists("sys/fs/cgroup/cpuset/cpuset.cpus")) return new Mount("sys/fs/cgroup/cpuset", Naming.V1);
        if (files.exists("dev/cpuset/cpus")) return new Mount("dev/cpuset", Naming.CPUSET);
        for (String[] mount : mounts) {
            String folder = relative(mount[1]);
            switch (mount[2]) {
                case "cgroup2" -> {
                    String controllers = files.line(folder + "/cgroup.controllers");
                    if (controllers != null && Arrays.asList(controllers.split(" ")).contains("cpuset")) {
                        return new Mount(folder, Naming.V2);
                    }
                }
                case "cpuset" -> { return new Mount(folder, Naming.CPUSET); }
                case "cgroup" -> {
                    if (hasOption(mount, "cpuset")) {
                        return new Mount(folder, hasOption(mount, "noprefix") ? Naming.CPUSET : Naming.V1);
                    }
                }
                default -> { }
            }
        }
        return null;
    }

    private String cpusetPath(Mount mount) {
        String path = files.line("proc/self/cpuset");
        if (path != null || mount == null) return path;
        return groupPath(mount.naming == Naming.V2 ? "" : "cpuset");
    }

    /** Returns the path of the group for a controller of version 1, or of version 2 if the name is empty; null if none. */
    private String groupPath(String controller) {
        for (String[] group : groups) {
            if (controller.isEmpty() ? group[1].isEmpty() : Arrays.asList(group[1].split(",")).contains(controller)) {
                return group[2];
            }
        }
        return null;
    }

    /**
     * Returns the folder of a group and of its ancestors, innermost first. In a container the path can be one that is only
     * visible outside: what is mounted is then the container's own group, and the path is left out.
     */
    private List<String> lineage(String mountFolder, String path) {
        var folders = new ArrayList<String>();
        String below = relative(path);
        if (below.isEmpty() || below.startsWith("..") || !files.exists(mountFolder + "/" + below)) {
            folders.add(mountFolder);
            return folders;
        }
        for (int depth = 0; depth < MAX_DEPTH && !below.isEmpty(); depth++) {
            folders.add(mountFolder + "/" + below);
            below = below.substring(0, Math.max(0, below.lastIndexOf('/')));
        }
        folders.add(mountFolder);
        return folders;
    }

    /** The set of the group, or of the nearest ancestor that has one: a group without the controller has its parent's. */
    private CpuSet nearest(Mount mount, String path, String file) {
        for (String folder : lineage(mount.folder, path)) {
            CpuSet set = files.list(folder + "/" + file);
            if (set != null && !set.isEmpty()) return set; // an empty set of version 1 has not been set up
        }
        return null;
    }

    private List<Limits.Group> quotas() {
        var found = new ArrayList<Limits.Group>();
        for (String[] mount : mounts) {
            String folder = relative(mount[1]);
            if (mount[2].equals("cgroup2")) {
                String path = groupPath("");
                if (path != null) for (String f : lineage(folder, path)) version2(f, folder, found);
            } else if (mount[2].equals("cgroup") && hasOption(mount, "cpu")) {
                String path = groupPath("cpu");
                if (path != null) for (String f : lineage(folder, path)) cpuVersion1(f, folder, found);
            } else if (mount[2].equals("cgroup") && hasOption(mount, "memory")) {
                String path = groupPath("memory");
                if (path != null) for (String f : lineage(folder, path)) memoryVersion1(f, folder, found);
            }
        }
        return found;
    }

    private static String groupName(String folder, String mountFolder) {
        String below = folder.substring(mountFolder.length());
        return below.isEmpty() ? "/" : below;
    }

    /** {@code cpu.max} is "quota period" in microseconds, the quota possibly "max"; the root group has neither file. */
    private void version2(String folder, String mountFolder, List<Limits.Group> found) {
        double quota = Double.POSITIVE_INFINITY;
        String max = files.line(folder + "/cpu.max");
        if (max != null && !max.startsWith("max")) {
            String[] words = max.split(" ");
            quota = ratio(folder + "/cpu.max", words[0], words.length > 1 ? words[1] : "100000");
        }
        long memory = Long.MAX_VALUE;
        String memoryMax = files.line(folder + "/memory.max");
        if (memoryMax != null && !memoryMax.equals("max")) memory = files.number(folder + "/memory.max", Long.MAX_VALUE);
        int weight = Math.clamp(files.number(folder + "/cpu.weight", 0), 0, Integer.MAX_VALUE);
        if (max != null || memoryMax != null || weight > 0) {
            found.add(new Limits.Group(2, groupName(folder, mountFolder), quota, weight, memory));
        }
    }

    private void cpuVersion1(String folder, String mountFolder, List<Limits.Group> found) {
        String quota = files.line(folder + "/cpu.cfs_quota_us"), period = files.line(folder + "/cpu.cfs_period_us");
        int weight = Math.clamp(files.number(folder + "/cpu.shares", 0), 0, Integer.MAX_VALUE);
        if (quota == null && weight == 0) return;
        boolean limited = quota != null && period != null && !quota.startsWith("-"); // -1: no limit
        found.add(new Limits.Group(1, groupName(folder, mountFolder),
                limited ? ratio(folder + "/cpu.cfs_quota_us", quota, period) : Double.POSITIVE_INFINITY, weight,
                Long.MAX_VALUE));
    }

    private void memoryVersion1(String folder, String mountFolder, List<Limits.Group> found) {
        long limit = files.number(folder + "/memory.limit_in_bytes", Long.MAX_VALUE);
        if (limit < 0 || limit >= UNLIMITED_V1) return;
        found.add(new Limits.Group(1, groupName(folder, mountFolder), Double.POSITIVE_INFINITY, 0, limit));
    }

    private double ratio(String path, String quota, String period) {
        try {
            long q = Long.parseLong(quota), p = Long.parseLong(period);
            if (q > 0 && p > 0) return (double) q / p;
        } catch (NumberFormatException e) {
            // reported below
        }
        files.fallback(path, "'" + quota + " " + period + "' is no quota; it counts as none");
        return Double.POSITIVE_INFINITY;
    }
}
