package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Limits;
import org.libtorque.vcore.Backend;

/**
 * An echo server in a process of its own, for tests that need one to starve, forbid, signal or weigh. Arguments: a backend's name, then any of
 * {@code limit=N} (open descriptors beyond those that are open), {@code seccomp} (io_uring_setup is forbidden), {@code one} (vcore), {@code stubborn}
 * (connections do not come to an end by themselves), {@code starve} (opens the runtime with so few descriptors that it cannot start, then with enough).
 *
 * <p>Prints {@code ready PORT BACKEND}. A connection that sends {@code m} gets a line with the process's memory: resident kilobytes after a collection,
 * and the live bytes of the Java heap.
 */
final class ChildServer {
    private ChildServer() {}

    public static void main(String[] arguments) throws Throwable {
        // Nobody but the test takes descriptors and memory: no CPU keeper.
        var options = TorqueOptions.defaults().withBackend(Backend.valueOf(arguments[0].toUpperCase(Locale.ROOT))).withDrainTimeout(Duration.ofSeconds(45))
                .withKeepCpus(false);
        int limit = 0;
        boolean stubborn = false;
        for (String argument : arguments) {
            if (argument.startsWith("limit=")) limit = Integer.parseInt(argument.substring(6));
            if (argument.equals("seccomp")) forbidIoUring();
            if (argument.equals("one")) options = options.withCpus(CpuSet.of(CpuSet.allowed().nextSetBit(0)));
            if (argument.equals("starve")) starve(options);
            if (argument.equals("stubborn")) stubborn = true;
        }
        boolean stays = stubborn;
        try (var torque = Torque.open(options)) {
            if (limit > 0) { // before listening: a multishot accept keeps to the limit of when it was armed
                try (var own = Files.list(Path.of("/proc/self/fd"))) {
                    long open = own.count() - 1;
                    Limits.set(ErrnoSlot.current(), Limits.RLIMIT_NOFILE, open + limit, open + limit);
                }
            }
            Listener listener = torque.listen(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), c -> {
                c.onRead((self, data) -> {
                    if (data.getByte(0) == 'm') {
                        data.consumeAll();
                        self.write(memory());
                    } else {
                        self.write(data);
                    }
                });
                if (stays) c.onDrain(self -> { });
            });
            int port = ((InetSocketAddress) listener.address()).getPort();
            torque.block(() -> {
                System.out.println("ready " + port + " " + torque.backend().optionName());
                System.out.flush();
            });
        }
        System.out.println("ended");
    }

    private static byte[] memory() throws IOException {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        long live = runtime.totalMemory() - runtime.freeMemory();
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) return (line.replaceAll("[^0-9]", "") + " " + live + "\n").getBytes();
        }
        throw new IOException("no VmRSS");
    }

    private static long descriptors() throws IOException {
        try (var own = Files.list(Path.of("/proc/self/fd"))) {
            return own.count();
        }
    }

    /** With too few descriptors opening must fail as a whole, keep none, and succeed later. */
    private static void starve(TorqueOptions options) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        long hard = Limits.hard(errno, Limits.RLIMIT_NOFILE);
        Torque.open(options).close(); // all classes are loaded
        long before = descriptors();
        int failed = 0;
        for (int spare = 0; spare < 12; spare++) {
            Limits.set(errno, Limits.RLIMIT_NOFILE, before - 1 + spare, hard); // one of those counted was the listing's own
            String message = null;
            try {
                Torque.open(options).close();
            } catch (RuntimeException e) {
                message = e.getMessage();
            } finally {
                Limits.set(errno, Limits.RLIMIT_NOFILE, hard, hard);
            }
            if (message != null) failed++;
            for (int looks = 0; descriptors() != before && looks < 1_000; looks++) LockSupport.parkNanos(10_000_000); // the JVM opens some for a moment when it pleases
            if (descriptors() != before) System.out.println("leaked with " + spare + " to spare: " + (descriptors() - before));
            if (message != null && !message.contains("EMFILE")) System.out.println("unclear with " + spare + " to spare: " + message);
        }
        System.out.println("failed " + failed);
    }

    /** Has io_uring_setup fail with EPERM in this process, on all its threads, as container runtimes do. */
    @SuppressWarnings("restricted") // a child process grants native access to all
    private static void forbidIoUring() throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle syscall = linker.downcallHandle(linker.defaultLookup().find("syscall").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG), Linker.Option.firstVariadicArg(1));
        boolean x86 = System.getProperty("os.arch").equals("amd64");
        long prctl = x86 ? 157 : 167;
        long seccomp = x86 ? 317 : 277;
        long ioUringSetup = 425;
        try (Arena arena = Arena.ofConfined()) {
            // struct sock_filter { u16 code; u8 jt, jf; u32 k; }: load the number, compare, EPERM or allow
            MemorySegment filter = arena.allocate(32, 8);
            instruction(filter, 0, 0x20, 0, 0, 0);
            instruction(filter, 1, 0x15, 0, 1, (int) ioUringSetup);
            instruction(filter, 2, 0x06, 0, 0, 0x0005_0000 | 1);
            instruction(filter, 3, 0x06, 0, 0, 0x7fff_0000);
            MemorySegment program = arena.allocate(16, 8);
            program.set(ValueLayout.JAVA_SHORT, 0, (short) 4);
            program.set(ValueLayout.JAVA_LONG, 8, filter.address());
            long noNewPrivileges = (long) syscall.invokeExact(prctl, 38L, 1L, 0L, 0L, 0L);
            long installed = (long) syscall.invokeExact(seccomp, 1L, 1L, program.address(), 0L, 0L); // all threads
            if (noNewPrivileges != 0 || installed != 0) throw new IllegalStateException("seccomp: " + installed);
        }
    }

    private static void instruction(MemorySegment filter, int index, int code, int whenTrue, int whenFalse, int k) {
        filter.set(ValueLayout.JAVA_SHORT, 8L * index, (short) code);
        filter.set(ValueLayout.JAVA_BYTE, 8L * index + 2, (byte) whenTrue);
        filter.set(ValueLayout.JAVA_BYTE, 8L * index + 3, (byte) whenFalse);
        filter.set(ValueLayout.JAVA_INT, 8L * index + 4, k);
    }
}
