package org.libtorque.hardware;

/**
 * A GPU that the NVIDIA driver's management library knows, or one that a spec makes up.
 *
 * @param name              brand name
 * @param computeMajor      CUDA compute capability before the point; 0 if not known
 * @param computeMinor      CUDA compute capability behind the point
 * @param multiprocessors   streaming multiprocessors; 0 if not known
 * @param cores             CUDA cores; 0 if not known
 * @param memoryBytes       its memory in bytes; 0 if not known
 * @param node              NUMA node that it hangs on; -1 if not known
 * @param pciAddress        such as {@code 0000:3b:00.0}; empty if not known
 */
public record Gpu(String name, int computeMajor, int computeMinor, int multiprocessors, int cores, long memoryBytes,
                  int node, String pciAddress) {}
