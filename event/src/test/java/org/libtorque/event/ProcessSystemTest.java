package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Limits;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.TestProcess;
import org.libtorque.vcore.Backend;

/** A {@link ChildServer} that is starved of descriptors, forbidden io_uring, told to end, and weighed. */
@ExtendWith(LeakCheck.class)
class ProcessSystemTest {
    @TempDir static Path temporary;
    private static Path jar;
    /** The jar, and what the test itself has from jars. */
    private static String childClassPath;

    /** One jar of everything, as a program would have it: classes from directories need a descriptor each time one is loaded. */
    @BeforeAll static void makeJar() throws IOException {
        SystemTest.warmUpTheJdk();
        jar = temporary.resolve("child.jar");
        childClassPath = jar.toString();
        List<String> arguments = new ArrayList<>(List.of("--create", "--no-compress", "--file", jar.toString()));
        List<Path> roots = new ArrayList<>();
        for (String entry : (System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path")).split(File.pathSeparator)) {
            if (entry.isEmpty()) continue;
            if (Files.isDirectory(Path.of(entry))) roots.add(Path.of(entry));
            else if (entry.endsWith(".jar")) childClassPath += File.pathSeparator + entry; // modules that this build has packaged already
        }
        for (Path root : List.copyOf(roots)) {
            Path tests = root.resolveSibling("test-classes");
            if (root.endsWith("classes") && Files.exists(tests.resolve("org/libtorque/event/ChildServer.class"))) roots.add(tests);
        }
        for (Path root : roots) arguments.addAll(List.of("-C", root.toString(), "org"));
        var errors = new java.io.StringWriter();
        var writer = new java.io.PrintWriter(errors);
        int status = ToolProvider.findFirst("jar").orElseThrow().run(writer, writer, arguments.toArray(String[]::new));
        // The same file may be in several roots; the tool says so and keeps the first.
        assertTrue(status == 0 || Files.exists(jar), errors::toString);
    }

    private static TestProcess start(List<String> jvm, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(TestProcess.java(), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(jvm);
        command.addAll(List.of("-cp", childClassPath, ChildServer.class.getName()));
        command.addAll(List.of(arguments));
        return TestProcess.start(new ProcessBuilder(command));
    }

    private static InetSocketAddress awaitReady(TestProcess child) {
        Matcher ready = child.awaitLine("ready (\\d+) (\\w+)");
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), Integer.parseInt(ready.group(1)));
    }

