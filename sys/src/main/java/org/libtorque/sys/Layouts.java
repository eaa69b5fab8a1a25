package org.libtorque.sys;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;

/**
 * Describes kernel structs the way a C compiler lays them out: members in order, each at a multiple of its alignment,
 * the whole padded to the largest alignment. Members carry the kernel's names, so a layout reads like the header it
 * comes from. Where members share storage (a union), the layout names one of them and the class documents the others.
 */
final class Layouts {
    private Layouts() {}

    static MemoryLayout u8(String name) { return ValueLayout.JAVA_BYTE.withName(name); }

    static MemoryLayout u16(String name) { return ValueLayout.JAVA_SHORT.withName(name); }

    static MemoryLayout u32(String name) { return ValueLayout.JAVA_INT.withName(name); }

    static MemoryLayout u64(String name) { return ValueLayout.JAVA_LONG.withName(name); }

    /** An array of bytes. */
    static MemoryLayout bytes(String name, long count) {
        return MemoryLayout.sequenceLayout(count, ValueLayout.JAVA_BYTE).withName(name);
    }

    /** An array of 32-bit numbers. */
    static MemoryLayout u32s(String name, long count) {
        return MemoryLayout.sequenceLayout(count, ValueLayout.JAVA_INT).withName(name);
    }

    /** An array of 64-bit numbers. */
    static MemoryLayout u64s(String name, long count) {
        return MemoryLayout.sequenceLayout(count, ValueLayout.JAVA_LONG).withName(name);
    }

    /** A struct with the padding a C compiler adds. */
    static StructLayout struct(String name, MemoryLayout... members) {
        var padded = new ArrayList<MemoryLayout>(members.length + 4);
        long offset = 0;
        long alignment = 1;
        for (MemoryLayout member : members) {
            long start = roundUp(offset, member.byteAlignment());
            if (start > offset) padded.add(MemoryLayout.paddingLayout(start - offset));
            padded.add(member);
            offset = start + member.byteSize();
            alignment = Math.max(alignment, member.byteAlignment());
        }
        long size = roundUp(offset, alignment);
        if (size > offset) padded.add(MemoryLayout.paddingLayout(size - offset));
        return MemoryLayout.structLayout(padded.toArray(MemoryLayout[]::new)).withName(name);
    }

    static long offset(StructLayout layout, String member) { return layout.byteOffset(groupElement(member)); }

    private static long roundUp(long value, long alignment) { return (value + alignment - 1) & -alignment; }
}
