package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.testkit.LeakCheck;

/** What the kernel tests share: an errno slot, scratch memory, and descriptors that are closed after the test. */
@ExtendWith(LeakCheck.class)
abstract class KernelFixture {
    final ErrnoSlot errno = ErrnoSlot.allocate();
    final Arena arena = Arena.ofConfined();
    private final Deque<Integer> open = new ArrayDeque<>();

    /** Zeroed memory for the test, aligned to 16. */
    final long memory(long bytes) { return arena.allocate(bytes, 16).address(); }

    final long memory(String text) { return CStrings.allocate(text, arena); }

    /** Checks that a call returned a descriptor, and closes that after the test. */
    final int fd(int result) {
        open.push(ok(result));
        return result;
    }

    /** Closes a descriptor before the test ends. */
    final void close(int fd) {
        ok(Files.close(errno, fd));
        open.remove(fd);
    }

    /** Checks that a call succeeded. */
    static int ok(int result) { return SyscallException.check(result, "the call under test", ""); }

    /** Checks that a call succeeded. */
    static long ok(long result) { return SyscallException.check(result, "the call under test", ""); }

    /** Checks that a call failed with {@code expected}. */
    static void fails(int expected, long result) {
        assertEquals(Errno.name(expected), result < 0 ? Errno.name((int) -result) : "success (" + result + ")");
    }

    @AfterEach
    void release() {
        while (!open.isEmpty()) Files.close(errno, open.pop());
        arena.close();
    }
}
