package org.libtorque.sys;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

/**
 * Where a call leaves its errno, and a few bytes beside it for arguments that calls of this package pass by address.
 * Every call takes one, so that none has to allocate.
 *
 * <p>One thread uses a slot at a time. A vcore allocates one when it starts; {@link #current} serves cold paths.
 * Owns {@link #SIZE} bytes, except for {@link #at}, which borrows them.
 */
public final class ErrnoSlot {
    /** Bytes of a slot. */
    public static final long SIZE = 64;
    /** Alignment of a slot, in bytes: one cache line, so that slots of two vcores never share one. */
    public static final long ALIGNMENT = 64;

    private static final long ERRNO = Linker.Option.captureStateLayout().byteOffset(groupElement("errno"));
    private static final long CAPTURED = Linker.Option.captureStateLayout().byteSize();
    /** The capture area comes first; scratch follows on the next multiple of 16. */
    private static final long SCRATCH = 16;
    /** Bytes of scratch, enough for two {@code struct rlimit}. */
    static final long SCRATCH_SIZE = SIZE - SCRATCH;

    private static final ThreadLocal<ErrnoSlot> CURRENT =
            ThreadLocal.withInitial(() -> new ErrnoSlot(Arena.ofAuto().allocate(SIZE, ALIGNMENT)));

    static {
        if (CAPTURED > SCRATCH) throw new ExceptionInInitializerError("errno capture state of " + CAPTURED + " bytes");
    }

    private static final Class<?> NATIVE = Arena.global().allocate(1).getClass();

    private final MemorySegment segment;
    private final long address;

    private ErrnoSlot(MemorySegment segment) {
        this.segment = segment;
        this.address = segment.address();
    }

    /**
     * Allocates a slot that lives for ever: its segment belongs to the global scope, so passing it to a call costs no
     * liveness bookkeeping. Its {@link #SIZE} bytes are never freed; allocate one per vcore, not one per call.
     */
    public static ErrnoSlot allocate() { return new ErrnoSlot(Arena.global().allocate(SIZE, ALIGNMENT)); }

    /**
     * Makes a slot in {@link #SIZE} bytes at {@code address}, aligned to 16, which the caller keeps valid as long as
     * the slot is used.
     */
    public static ErrnoSlot at(long address) {
        if ((address & 15) != 0) {
            throw new IllegalArgumentException("address 0x" + Long.toHexString(address) + " is not a multiple of 16");
        }
        return new ErrnoSlot(NativeMemory.segment(address, SIZE));
    }

    /** Returns the calling thread's own slot, for cold paths. It is freed some time after the thread has ended. */
    public static ErrnoSlot current() { return CURRENT.get(); }

    /** Returns the errno of the last call that failed with this slot; meaningless before one did. */
    public int get() { return segment.get(JAVA_INT, ERRNO); }

    /**
     * The capture area of a downcall.
     *
     * <p>The linker makes a slice of it for each call. That costs nothing as long as the compiler sees through it, and for that it must know the segment's
     * class: in a program that also slices segments of heap arrays or mapped files, profiles do not tell it any more, and each call would allocate 40
     * bytes (measured). The comparison tells it.
     */
    MemorySegment segment() {
        MemorySegment capture = segment;
        if (capture.getClass() != NATIVE) throw new AssertionError(capture);
        return capture;
    }

    /** Address of {@link #SCRATCH_SIZE} bytes, aligned to 16, for the duration of one call. */
    long scratch() { return address + SCRATCH; }
}
