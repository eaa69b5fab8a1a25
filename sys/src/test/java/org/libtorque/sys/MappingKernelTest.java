package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MappingKernelTest extends KernelFixture {
    private static final int RW = Mapping.PROT_READ | Mapping.PROT_WRITE;
    private static final int PAGE = Mapping.PAGE_SIZE;

    @Test
    void anonymousMemoryIsZeroUntilWrittenAndAgainWhenGivenBack() {
        long address = ok(Mapping.mmap(errno, 0, 4L * PAGE, RW, Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0));
        assertEquals(0, address % PAGE);
        assertEquals(0, NativeMemory.getLong(address + 3L * PAGE));
        NativeMemory.putLong(address, 42);
        ok(Mapping.mprotect(errno, address, PAGE, Mapping.PROT_READ));
        assertEquals(42, NativeMemory.getLong(address));
        ok(Mapping.mprotect(errno, address, PAGE, RW));
        ok(Mapping.madvise(errno, address, PAGE, Mapping.MADV_DONTNEED));
        assertEquals(0, NativeMemory.getLong(address));
        ok(Mapping.mlock(errno, address, PAGE));
        ok(Mapping.munlock(errno, address, PAGE));
        ok(Mapping.munmap(errno, address, 4L * PAGE));
    }

    @Test
    void aSharedMappingIsItsFile() {
        int fd = fd(org.libtorque.sys.Files.memfdCreate(errno, memory("shared"), 0));
        ok(org.libtorque.sys.Files.ftruncate(errno, fd, 2L * PAGE));
        long a = ok(Mapping.mmap(errno, 0, PAGE, RW, Mapping.MAP_SHARED, fd, PAGE));
        long b = ok(Mapping.mmap(errno, 0, 2L * PAGE, RW, Mapping.MAP_SHARED | Mapping.MAP_POPULATE, fd, 0));
        NativeMemory.putInt(a + 8, 7);
        assertEquals(7, NativeMemory.getInt(b + PAGE + 8));
        ok(Mapping.munmap(errno, a, PAGE));
        ok(Mapping.munmap(errno, b, 2L * PAGE));
    }

    @Test
    void failuresAreNegatedErrnos() {
        int anonymous = Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS;
        fails(Errno.EINVAL, Mapping.mmap(errno, 0, 0, RW, anonymous, -1, 0));
        fails(Errno.ENOMEM, Mapping.mmap(errno, 0, Long.MAX_VALUE - PAGE, RW, anonymous, -1, 0));
        fails(Errno.EBADF, Mapping.mmap(errno, 0, PAGE, RW, Mapping.MAP_SHARED, -1, 0));
        long address = ok(Mapping.mmap(errno, 0, PAGE, RW, anonymous, -1, 0));
        fails(Errno.EEXIST, Mapping.mmap(errno, address, PAGE, RW, anonymous | Mapping.MAP_FIXED_NOREPLACE, -1, 0));
        fails(Errno.EINVAL, Mapping.madvise(errno, address, PAGE, 4711));
        ok(Mapping.munmap(errno, address, PAGE));
        fails(Errno.ENOMEM, Mapping.madvise(errno, address, PAGE, Mapping.MADV_WILLNEED));
    }

    @Test
    void hugePagesAreAskedForBySize() throws Exception {
        long size = 2L << 20;
        long address = Mapping.mmap(errno, 0, size, RW,
                Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS | Mapping.MAP_HUGETLB | Mapping.MAP_HUGE_2MB, -1, 0);
        if (address < 0) {                      // none reserved: the kernel understood the size and says so
            assertEquals(Errno.name(Errno.ENOMEM), Errno.name((int) -address));
        } else {
            assertEquals(0, address % size);
            ok(Mapping.munmap(errno, address, size));
        }
        long plain = ok(Mapping.mmap(errno, 0, 2 * size, RW, Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0));
        int advice = Mapping.madvise(errno, plain, 2 * size, Mapping.MADV_HUGEPAGE);
        boolean built = Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage/enabled"));
        assertEquals(built ? 0 : -Errno.EINVAL, advice);
        ok(Mapping.munmap(errno, plain, 2 * size));
    }

    @Test
    void thePageSizeIsAPowerOfTwo() {
        assertEquals(1, Integer.bitCount(PAGE));
        assertTrue(PAGE >= 4096);
    }
}
