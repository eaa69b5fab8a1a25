package org.libtorque.hardware;

import java.util.List;

/**
 * What sits in one socket.
 *
 * @param osIndex the physical package number; -1 if not known
 * @param cpus    its CPUs, never empty
 * @param cores   its cores by their first CPU; empty if the machine does not tell cores
 */
public record CpuPackage(int osIndex, CpuSet cpus, List<Core> cores) {
    /** Copies the list. */
    public CpuPackage { cores = List.copyOf(cores); }
}
