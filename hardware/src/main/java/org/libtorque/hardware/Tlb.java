package org.libtorque.hardware;

import java.util.List;
import java.util.Objects;
import java.util.TreeSet;

/**
 * One translation buffer.
 *
 * @param level     1 is nearest to the core
 * @param type      what it translates for
 * @param pageBytes page sizes it holds entries of, ascending, in bytes; never empty
 * @param entries   number of entries; 0 if not known
 * @param ways      associativity; {@link Cache#FULLY_ASSOCIATIVE}, or 0 if not known
 * @param cpus      CPUs that share it, never empty
 */
public record Tlb(int level, CacheType type, List<Long> pageBytes, int entries, int ways, CpuSet cpus)
        implements Comparable<Tlb> {
    /** Copies the list and checks the arguments. */
    public Tlb {
        Objects.requireNonNull(type, "type");
        pageBytes = List.copyOf(new TreeSet<>(pageBytes));
        if (level < 1 || entries < 0 || ways < -1 || pageBytes.isEmpty() || pageBytes.getFirst() <= 0 || cpus.isEmpty()) {
            throw new IllegalArgumentException("TLB: level=" + level + ", pageBytes=" + pageBytes + ", entries=" + entries
                    + ", ways=" + ways + ", cpus=" + cpus);
        }
    }

    /** Returns how much memory its entries reach if all are for its largest pages, in bytes. */
    public long reachBytes() { return entries * pageBytes.getLast(); }

    Tlb withCpus(CpuSet others) { return new Tlb(level, type, pageBytes, entries, ways, others); }

    /** Orders by level, then type, then smallest page, then first CPU. */
    @Override public int compareTo(Tlb other) {
        int order = Integer.compare(level, other.level);
        if (order == 0) order = type.compareTo(other.type);
        if (order == 0) order = Long.compare(pageBytes.getFirst(), other.pageBytes.getFirst());
        if (order == 0) order = Integer.compare(cpus.nextSetBit(0), other.cpus.nextSetBit(0));
        return order != 0 ? order : Integer.compare(entries, other.entries);
    }
}
