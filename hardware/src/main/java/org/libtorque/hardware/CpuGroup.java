package org.libtorque.hardware;

/**
 * CPUs that the machine names as belonging together, other than a core, a package or the sharers of a cache.
 *
 * @param kind    what it is
 * @param osIndex the kernel's or the firmware's number; -1 if not known
 * @param cpus    its CPUs, never empty
 */
public record CpuGroup(Kind kind, int osIndex, CpuSet cpus) {
    /** What a group is, from large to small. */
    public enum Kind {
        /** s390: several books. */
        DRAWER("Drawer"),
        /** s390: several packages. */
        BOOK("Book"),
        /** One of several pieces of silicon in a package. */
        DIE("Die"),
        /** Intel leaf 1Fh, AMD leaf 80000026h (complex): several modules. */
        TILE("Tile"),
        /** AMD leaf 80000026h: cores under one last-level cache. */
        COMPLEX("Complex"),
        /** Intel leaf 1Fh: several cores. */
        MODULE("Module"),
        /** sysfs: cores that share something that is no cache the kernel knows, such as the tags of a cache. */
        CLUSTER("Cluster");

        private final String label;

        Kind(String label) { this.label = label; }

        /** Returns the name in reports, such as {@code Cluster}. */
        public String label() { return label; }
    }
}
