package org.libtorque.hardware;

/**
 * Cores of one kind, on a machine that has several.
 *
 * @param rank         0 is the least powerful
 * @param cpus         its CPUs, never empty
 * @param coreType     name of the kind, such as {@code IntelAtom}; empty if CPUID tells none
 * @param capacity     relative speed out of 1024 ({@code cpu_capacity}); 0 if not known
 * @param baseKiloHz   frequency that it holds for ever, in kHz; 0 if not known
 * @param maxKiloHz    highest frequency of any of its cores, in kHz; 0 if not known
 */
public record CpuKind(int rank, CpuSet cpus, String coreType, int capacity, long baseKiloHz, long maxKiloHz) {}
