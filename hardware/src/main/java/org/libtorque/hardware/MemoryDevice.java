package org.libtorque.hardware;

/**
 * A memory module, as the firmware's SMBIOS tables describe it (structure type 17).
 *
 * @param locator      where it sits, such as {@code DIMM_A1}; empty if not told
 * @param bank         which bank; empty if not told
 * @param sizeBytes    its size in bytes; 0 if the slot is empty, -1 if not known
 * @param kind         such as {@code DDR4}; empty if not told
 * @param speedMegaTransfers  highest speed in MT/s; 0 if not known
 * @param configuredMegaTransfers speed at which it runs in MT/s; 0 if not known
 * @param manufacturer who made it; empty if not told
 * @param partNumber   its part number; empty if not told
 * @param node         the NUMA node whose memory it is, where the locator names the package and the packages and
 *                     nodes correspond one to one; -1 otherwise
 */
public record MemoryDevice(String locator, String bank, long sizeBytes, String kind, int speedMegaTransfers,
                           int configuredMegaTransfers, String manufacturer, String partNumber, int node) {}
