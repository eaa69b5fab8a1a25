package org.libtorque.hardware;

import java.util.List;

/**
 * What this process may use of the machine.
 *
 * @param affinity      CPUs of the affinity mask it inherited; null if not known
 * @param cpusetCpus    CPUs of its cpuset; null if there is none
 * @param cpusetMems    NUMA nodes of its cpuset; null if there is none
 * @param groups        its cgroup and all ancestors that set something, innermost first
 */
public record Limits(CpuSet affinity, CpuSet cpusetCpus, CpuSet cpusetMems, List<Group> groups) {
    /** Nothing known, nothing limited. */
    public static final Limits NONE = new Limits(null, null, null, List.of());

    /**
     * What one cgroup sets.
     *
     * @param version     1 or 2
     * @param path        its path below the mount point
     * @param quotaCpus   CPU time for each unit of time, in CPUs; infinite if not limited
     * @param weight      share in contention ({@code cpu.weight}, or {@code cpu.shares} of version 1); 0 if not told
     * @param memoryBytes highest memory use, in bytes; {@link Long#MAX_VALUE} if not limited
     */
    public record Group(int version, String path, double quotaCpus, int weight, long memoryBytes) {}

    /** Copies the list. */
    public Limits { groups = List.copyOf(groups); }

    /** Returns how much CPU time the process gets at most, in CPUs: the tightest of all groups; infinite if none limits. */
    public double quotaCpus() {
        return groups.stream().mapToDouble(Group::quotaCpus).min().orElse(Double.POSITIVE_INFINITY);
    }

    /** Returns how much memory the process gets at most, in bytes; {@link Long#MAX_VALUE} if no group limits it. */
    public long memoryBytes() {
        return groups.stream().mapToLong(Group::memoryBytes).min().orElse(Long.MAX_VALUE);
    }
}
