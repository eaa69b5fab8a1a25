package org.libtorque.hardware;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.util.SortedMap;

/**
 * CPUID as the kernel's driver executes it on one CPU (cpuid(4), {@code arch/x86/kernel/cpuid.c}): reading 16 bytes at the
 * position {@code subleaf << 32 | leaf} gives the four registers. Only root can read the device, and only where the driver
 * is loaded. But then nothing has to be pinned and no native call linked, which in a program that has made none yet takes
 * longer than all the rest of discovery; and it works where memory may not be made executable. Owns a descriptor.
 */
final class CpuidDevice implements CpuidCapture.Instruction, AutoCloseable {
    private final RandomAccessFile file;
    private final byte[] registers = new byte[16];

    /** Opens the device of a CPU. */
    CpuidDevice(int cpu) throws IOException { file = new RandomAccessFile("/dev/cpu/" + cpu + "/cpuid", "r"); }

    /**
     * Asks each CPU that has a device, and puts the answers into {@code records}. Stops at the first CPU that has none, since
     * the others will have none either; it and the rest are left out.
     */
    static void capture(CpuSet cpus, SortedMap<Integer, CpuidRecord> records) {
        for (int cpu = cpus.nextSetBit(0); cpu >= 0; cpu = cpus.nextSetBit(cpu + 1)) {
            try (var device = new CpuidDevice(cpu)) {
                CpuidRecord record = CpuidCapture.record(device);
                if (record.query(0, 0, CpuidRecord.EAX) < 1) return; // no processor of this century; not a device then
                records.put(cpu, record);
            } catch (IOException | UncheckedIOException | SecurityException e) {
                return; // missing, not readable, or the CPU went offline: it is asked otherwise
            }
        }
    }

    @Override public void execute(int leaf, int subleaf, int[] out) {
        try {
            file.seek((long) subleaf << 32 | Integer.toUnsignedLong(leaf));
            file.readFully(registers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (int i = 0; i < 4; i++) {
            out[i] = registers[4 * i] & 0xFF | (registers[4 * i + 1] & 0xFF) << 8 | (registers[4 * i + 2] & 0xFF) << 16
                    | registers[4 * i + 3] << 24;
        }
    }

    @Override public void close() throws IOException { file.close(); }
}
