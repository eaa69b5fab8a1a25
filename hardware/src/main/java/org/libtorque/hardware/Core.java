package org.libtorque.hardware;

/**
 * One core: the CPUs that share its execution units.
 *
 * @param osIndex number that the firmware or the kernel gives it, unique in its package or a part of that; -1 if not known
 * @param cpus    its harts, never empty
 */
public record Core(int osIndex, CpuSet cpus) {}
