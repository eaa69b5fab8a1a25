package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class ErrnoSlotTest {
    @Test
    void slotsKeepTheErrnoOfTheirOwnLastFailure() {
        ErrnoSlot a = ErrnoSlot.allocate();
        ErrnoSlot b = ErrnoSlot.allocate();
        assertEquals(-Errno.EBADF, Files.close(a, -1));
        assertEquals(-Errno.EINVAL, Epoll.create1(b, -1));
        assertEquals(Errno.EBADF, a.get());
        assertEquals(Errno.EINVAL, b.get());
    }

    @Test
    void slotsDoNotShareACacheLine() {
        assertEquals(0, ErrnoSlot.allocate().scratch() - 16 & 63);
        assertEquals(64, ErrnoSlot.SIZE);
        assertTrue(ErrnoSlot.SCRATCH_SIZE >= 2 * Limits.Rlimit.SIZE);
    }

    @Test
    void aSlotCanLiveInTheCallersMemory() {
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocate(ErrnoSlot.SIZE, ErrnoSlot.ALIGNMENT).address();
            ErrnoSlot slot = ErrnoSlot.at(address);
            assertEquals(-Errno.EBADF, Files.close(slot, -1));
            assertEquals(Errno.EBADF, slot.get());
            assertEquals(address + 16, slot.scratch());
            assertThrows(IllegalArgumentException.class, () -> ErrnoSlot.at(address + 8));
        }
    }

    @Test
    void everyThreadHasItsOwnCurrentSlot() throws Exception {
        assertSame(ErrnoSlot.current(), ErrnoSlot.current());
        var other = new FutureTask<>(ErrnoSlot::current);
        Thread.ofVirtual().start(other);
        assertNotSame(ErrnoSlot.current(), other.get());
    }
}
