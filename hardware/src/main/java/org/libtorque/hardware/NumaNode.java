package org.libtorque.hardware;

import java.util.List;
import java.util.Optional;

/**
 * A piece of memory, and the CPUs that are local to it.
 *
 * @param osIndex         the kernel's node number
 * @param cpus            its CPUs; empty if it has memory only, or if none of its CPUs is in the topology
 * @param memoryOnly      whether the kernel lists no CPU at all for it
 * @param locality        CPUs that are near: {@code cpus}, or for a node with memory only those of its initiators
 *                        (ACPI HMAT, {@code accessN/initiators}), else those of the nodes at the least distance
 * @param memoryBytes     its memory in bytes; -1 if not known
 * @param hugePages       pools of huge pages of this node, by size
 * @param memorySideCache a cache in front of its memory
 */
public record NumaNode(int osIndex, CpuSet cpus, boolean memoryOnly, CpuSet locality, long memoryBytes,
                       List<HugePages> hugePages, Optional<MemorySideCache> memorySideCache) {
    /** Copies the list. */
    public NumaNode { hugePages = List.copyOf(hugePages); }

    /**
     * A pool of huge pages.
     *
     * @param pageBytes size of a page, in bytes
     * @param total     pages in the pool
     * @param free      pages of them that nobody uses
     */
    public record HugePages(long pageBytes, long total, long free) {}

    /**
     * A cache between a node's memory and everything else (Documentation/admin-guide/mm/numaperf.rst).
     *
     * @param sizeBytes its size in bytes
     * @param lineBytes bytes of a line
     * @param ways      1 if direct mapped; 0 if not known
     */
    public record MemorySideCache(long sizeBytes, int lineBytes, int ways) {}
}
