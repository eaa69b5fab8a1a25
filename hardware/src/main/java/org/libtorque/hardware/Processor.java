package org.libtorque.hardware;

import java.util.List;

/**
 * A type of processor: what all CPUs in {@code cpus} say of themselves.
 *
 * <p>Numbers that are not known are -1, texts are empty. On architectures other than x86 {@code vendor} and {@code model}
 * are what {@code /proc/cpuinfo} tells in the nearest sense (on ARM: implementer and part).
 *
 * @param vendor         vendor string, such as {@code GenuineIntel}
 * @param family         family, the extended one added as the vendor's manual says
 * @param model          model, likewise
 * @param stepping       stepping
 * @param type           {@code OEM}, {@code OverDrive} or {@code Dual}, as Intel's leaf 1 tells; empty if not told
 * @param name           brand string, runs of blanks made one
 * @param features       names of its abilities, in the spelling of {@code /proc/cpuinfo}, sorted
 * @param hypervisor     signature of the hypervisor that it runs under, such as {@code KVMKVMKVM}; empty if there is none
 * @param invariantTsc   whether its time-stamp counter runs at one rate in all power states
 * @param prefetchBytes  bytes that one prefetch instruction fetches; 0 if not told
 * @param coreType       kind of core on a hybrid processor, such as {@code IntelAtom}; empty otherwise
 * @param cpus           CPUs of this type
 */
public record Processor(String vendor, int family, int model, int stepping, String type, String name, List<String> features,
                        String hypervisor, boolean invariantTsc, int prefetchBytes, String coreType, CpuSet cpus) {
    /** Abilities that have to do with prefetching. */
    private static final List<String> PREFETCH = List.of("sse", "3dnowprefetch", "prefetchwt1", "prefetchi", "cldemote");
    /** Abilities that bring stores or loads that pass the caches by. */
    private static final List<String> NON_TEMPORAL =
            List.of("sse", "sse2", "sse4_1", "sse4a", "movdiri", "movdir64b", "clzero", "clwb", "clflushopt");

    /** Copies the list. */
    public Processor { features = List.copyOf(features); }

    /** Tells whether it has an ability, by the name that {@code /proc/cpuinfo} uses. */
    public boolean has(String feature) { return features.contains(feature); }

    /** Returns the abilities among {@link #features} that bring prefetch instructions. */
    public List<String> prefetch() { return PREFETCH.stream().filter(this::has).toList(); }

    /** Returns the abilities among {@link #features} that bring non-temporal or cache-controlling accesses. */
    public List<String> nonTemporal() { return NON_TEMPORAL.stream().filter(this::has).toList(); }

    Processor withCpus(CpuSet others) {
        return new Processor(vendor, family, model, stepping, type, name, features, hypervisor, invariantTsc, prefetchBytes,
                coreType, others);
    }
}
