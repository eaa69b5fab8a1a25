package org.libtorque.vcore.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.FileCall;
import org.libtorque.vcore.FileCall.Kind;

/** Calls on files through a real ring. */
@ExtendWith(LeakCheck.class)
class FileCallsTest {
    @TempDir Path directory;
    private final Arena arena = Arena.ofConfined();
    private final BlockPool pool = new BlockPool(4096, 256 * 4096);
    private final List<Integer> results = new ArrayList<>();
    private UringQueue queue;

    /** A call whose outcome is noted, and which can be filled from outside. */
    private final class Noted extends FileCall {
        Noted is(Kind kind, int fd) {
            prepare(kind, fd);
            return this;
        }

        Noted with(long address, int length, long offset) {
            memory(address, length);
            offset(offset);
            return this;
        }

        Noted registered(int number) {
            buffer(number);
            return this;
        }

        @Override protected void completed(int result) { results.add(result); }
    }

    @BeforeEach void open() {
        String obstacle = UringQueue.probe();
        assumeTrue(obstacle == null, () -> "no io_uring: " + obstacle);
        queue = new UringQueue(pool, new UringQueues(), 8, 32, 8, 4);
    }

    @AfterEach void close() {
        if (queue != null) queue.close();
        pool.close();
        arena.close();
    }

    private int run(FileCall call) {
        results.clear();
        queue.submit(call);
        assertEquals(1, queue.sourceCount(), "in flight");
        for (int i = 0; i < 100 && results.isEmpty(); i++) queue.harvest(16, 100_000_000);
        assertEquals(1, results.size());
        assertEquals(0, queue.sourceCount());
        assertEquals(-1, call.slot());
        return results.getFirst();
    }

    private int openFile(Path path) {
        int fd = org.libtorque.sys.Files.open(ErrnoSlot.current(), CStrings.allocate(path.toString(), arena),
                org.libtorque.sys.Files.O_RDWR | org.libtorque.sys.Files.O_CREAT | org.libtorque.sys.Files.O_CLOEXEC, 0600);
        assertTrue(fd >= 0);
        return fd;
    }

    @Test void filesAreWrittenSyncedReadCutAndClosed() throws IOException {
        Path path = directory.resolve("f");
        int fd = openFile(path);
        MemorySegment text = arena.allocateFrom("hello, ring");
        var call = new Noted();
        assertEquals(11, run(call.is(Kind.WRITE, fd).with(text.address(), 11, 100)));
        assertEquals(0, run(call.is(Kind.SYNC, fd)));
        assertEquals(0, run(call.is(Kind.DATA_SYNC, fd)));
        MemorySegment back = arena.allocate(64);
        assertEquals(11, run(call.is(Kind.READ, fd).with(back.address(), 64, 100)));
        assertEquals("hello, ring", back.getString(0));
        assertEquals(0, run(call.is(Kind.READ, fd).with(back.address(), 64, 111)));
        if (queue.takes(Kind.TRUNCATE)) {
            assertEquals(0, run(call.is(Kind.TRUNCATE, fd).with(0, 0, 7)));
            assertEquals(7, Files.size(path));
        }
        assertFalse(queue.takes(Kind.LIST));
        assertEquals(0, run(call.is(Kind.CLOSE, fd)));
        assertEquals(-Errno.EBADF, run(call.is(Kind.READ, fd).with(back.address(), 64, 0)));
    }

    @Test void registeredMemoryIsReadIntoAndGivenBack() throws IOException {
        Path path = Files.write(directory.resolve("f"), new byte[] {1, 2, 3, 4});
        int fd = openFile(path);
        MemorySegment page = arena.allocate(8192, 4096);
        var call = new Noted();
        assertEquals(4, run(call.is(Kind.READ_FIXED, fd).with(page.address() + 5, 4, 0).registered(7)), "not registered: an ordinary read");
        queue.register(7, page.address(), page.byteSize());
        queue.register(7, page.address(), page.byteSize());
        assertEquals(3, run(call.is(Kind.READ_FIXED, fd).with(page.address() + 100, 8, 1).registered(7)));
        assertEquals(4, page.get(ValueLayout.JAVA_BYTE, 102));
        assertEquals(2, run(call.is(Kind.WRITE_FIXED, fd).with(page.address() + 100, 2, 4).registered(7)));
        assertEquals(6, Files.size(path));
        assertEquals(-Errno.EFAULT, run(call.is(Kind.READ_FIXED, fd).with(page.address() + 8000, 500, 0).registered(7)), "past its end: so it is the registered one");
        queue.unregister(7);
        assertEquals(6, run(call.is(Kind.READ_FIXED, fd).with(page.address(), 500, 0).registered(7)));
        assertEquals(0, run(call.is(Kind.CLOSE, fd)));
    }

    @Test void moreCallsThanTheRingHasPlacesAllComplete() throws IOException {
        int fd = openFile(Files.write(directory.resolve("f"), new byte[1000]));
        MemorySegment memory = arena.allocate(1000);
        for (int i = 0; i < 500; i++) queue.submit(new Noted().is(Kind.READ, fd).with(memory.address(), i, 0));
        for (int i = 0; i < 1000 && results.size() < 500; i++) queue.harvest(16, 100_000_000);
        assertEquals(500L * 499 / 2, results.stream().mapToLong(n -> n).sum());
        assertEquals(0, queue.sourceCount());
        run(new Noted().is(Kind.CLOSE, fd));
    }

    @Test void whatCannotEndByItselfEndsWhenItIsCancelled() {
        long ends = arena.allocate(8, 4).address();
        assertEquals(0, org.libtorque.sys.Files.pipe2(ErrnoSlot.current(), ends, org.libtorque.sys.Files.O_CLOEXEC));
        int reading = org.libtorque.sys.NativeMemory.getInt(ends);
        var call = new Noted().is(Kind.READ, reading).with(arena.allocate(8).address(), 8, 0);
        queue.submit(call);
        for (int i = 0; i < 3; i++) queue.harvest(16, 1_000_000);
        assertEquals(List.of(), results);
        queue.cancel(call);
        for (int i = 0; i < 100 && results.isEmpty(); i++) queue.harvest(16, 100_000_000);
        assertNotEquals(List.of(), results);
        assertTrue(results.getFirst() == -Errno.ECANCELED || results.getFirst() == -Errno.EINTR, results::toString);
        for (int end = 0; end < 2; end++) org.libtorque.sys.Files.close(ErrnoSlot.current(), org.libtorque.sys.NativeMemory.getInt(ends + 4L * end));
    }
}
