package org.libtorque.hardware;

import java.lang.foreign.Arena;
import java.util.SortedMap;
import java.util.TreeMap;
import org.libtorque.sys.Abi;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Cpuid;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;
import org.libtorque.sys.Uninterruptibly;

/** Executes CPUID on CPUs of the running machine, in turn, on a thread of its own that is pinned to each. */
final class CpuidCapture implements Runnable {
    /** Leaves that have subleaves, with the register and the bits that end the list when they are 0. */
    private static final int[][] LISTS = {
        {4, CpuidRecord.EAX, 0x1F}, {0xB, CpuidRecord.ECX, 0xFF00}, {0x1F, CpuidRecord.ECX, 0xFF00},
        {0x8000001D, CpuidRecord.EAX, 0x1F}, {0x80000026, CpuidRecord.ECX, 0xFF00},
    };
    private static final int[] PLAIN = {
        0, 1, 2, 5, 6, 9, 0xA, 0x15, 0x16, 0x1A, 0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000005,
        0x80000006, 0x80000007, 0x80000008, 0x8000000A, 0x80000019, 0x8000001A, 0x8000001E, 0x8000001F, 0xC0000000, 0xC0000001,
    };
    private static final int MAX_SUBLEAVES = 64;

    /** What executes the instruction. */
    interface Instruction {
        /** Executes it and stores EAX, EBX, ECX and EDX, in this order. */
        void execute(int leaf, int subleaf, int[] out);
    }

    /** The instruction on the calling thread's CPU. */
    private record Here(Cpuid cpuid) implements Instruction {
        @Override public void execute(int leaf, int subleaf, int[] out) { cpuid.execute(leaf, subleaf, out); }
    }

    private final CpuSet cpus;
    private final SortedMap<Integer, CpuidRecord> records = new TreeMap<>();
    /** What ended the thread early; read after it has ended. */
    private RuntimeException failure;
    private final Thread thread = new Thread(null, this, "torque-cpuid");

    private CpuidCapture(CpuSet cpus) { this.cpus = cpus; }

    /**
     * Starts to execute CPUID on each CPU, and returns meanwhile: the first native call of a program takes longer to link than
     * all files take to read.
     *
     * @throws UnsupportedOperationException if this is no x86
     */
    static CpuidCapture start(CpuSet cpus) {
        if (!Abi.X86_64) throw new UnsupportedOperationException("CPUID is an instruction of x86");
        var capture = new CpuidCapture(cpus);
        capture.thread.setDaemon(true);
        capture.thread.start();
        return capture;
    }

    /**
     * Waits, and returns what each CPU answered. A CPU that cannot be pinned to is left out.
     *
     * @throws SyscallException if machine code may not be made executable
     */
    SortedMap<Integer, CpuidRecord> await() {
        Uninterruptibly.await(thread::join); // it is done in milliseconds
        if (failure != null) throw failure;
        return records;
    }

    /** What the thread runs. */
    @Override public void run() {
        try {
            captureHere();
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private void captureHere() {
        ErrnoSlot errno = ErrnoSlot.current();
        try (var cpuid = new Cpuid(errno); Arena arena = Arena.ofConfined()) {
            int bytes = CpuSet.LIMIT / 8;
            long mask = arena.allocate(bytes, 8).address();
            for (int cpu = cpus.nextSetBit(0); cpu >= 0; cpu = cpus.nextSetBit(cpu + 1)) {
                NativeMemory.putByte(mask + cpu / 8, (byte) (1 << cpu % 8));
                boolean pinned = Affinity.setaffinity(errno, 0, mask, bytes) == 0;
                NativeMemory.putByte(mask + cpu / 8, (byte) 0);
                if (!pinned) continue;
                CpuidRecord record = record(new Here(cpuid));
                // A CPU that went offline meanwhile has thrown the thread off: what it read is of another CPU.
                if ((int) Affinity.getcpuAndNode(errno) == cpu) records.put(cpu, record);
            }
        }
    }

    /** Executes every leaf that says something of use, and notes the answers. */
    static CpuidRecord record(Instruction cpuid) {
        var record = new CpuidRecord();
        var out = new int[4];
        cpuid.execute(0, 0, out);
        int highest = out[CpuidRecord.EAX];
        cpuid.execute(0x80000000, 0, out);
        int extended = out[CpuidRecord.EAX];
        cpuid.execute(1, 0, out);
        boolean guest = out[CpuidRecord.ECX] < 0;
        for (int leaf : PLAIN) {
            // Beyond the highest leaf Intel's processors repeat the answer of the highest: it must not be asked.
            if (leaf >= 0 ? leaf <= highest : leaf < 0xC0000000 ? leaf <= extended || leaf == 0x80000000 : leaf == 0xC0000000) {
                add(cpuid, record, leaf, 0, out);
            }
        }
        if (record.query(0xC0000000, 0, CpuidRecord.EAX) - 0xC0000001 >= 0 && record.query(0xC0000000, 0, 0) < 0xC0010000) {
            add(cpuid, record, 0xC0000001, 0, out);
        }
        for (int[] list : LISTS) {
            if (list[0] >= 0 ? list[0] > highest : list[0] > extended) continue;
            for (int sub = 0; sub < MAX_SUBLEAVES; sub++) {
                add(cpuid, record, list[0], sub, out);
                if ((out[list[1]] & list[2]) == 0) break;
            }
        }
        for (int leaf : new int[] {7, 0xD}) {
            if (leaf > highest) continue;
            add(cpuid, record, leaf, 0, out);
            add(cpuid, record, leaf, 1, out);
        }
        if (highest >= 0x18) {
            add(cpuid, record, 0x18, 0, out);
            int last = out[CpuidRecord.EAX];
            for (int sub = 1; sub <= last && sub < MAX_SUBLEAVES; sub++) add(cpuid, record, 0x18, sub, out);
        }
        if (guest) add(cpuid, record, 0x40000000, 0, out);
        return record;
    }

    private static void add(Instruction cpuid, CpuidRecord record, int leaf, int subleaf, int[] out) {
        cpuid.execute(leaf, subleaf, out);
        record.add(leaf, subleaf, out);
    }
}
