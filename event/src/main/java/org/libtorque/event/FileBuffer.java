package org.libtorque.event;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;
import org.libtorque.vcore.Task;

/**
 * Memory for reading and writing files that the kernel knows beforehand (<em>fixed buffers</em>): with io_uring each vcore registers it once, when it first uses it, and the kernel then
 * need not look up and pin its pages for each operation. With epoll, and where memory may not be locked ({@code RLIMIT_MEMLOCK}), it is memory like any other.
 *
 * <p>A piece is for any colour; parts of it may be in flight at the same time. What an operation was given is the kernel's until it is done. <em>Owns</em> a mapping, which goes when it is
 * closed and no operation uses it any more.
 */
public final class FileBuffer implements AutoCloseable {
    private final AsyncFiles files;
    private final int number;
    private final long address;
    private final long mappedBytes;
    private final long lengthBytes;

    private final UseCount uses = new UseCount() {
        @Override void unused() { unregister(); }
    };

    FileBuffer(AsyncFiles files, int number, long lengthBytes) {
        this.files = files;
        this.number = number;
        this.lengthBytes = lengthBytes;
        mappedBytes = (lengthBytes + Mapping.PAGE_SIZE - 1) / Mapping.PAGE_SIZE * Mapping.PAGE_SIZE;
        address = SyscallException.check(Mapping.mmap(ErrnoSlot.current(), 0, mappedBytes, Mapping.PROT_READ | Mapping.PROT_WRITE,
                Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0), "mmap", "{} bytes", mappedBytes);
    }

    /** Returns its number of bytes. */
    public long byteSize() { return lengthBytes; }

    /**
     * Returns its memory, page-aligned. It is not to be touched after {@link #close}: nothing checks that.
     *
     * @throws IllegalStateException if it is closed
     */
    public MemorySegment segment() {
        if (uses.isClosed()) throw new IllegalStateException("the buffer is closed");
        return NativeMemory.segment(address, lengthBytes);
    }

    int number() { return number; }

    long address() { return address; }

    UseCount uses() { return uses; }

    /** On the vcore whose queue is about to get an operation on it. */
    void register(Loop loop) { loop.queue.register(number, address, mappedBytes); }

    /** Has every vcore forget it; the last one unmaps it. */
    private void unregister() {
        var left = new AtomicInteger(files.loops().length + 1);
        for (Loop loop : files.loops()) {
            Task errand = new Task(files.errands(loop)) {
                @Override protected void run() {
                    loop.queue.unregister(number);
                    forgotten(left);
                }
            };
            if (!errand.postSurely()) forgotten(left); // its ring is gone, or goes before the memory can be anybody's
        }
        forgotten(left);
    }

    private void forgotten(AtomicInteger left) {
        if (left.decrementAndGet() > 0) return;
        Mapping.munmap(ErrnoSlot.current(), address, mappedBytes);
        files.freeBufferNumber(number);
    }

    /** Gives the memory back as soon as no operation uses it. Any thread; a second call does nothing. */
    @Override public void close() { uses.close(); }

}
