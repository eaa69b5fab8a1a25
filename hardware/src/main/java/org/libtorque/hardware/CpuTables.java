package org.libtorque.hardware;

/**
 * Tables that all CPUs of a machine are decoded by. They are made for one reading and dropped with it: a program that has
 * found out its machine needs them no more. One thread at a time.
 */
final class CpuTables {
    private final CpuFeatures features = new CpuFeatures();
    private IntelDescriptors descriptors;

    CpuFeatures features() { return features; }

    /** Returns the descriptors of leaf 2, which few processors tell. */
    IntelDescriptors descriptors() {
        if (descriptors == null) descriptors = new IntelDescriptors();
        return descriptors;
    }
}