    /** Waits until it has used little CPU for a while: what a busy machine has left the compiler to do is done in the first of these. Who spins does so in each. */
    private static void awaitQuiet(TestProcess process, long windowMillis, long mostMillis) {
        Eventually.await("it uses at most " + mostMillis + " ms of CPU in " + windowMillis, () -> {
            try {
                long before = cpuMillis(process);
                sleep(windowMillis);
                return cpuMillis(process) - before <= mostMillis;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    /** Milliseconds of CPU time that a process has used. */
    private static long cpuMillis(TestProcess process) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }

    private static String name(Backend backend) { return backend.name().toLowerCase(Locale.ROOT); }

    // ---------------------------------------------------------------------------------------------------------- descriptors

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void outOfDescriptorsItNeitherSpinsNorStopsAndSaysSoOnceAndRecovers(Backend backend) throws IOException {
        try (var child = start(List.of(), name(backend), "limit=40", "one")) {
            InetSocketAddress address = awaitReady(child);
            List<Client> clients = new ArrayList<>();
            try {
                for (int i = 0; i < 120; i++) {
                    var client = Client.to(address);
                    clients.add(client);
                    client.send("question");
                }
                child.awaitLine("cannot accept: EMFILE");
                List<Client> waiting = new ArrayList<>(clients);
                List<Client> served = new ArrayList<>();
                Eventually.await(() -> "those who could be accepted are served: " + served.size(), Eventually.DEFAULT_LIMIT, () -> {
                    takeAnswered(waiting, served);
                    return served.size() >= 30;
                });
                awaitQuiet(child, 800, 150);
                takeAnswered(waiting, served);
                assertTrue(waiting.size() >= 70, "waiting: " + waiting.size());
                served.getFirst().expectEcho("still served");

                // As clients go, those who wait get their turn, to the last.
                while (!waiting.isEmpty()) {
                    for (Client client : served) client.close();
                    served.clear();
                    Eventually.await("some of " + waiting.size() + " who wait are served", () -> {
                        takeAnswered(waiting, served);
                        return !served.isEmpty();
                    });
                }
                for (Client client : served) client.close();
                sleep(1_100);
                try (var late = Client.to(address)) {
                    late.expectEcho("all is well");
                }
                child.awaitLine("accepts again");
            } finally {
                for (Client client : clients) client.close();
            }
            long said = child.stderr().stream().filter(line -> line.contains("cannot accept")).count();
            assertEquals(1, said, child::toString);
            child.signal("TERM");
            assertEquals(0, child.awaitExit(), child::toString);
        }
    }

    private static void takeAnswered(List<Client> waiting, List<Client> served) {
        for (Client client : List.copyOf(waiting)) {
            if (!isAnswered(client)) continue;
            served.add(client);
            waiting.remove(client);
        }
    }

    private static boolean isAnswered(Client client) {
        try {
            if (client.socket.getInputStream().available() == 0) return false;
            client.expect("question");
            return true;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void withTooFewDescriptorsToStartItFailsAndKeepsNone(Backend backend) throws IOException {
        try (var child = start(List.of(), name(backend), "starve")) {
            Matcher failed = child.awaitLine("failed (\\d+)");
            assertTrue(Integer.parseInt(failed.group(1)) >= Math.min(3, 2 * CpuSet.allowed().size()), child::toString); // a queue and what wakes it, for each vcore
            assertEquals(List.of(), child.stdout().stream().filter(line -> line.startsWith("leaked") || line.startsWith("unclear")).toList());
            try (var client = Client.to(awaitReady(child))) {
                client.expectEcho("and then it works");
            }
        }
    }

    // -------------------------------------------------------------------------------------------------------------- io_uring

    @Test void whereIoUringIsForbiddenItFallsBackAndSaysWhy() throws IOException {
        try (var child = start(List.of(), "auto", "seccomp", "one")) {
            InetSocketAddress address = awaitReady(child);
            assertEquals("epoll", child.awaitLine("ready (\\d+) (\\w+)").group(2));
            child.awaitLine("epoll on CPUs .*: io_uring cannot be used: it is forbidden, by kernel.io_uring_disabled, seccomp .*EPERM");
            try (var client = Client.to(address)) {
                client.expectEcho("works all the same");
            }
        }
    }

    @Test void whoInsistsOnIoUringWhereItIsForbiddenIsTold() throws IOException {
        try (var child = start(List.of(), "io_uring", "seccomp", "one")) {
            assertEquals(1, child.awaitExit());
            child.awaitLine("UnsupportedOperationException: io_uring cannot be used here: it is forbidden");
        }
    }

    @Test void whereIoUringWorksItIsChosen() throws IOException {
        try (var child = start(List.of(), "auto")) {
            awaitReady(child);
            assertEquals("io_uring", child.awaitLine("ready (\\d+) (\\w+)").group(2));
        }
    }

    // --------------------------------------------------------------------------------------------------------------- signals

    @ParameterizedTest @ValueSource(strings = {"TERM", "INT"})
    void aSignalDrainsAndEndsWithSuccess(String signal) throws IOException {
        try (var child = start(List.of(), "auto"); var client = Client.to(awaitReady(child))) {
            client.expectEcho("before");
            client.send("on its way");
            child.signal(signal);
            assertEquals("on its way", client.readAllText());
            assertEquals(0, child.awaitExit());
            child.awaitLine("ended");
        }
    }

    @Test void aSecondSignalEndsItAtOnce() throws IOException {
        try (var child = start(List.of(), "auto", "stubborn"); var client = Client.to(awaitReady(child))) {
            client.expectEcho("before");
            child.signal("TERM");
            child.awaitLine("SIGTERM: draining for up to ");
            client.expectEcho("draining");
            child.signal("TERM");
            assertEquals(128 + 15, child.awaitExit(), "it ends by the signal; that the time for draining is up comes much later");
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ cost

    /** Measured against the same process with its code warm; what the kernel keeps for a socket is not in it. */
    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void anIdleConnectionCostsLittleMemory(Backend backend) throws IOException {
        int count = 5_000;
        long descriptors = Limits.soft(ErrnoSlot.current(), Limits.RLIMIT_NOFILE); // this process's and, as it is its parent, the other's
        Assumptions.assumeTrue(descriptors >= count + 500, "needs " + (count + 500) + " descriptors, and may have " + descriptors);
        try (var child = start(List.of("-Xms64m", "-Xmx64m", "-Xmn8m"), name(backend), "one")) {
            InetSocketAddress address = awaitReady(child);
            List<SocketChannel> idle = new ArrayList<>();
            try (var asking = Client.to(address)) {
                for (int i = 0; i < 300; i++) {
                    try (var client = Client.to(address)) {
                        client.expectEcho("warm-up");
                    }
                }
                for (int i = 0; i < 3; i++) memory(asking);
                long[] before = memory(asking);
                ByteBuffer text = ByteBuffer.wrap("hello".getBytes());
                ByteBuffer answer = ByteBuffer.allocate(5);
                for (int i = 0; i < count; i++) {
                    var client = SocketChannel.open(address);
                    idle.add(client);
                    client.write(text.rewind());
                    client.read(answer.clear());
                }
                memory(asking);
                long[] after = memory(asking);
                double resident = (after[0] - before[0]) * 1024.0 / count;
                double heap = (double) (after[1] - before[1]) / count;
                System.out.printf("%s: an idle connection costs %.0f bytes of resident memory, %.0f of them live Java heap%n", name(backend), resident, heap);
                assertTrue(resident <= 2048, "bytes for each: " + resident);
            } finally {
                for (SocketChannel client : idle) client.close();
            }
        }
    }

    /** Resident kilobytes and live heap bytes. */
    private static long[] memory(Client client) throws IOException {
        client.send("m");
        var line = new StringBuilder();
        for (String c; !(c = client.readText(1)).equals("\n"); ) line.append(c);
        String[] numbers = line.toString().split(" ");
        return new long[] {Long.parseLong(numbers[0]), Long.parseLong(numbers[1])};
    }

    @Test void anIdleServerUsesNoCpu() throws IOException, SocketTimeoutException {
        for (String backend : List.of("epoll", "io_uring")) {
            try (var child = start(List.of(), backend); var client = Client.to(awaitReady(child))) {
                client.expectEcho("x");
                awaitQuiet(child, 500, 50);
            }
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
