package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The CPUID instruction, executed from a page of machine code of our own: there is no function in the C library that does.
 * The page is written first and made executable then; it is never both. Owns the page until it is closed.
 *
 * <p>What CPUID answers belongs to the CPU that executes it: pin the thread first. One thread at a time.
 */
public final class Cpuid implements AutoCloseable {
    /**
     * {@code void cpuid(long leaf, long subleaf, int out[4])} in the System V calling convention. RBX belongs to the caller.
     * The landing pad lets it run where indirect branches are tracked.
     */
    private static final byte[] CODE = bytes(
            0xF3, 0x0F, 0x1E, 0xFA, // endbr64
            0x53,                   // push rbx
            0x49, 0x89, 0xD0,       // mov  r8, rdx
            0x89, 0xF8,             // mov  eax, edi
            0x89, 0xF1,             // mov  ecx, esi
            0x0F, 0xA2,             // cpuid
            0x41, 0x89, 0x00,       // mov  [r8], eax
            0x41, 0x89, 0x58, 0x04, // mov  [r8 + 4], ebx
            0x41, 0x89, 0x48, 0x08, // mov  [r8 + 8], ecx
            0x41, 0x89, 0x50, 0x0C, // mov  [r8 + 12], edx
            0x5B,                   // pop  rbx
            0xC3);                  // ret
    private static final int OUT = 2048;

    private final ErrnoSlot errno;
    private final long data;
    private final long code;
    private final MethodHandle call;

    private static byte[] bytes(int... values) {
        byte[] code = new byte[values.length];
        for (int i = 0; i < code.length; i++) code[i] = (byte) values[i];
        return code;
    }

    /**
     * Maps the page.
     *
     * @throws UnsupportedOperationException on another architecture than x86-64
     * @throws SyscallException              if the kernel forbids to make memory executable ({@code EACCES} or {@code
     *                                       EPERM}: SELinux's execmem, memory-deny-write-execute), or has none
     */
    public Cpuid(ErrnoSlot errno) {
        if (!Abi.X86_64) throw new UnsupportedOperationException("CPUID is an instruction of x86");
        this.errno = errno;
        int page = Mapping.PAGE_SIZE;
        int anonymous = Mapping.MAP_PRIVATE | Mapping.MAP_ANONYMOUS;
        // Two pages, so that the results can be written while the code cannot.
        data = Mapping.mmap(errno, 0, 2L * page, Mapping.PROT_READ | Mapping.PROT_WRITE, anonymous, -1, 0);
        if (data < 0 && data > -4096) throw new SyscallException("mmap", "for machine code", (int) -data);
        code = data + page;
        NativeMemory.copy(CODE, 0, code, CODE.length);
        int r = Mapping.mprotect(errno, code, page, Mapping.PROT_READ | Mapping.PROT_EXEC);
        if (r < 0) {
            Mapping.munmap(errno, data, 2L * page);
            throw new SyscallException("mprotect", "machine code, PROT_READ | PROT_EXEC", -r);
        }
        call = link(code);
    }

    /**
     * Has the shape of the handle of syscall(2), errno and all, since a second shape would cost tens of milliseconds to make
     * in a program that starts. The function does not look at the arguments that it does not have.
     */
    @SuppressWarnings("restricted")
    private static MethodHandle link(long code) {
        return Linker.nativeLinker().downcallHandle(MemorySegment.ofAddress(code),
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                Linker.Option.firstVariadicArg(1), Linker.Option.captureCallState("errno"));
    }

    /** Executes CPUID and stores EAX, EBX, ECX and EDX, in this order. */
    public void execute(int leaf, int subleaf, int[] out) {
        try {
            long ignored = (long) call.invokeExact(errno.segment(), (long) leaf, (long) subleaf, data + OUT, 0L, 0L, 0L, 0L);
        } catch (Throwable t) { throw Libc.impossible(t); }
        for (int i = 0; i < 4; i++) out[i] = NativeMemory.getInt(data + OUT + 4 * i);
    }

    /** Unmaps the pages; the object must not be used after. */
    @Override public void close() { Mapping.munmap(errno, data, 2L * Mapping.PAGE_SIZE); }
}
