package org.libtorque.hardware;

import java.util.Arrays;

/**
 * What CPUID answered on one CPU: executions in the order in which they were made. Nine numbers each: a mask of the input
 * registers that matter (bits 0 to 3: EAX, EBX, ECX, EDX), the four inputs, the four outputs.
 */
final class CpuidRecord {
    static final int EAX = 0, EBX = 1, ECX = 2, EDX = 3;
    private static final int STRIDE = 9;
    private static final int[] NOTHING = new int[4];

    private int[] table = new int[64 * STRIDE];
    private int used;

    int executions() { return used / STRIDE; }

    void add(int mask, int[] in, int[] out) {
        if (used == table.length) table = Arrays.copyOf(table, 2 * table.length);
        table[used] = mask;
        System.arraycopy(in, 0, table, used + 1, 4);
        System.arraycopy(out, 0, table, used + 5, 4);
        used += STRIDE;
    }

    /** Notes the answer to a leaf and subleaf. */
    void add(int leaf, int subleaf, int[] out) { add(5, new int[] {leaf, 0, subleaf, 0}, out); }

    /** Returns the answer to the first execution whose inputs that matter are these; four zeros if there is none. */
    int[] query(int leaf, int subleaf) {
        for (int at = 0; at < used; at += STRIDE) {
            int mask = table[at];
            if (((mask & 1) == 0 || table[at + 1] == leaf) && ((mask & 2) == 0 || table[at + 2] == 0)
                    && ((mask & 4) == 0 || table[at + 3] == subleaf) && ((mask & 8) == 0 || table[at + 4] == 0)) {
                return Arrays.copyOfRange(table, at + 5, at + 9);
            }
        }
        return NOTHING;
    }

    int query(int leaf, int subleaf, int register) { return query(leaf, subleaf)[register]; }

    /** Returns the executions in the form of a dump file. */
    String dumpText() {
        var text = new StringBuilder("# mask e[abcd]x => e[abcd]x\n");
        for (int at = 0; at < used; at += STRIDE) {
            for (int i = 0; i < STRIDE; i++) {
                text.append(i == 0 ? "" : i == 5 ? " => " : " ").append(Integer.toHexString(table[at + i]));
            }
            text.append('\n');
        }
        return text.toString();
    }
}
