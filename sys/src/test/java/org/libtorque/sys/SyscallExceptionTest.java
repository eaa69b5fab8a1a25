package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.AllocationProbe;

class SyscallExceptionTest {
    @Test
    void theMessageNamesCallArgumentsAndErrno() {
        String op = Epoll.opName(Epoll.EPOLL_CTL_ADD);
        var e = SyscallException.of(-Errno.EEXIST, "epoll_ctl", "efd={}, op={}, fd={}", 9, op, 31);
        assertEquals("epoll_ctl(efd=9, op=ADD, fd=31): EEXIST (File exists)", e.getMessage());
        assertEquals("epoll_ctl", e.call());
        assertEquals("efd=9, op=ADD, fd=31", e.arguments());
        assertEquals(Errno.EEXIST, e.errno());
    }

    @Test
    void checkReturnsWhatSucceeded() {
        assertEquals(0, SyscallException.check(0, "listen", "fd={}", 3));
        assertEquals(5_000_000_000L, SyscallException.check(5_000_000_000L, "lseek", "fd={}", 3));
    }

    @Test
    void everyFormOfCheckFillsItsTemplate() {
        assertMessage("f(): EPERM (Operation not permitted)", () -> SyscallException.check(-1, "f", ""));
        assertMessage("f(a=2): EPERM (Operation not permitted)", () -> SyscallException.check(-1, "f", "a={}", 2));
        assertMessage("f(2, 3): EPERM (Operation not permitted)", () -> SyscallException.check(-1, "f", "{}, {}", 2, 3));
        assertMessage("f(2, 3, 4): EPERM (Operation not permitted)",
                () -> SyscallException.check(-1, "f", "{}, {}, {}", 2, 3, 4));
        assertMessage("f(2, 3, 4, 5): EPERM (Operation not permitted)",
                () -> SyscallException.check(-1, "f", "{}, {}, {}, {}", 2, 3, 4, 5));
        assertMessage("f(path=/x): EPERM (Operation not permitted)", () -> SyscallException.check(-1, "f", "path={}", "/x"));
        assertMessage("f(2, /x): EPERM (Operation not permitted)", () -> SyscallException.check(-1, "f", "{}, {}", 2, "/x"));
        assertMessage("f(2, /x, 3): EPERM (Operation not permitted)",
                () -> SyscallException.check(-1, "f", "{}, {}, {}", 2, "/x", 3));
        assertMessage("f(): EPERM (Operation not permitted)", () -> SyscallException.check(-1L, "f", ""));
        assertMessage("f(2): EPERM (Operation not permitted)", () -> SyscallException.check(-1L, "f", "{}", 2));
        assertMessage("f(2, 3): EPERM (Operation not permitted)", () -> SyscallException.check(-1L, "f", "{}, {}", 2, 3));
        assertMessage("f(2, 3, 4): EPERM (Operation not permitted)",
                () -> SyscallException.check(-1L, "f", "{}, {}, {}", 2, 3, 4));
        assertMessage("f(2, 3, 4, 5): EPERM (Operation not permitted)",
                () -> SyscallException.check(-1L, "f", "{}, {}, {}, {}", 2, 3, 4, 5));
    }

    @Test
    void aTemplateWithTooFewPlacesIsABugOfTheCaller() {
        assertEquals("template 'fd={}' has no place for 4", assertThrows(IllegalArgumentException.class,
                () -> SyscallException.check(-1, "f", "fd={}", 3, 4)).getMessage());
    }

    @Test
    void aCheckThatSucceedsAllocatesNothing() {
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> {
            SyscallException.check(7, "send", "fd={}, length={}, flags={}, n={}", 1000, 2000, 3000, 4000);
            SyscallException.check(7, "openat", "dirfd={}, path={}", 1000, "/x");
        });
    }

    private static void assertMessage(String expected, Supplier<? extends Number> call) {
        assertEquals(expected, assertThrows(SyscallException.class, call::get).getMessage());
    }
}
