package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SyscallException;

/** A short text that the kernel makes up when it is read: a file of /proc or of a control group. */
final class KernelFile {
    private static final int MAX_BYTES = 4096;

    private KernelFile() {}

    /** Opens a file. Returns its descriptor, or a negated errno. */
    static int open(ErrnoSlot errno, Path file, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return Files.open(errno, CStrings.allocate(file.toString(), arena), flags | Files.O_NONBLOCK | Files.O_CLOEXEC, 0);
        }
    }

    /** Writes a line. Returns 0 or a negated errno. */
    static int write(ErrnoSlot errno, int fd, String text) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            long memory = arena.allocate(bytes.length + 1L).address(); // the kernel ends it at its last byte
            NativeMemory.copy(bytes, 0, memory, bytes.length);
            NativeMemory.putByte(memory + bytes.length, (byte) 0);
            long n = Files.write(errno, fd, memory, bytes.length + 1);
            return n < 0 ? (int) n : 0;
        }
    }

    /**
     * Reads all of it, from the beginning.
     *
     * @throws IOException for whatever reason it cannot be read; what it is of may be gone
     */
    static String read(ErrnoSlot errno, int fd) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(MAX_BYTES).address();
            long n = Files.pread(errno, fd, memory, MAX_BYTES, 0);
            if (n < 0) throw IoErrors.of(n, "pread", "fd={}", fd);
            byte[] bytes = new byte[(int) n];
            NativeMemory.copy(memory, bytes, 0, bytes.length);
            return new String(bytes, StandardCharsets.US_ASCII);
        }
    }

    static SyscallException failure(int error, Path file) { return SyscallException.of(error, "open", "{}", file); }
}
