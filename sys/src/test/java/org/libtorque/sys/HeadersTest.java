package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares what this package declares with what a C compiler finds in the headers of this machine. The headers may be
 * older than the newest kernel this package knows: what they do not have is left out, one line of C at a time, and the
 * tables of {@link LayoutTest} stand alone for it.
 */
class HeadersTest {
    /** The C library gives this as 0 on 64-bit machines, where open does not need it. */
    private static final Set<String> NOT_IN_C = Set.of("O_LARGEFILE");

    private static final String PREAMBLE = """
            #define _GNU_SOURCE
            #include <stddef.h>
            #include <stdio.h>
            #include <dirent.h>
            #include <errno.h>
            #include <fcntl.h>
            #include <poll.h>
            #include <signal.h>
            #include <time.h>
            #include <netinet/in.h>
            #include <netinet/udp.h>
            #include <sys/epoll.h>
            #include <sys/eventfd.h>
            #include <sys/inotify.h>
            #include <sys/mman.h>
            #include <sys/resource.h>
            #include <sys/signalfd.h>
            #include <sys/socket.h>
            #include <sys/stat.h>
            #include <sys/time.h>
            #include <sys/timerfd.h>
            #include <sys/uio.h>
            #include <sys/un.h>
            #include <linux/tcp.h>
            #include <linux/if_addr.h>
            #include <linux/neighbour.h>
            #include <linux/netlink.h>
            #include <linux/rtnetlink.h>
            #include <net/if.h>
            #include <sched.h>
            #include <sys/wait.h>
            #include <linux/fs.h>
            #include <linux/mman.h>
            #if __has_include(<linux/io_uring.h>)
            #include <linux/io_uring.h>
            #endif
            #if __has_include(<linux/openat2.h>)
            #include <linux/openat2.h>
            #endif
            #if __has_include(<sys/pidfd.h>)
            #include <sys/pidfd.h>
            #endif
            int main(void) {
            """;

    @TempDir Path directory;

    @Test
    void structsAndConstantsAreThoseOfTheHeaders() throws Exception {
        String compiler = compiler();
        assumeTrue(compiler != null, "no C compiler (cc or gcc) in PATH");

        var expected = new LinkedHashMap<String, Long>();
        var checks = new LinkedHashMap<String, String>();          // what is compared -> line of C that prints it
        for (Map.Entry<Class<?>, StructLayout> entry : KernelStructs.structs().entrySet()) {
            StructLayout layout = entry.getValue();
            String struct = "struct " + layout.name().orElseThrow();
            if (struct.equals("struct linux_dirent64")) continue;  // in no header
            add(expected, checks, "sizeof(" + struct + ")", layout.byteSize());
            long offset = 0;
            for (MemoryLayout member : layout.memberLayouts()) {
                if (!(member instanceof PaddingLayout)) {
                    String inC = inC(member.name().orElseThrow());
                    if (inC != null) add(expected, checks, "offsetof(" + struct + ", " + inC + ")", offset);
                }
                offset += member.byteSize();
            }
        }
        for (Class<?> facility : KernelStructs.FACILITIES) {
            KernelStructs.constants(facility).forEach((name, value) -> {
                boolean wide = name.matches("RESOLVE_.*|IORING_OFF_.*|RLIM_INFINITY");
                if (!NOT_IN_C.contains(name)) add(expected, checks, wide ? name : "(int) " + name, value);
            });
        }

        Map<String, Long> found = run(compiler, checks);
        found.forEach((what, value) -> assertEquals(expected.get(what), value, what));

        var missing = new TreeSet<>(expected.keySet());
        missing.removeAll(found.keySet());
        System.getLogger("org.libtorque.sys").log(System.Logger.Level.DEBUG, () -> "not in these headers: " + missing);
        // io_uring alone has 300; a preamble that no longer compiles must not pass for old headers.
        assertTrue(found.size() > 700, "only " + found.size() + " of " + expected.size() + " compared; missing " + missing);
    }

    /** What the headers call a member; null for bit fields and for reserved members, which new kernels cut up. */
    private static String inC(String member) {
        return switch (member) {
            case "op_flags" -> "rw_flags";
            case "tcpi_wscale", "tcpi_bits" -> null;
            default -> member.matches("(__)?(resv|pad|spare|reserved).*") ? null : member;
        };
    }

    @Test
    void systemCallNumbersAreThoseOfTheHeaders() throws IOException {
        Map<Abi.Architecture, List<Path>> headers = Map.of(
                Abi.Architecture.X86_64, List.of(Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
                        Path.of("/usr/include/asm/unistd_64.h")),
                Abi.Architecture.AARCH64, List.of(Path.of("/usr/include/asm-generic/unistd.h")));
        boolean compared = false;
        for (Map.Entry<Abi.Architecture, List<Path>> entry : headers.entrySet()) {
            for (Path header : entry.getValue()) {
                if (!Files.isReadable(header)) continue;
                Map<String, Integer> numbers = new LinkedHashMap<>();
                Pattern number = Pattern.compile("#define __NR(?:3264)?_(\\w+)\\s+(\\d+)");
                Matcher define = number.matcher(Files.readString(header));
                while (define.find()) numbers.put(define.group(1), Integer.valueOf(define.group(2)));
                for (Abi.Syscall call : Abi.Syscall.values()) {
                    Integer theirs = numbers.get(call.name().toLowerCase(Locale.ROOT));
                    if (theirs != null) assertEquals(theirs, call.number(entry.getKey()), call + " in " + header);
                    compared |= theirs != null;
                }
            }
        }
        assumeTrue(compared, "no kernel headers below /usr/include");
    }

    private static void add(Map<String, Long> expected, Map<String, String> checks, String what, long value) {
        expected.put(what, value);
        checks.put(what, "printf(\"%s=%lld\\n\", \"" + what + "\", (long long) (" + what + "));");
    }

    /** Compiles and runs the checks, leaving out those whose line the compiler objects to. */
    private Map<String, Long> run(String compiler, Map<String, String> checks) throws Exception {
        Path source = directory.resolve("headers.c");
        Path program = directory.resolve("headers");
        var left = new LinkedHashMap<>(checks);
        int firstLine = (int) PREAMBLE.lines().count() + 1;
        String messages = "";
        for (int round = 0; round < 5; round++) {
            Files.writeString(source, PREAMBLE + String.join("\n", left.values()) + "\nreturn 0; }\n");
            Process compile = start(compiler, "-w", "-fmax-errors=0", "-fno-diagnostics-show-caret",
                    "-o", program.toString(), source.toString());
            messages = new String(compile.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (compile.waitFor() == 0) return output(program);
            List<String> names = new ArrayList<>(left.keySet());
            Matcher error = Pattern.compile("headers\\.c:(\\d+):\\d+: error").matcher(messages);
            while (error.find()) {
                int index = Integer.parseInt(error.group(1)) - firstLine;
                assertTrue(index >= 0, messages);
                left.remove(names.get(index));
            }
        }
        throw new AssertionError("does not compile: " + messages);
    }

    private Map<String, Long> output(Path program) throws Exception {
        var found = new LinkedHashMap<String, Long>();
        Process run = start(program.toString());
        for (String line : new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
            int equals = line.lastIndexOf('=');
            found.put(line.substring(0, equals), Long.parseLong(line.substring(equals + 1)));
        }
        assertEquals(0, run.waitFor());
        return found;
    }

    private static Process start(String... command) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        return builder.start();
    }

    private static String compiler() {
        for (String name : List.of("cc", "gcc")) {
            for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
                if (Files.isExecutable(Path.of(folder, name))) return name;
            }
        }
        return null;
    }
}
