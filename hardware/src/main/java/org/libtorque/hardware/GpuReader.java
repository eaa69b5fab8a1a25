package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.libtorque.sys.Nvml;

/** Reads GPUs from the driver's library, and the NUMA node of each from sysfs. */
final class GpuReader {
    /** CUDA cores of a multiprocessor by compute capability (CUDA C++ Programming Guide, "Compute Capabilities"). */
    private static final int[][] CORES = {
        {1, -1, 8}, {2, 0, 32}, {2, 1, 48}, {3, -1, 192}, {5, -1, 128}, {6, 0, 64}, {6, -1, 128}, {7, -1, 64}, {8, 0, 64},
        {8, -1, 128}, {9, -1, 128}, {10, -1, 128}, {11, -1, 128}, {12, -1, 128},
    };

    private GpuReader() {}

    /** Returns how many multiprocessors so many cores make; 0 if that is not known. */
    static int multiprocessors(int major, int minor, int cores) {
        for (int[] row : CORES) {
            if (row[0] == major && (row[1] == minor || row[1] < 0)) return cores / row[2];
        }
        return 0;
    }

    static List<Gpu> read(FileTree files) {
        var gpus = new ArrayList<Gpu>();
        // The driver makes this file. Without it the library can only say that it found nothing, at a price.
        if (!files.exists("proc/driver/nvidia/version")) return gpus;
        for (Nvml.Device d : Nvml.devices()) {
            // The library writes the domain with eight digits, sysfs with four; letters are small there.
            String address = d.pciAddress().toLowerCase(Locale.ROOT);
            if (address.length() > 12) address = address.substring(address.length() - 12);
            boolean plain = address.matches("[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");
            int node = plain ? files.integer("sys/bus/pci/devices/" + address + "/numa_node", -1) : -1;
            gpus.add(new Gpu(d.name(), d.computeMajor(), d.computeMinor(),
                    multiprocessors(d.computeMajor(), d.computeMinor(), d.cores()), d.cores(), d.memoryBytes(), node, address));
        }
        return gpus;
    }
}
