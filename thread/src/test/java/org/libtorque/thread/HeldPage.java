package org.libtorque.thread;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.junit.jupiter.api.Assumptions;
import org.libtorque.sys.Abi;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.Mapping;
import org.libtorque.sys.Poll;
import org.libtorque.testkit.Eventually;

/** A page of memory that keeps whoever touches it first waiting, the kernel too, until it is let go: by userfaultfd(2). */
@SuppressWarnings("restricted") // not part of the library
final class HeldPage implements AutoCloseable {
    private static final long USERFAULTFD = Abi.X86_64 ? 323 : 282;
    private static final long UFFDIO_API = 0xc018aa3fL, UFFDIO_REGISTER = 0xc020aa00L;
    private static final long UFFD_API = 0xaa, UFFDIO_REGISTER_MODE_MISSING = 1;

    private final int fd;
    private final long address;
    private boolean released;

    HeldPage() {
        Linker linker = Linker.nativeLinker();
        MethodHandle syscall = linker.downcallHandle(linker.defaultLookup().findOrThrow("syscall"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG), Linker.Option.firstVariadicArg(1));
        MethodHandle ioctl = linker.downcallHandle(linker.defaultLookup().findOrThrow("ioctl"), FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), Linker.Option.firstVariadicArg(2));
        address = Mapping.mmap(ErrnoSlot.current(), 0, Mapping.PAGE_SIZE, Mapping.PROT_READ | Mapping.PROT_WRITE, Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS, -1, 0);
        if (address < 0) throw new AssertionError("mmap: " + Errno.describe((int) -address));
        try (Arena arena = Arena.ofConfined()) {
            fd = (int) (long) syscall.invokeExact(USERFAULTFD, (long) (Files.O_CLOEXEC | Files.O_NONBLOCK));
            if (fd < 0) Assumptions.abort("this process may not use userfaultfd(2)");
            MemorySegment argument = arena.allocate(32, 8);
            argument.set(JAVA_LONG, 0, UFFD_API);
            if ((int) ioctl.invokeExact(fd, UFFDIO_API, argument) != 0) throw new AssertionError("UFFDIO_API");
            argument.fill((byte) 0);
            argument.set(JAVA_LONG, 0, address);
            argument.set(JAVA_LONG, 8, Mapping.PAGE_SIZE);
            argument.set(JAVA_LONG, 16, UFFDIO_REGISTER_MODE_MISSING);
            if ((int) ioctl.invokeExact(fd, UFFDIO_REGISTER, argument) != 0) throw new AssertionError("UFFDIO_REGISTER");
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    MemorySegment segment() { return MemorySegment.ofAddress(address).reinterpret(Mapping.PAGE_SIZE); }

    /** Waits until somebody waits for it. */
    void awaitTouched() {
        Eventually.await("somebody touches the page", () -> Poll.poll(ErrnoSlot.current(), fd, Poll.POLLIN, 10) == 1);
    }

    /** Lets whoever waits go on: with zeroes. */
    void release() {
        if (released) return;
        released = true;
        Files.close(ErrnoSlot.current(), fd);
    }

    @Override public void close() {
        release();
        Mapping.munmap(ErrnoSlot.current(), address, Mapping.PAGE_SIZE);
    }
}
