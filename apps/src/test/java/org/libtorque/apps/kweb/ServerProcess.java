package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import org.libtorque.testkit.TestProcess;

/** {@code torque serve} in a process of its own, run from the classes that this test runs with. */
final class ServerProcess implements AutoCloseable {
    private static final long CLOCK_TICKS = 100; // of /proc, per second, on all that Linux runs on now
    private static final int TOO_LONG_SECONDS = 60;

    private static String classPath; // guarded by this class

    private final TestProcess process;
    private final InetSocketAddress address;

    private ServerProcess(TestProcess process) {
        this.process = process;
        Matcher ready = process.awaitLine("^kweb: ready at http://127\\.0\\.0\\.1:(\\d+)/ on CPUs (\\S+) with (\\S+)$", Duration.ofSeconds(TOO_LONG_SECONDS));
        address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(ready.group(1)));
    }

    /** Starts a server on a port of the kernel's choice and waits until it is ready. */
    static ServerProcess start(String... options) throws IOException { return startBehind(List.of(), options); }

    /** The same behind a command that ends by executing its arguments. */
    static ServerProcess startBehind(List<String> command, String... options) throws IOException {
        List<String> all = new ArrayList<>(List.of(options));
        if (!all.contains("--port")) all.addAll(List.of("--port", "0"));
        all.addAll(List.of("--address", "127.0.0.1"));
        TestProcess process = launch(command, all);
        try {
            return new ServerProcess(process);
        } catch (Throwable e) {
            process.close();
            throw e;
        }
    }

    /** Starts {@code torque serve} with just these options. */
    static TestProcess launch(List<String> command, List<String> options) throws IOException {
        List<String> all = new ArrayList<>(command);
        all.addAll(List.of(TestProcess.java(), "-ea", "-Xshare:auto", "-Xmx256m", "--enable-native-access=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "-cp", classPath(), "org.libtorque.apps.Main", "serve"));
        all.addAll(options);
        return TestProcess.start(all.toArray(String[]::new));
    }

    /**
     * Returns the class path of this JVM with its directories put into one jar, as in production: classes are loaded when they are first needed, and from a
     * directory each takes a descriptor just then, which there may be none of.
     */
    private static String classPath() throws IOException {
        synchronized (ServerProcess.class) {
            if (classPath == null) classPath = makeClassPath();
            return classPath;
        }
    }

    private static String makeClassPath() throws IOException {
        String entries = System.getProperty("jdk.module.path", "") + File.pathSeparator + System.getProperty("java.class.path", "");
        List<String> all = new ArrayList<>();
        Path jar = Files.createTempFile("torque-test", ".jar");
        jar.toFile().deleteOnExit();
        all.add(jar.toString());
        Set<String> put = new HashSet<>();
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.setLevel(Deflater.BEST_SPEED);
            for (String entry : entries.split(File.pathSeparator)) {
                Path path = Path.of(entry);
                if (entry.isEmpty() || !Files.exists(path)) continue;
                if (!Files.isDirectory(path)) {
                    all.add(entry);
                    continue;
                }
                try (Stream<Path> files = Files.walk(path)) {
                    for (Path file : files.filter(Files::isRegularFile).toList()) {
                        String name = path.relativize(file).toString();
                        if (!put.add(name)) continue;
                        out.putNextEntry(new JarEntry(name));
                        Files.copy(file, out);
                        out.closeEntry();
                    }
                }
            }
        }
        return String.join(File.pathSeparator, all);
    }

    TestProcess process() { return process; }

    InetSocketAddress address() { return address; }

    String url(String path) { return "http://127.0.0.1:" + address.getPort() + path; }

    WireClient connect() throws IOException { return WireClient.to(address); }

    /** Returns the CPU time that it has used. */
    Duration cpuTime() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Duration.ofMillis((Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 1000 / CLOCK_TICKS);
    }

    /** Returns how many sockets it has open. Other descriptors it opens when it pleases, such as what watches the machine. */
    int sockets() throws IOException {
        int count = 0;
        try (Stream<Path> open = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
            for (Path each : open.toList()) {
                try {
                    if (Files.readSymbolicLink(each).toString().startsWith("socket:")) count++;
                } catch (NoSuchFileException closed) {
                    continue; // since it was listed
                }
            }
        }
        return count;
    }

    /** Returns the CPUs that each of its vcores' threads may run on, by the thread's name. */
    Map<String, String> vcoreCpus() throws IOException {
        Map<String, String> cpus = new TreeMap<>();
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            for (Path task : tasks.toList()) {
                try {
                    String name = Files.readString(task.resolve("comm")).strip();
                    if (!name.startsWith("torque-vcore-")) continue;
                    cpus.put(name, Files.readAllLines(task.resolve("status")).stream().filter(line -> line.startsWith("Cpus_allowed_list:"))
                            .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst().orElseThrow());
                } catch (IOException ended) { // a thread of the JVM's own, since they were listed
                    continue;
                }
            }
        }
        return cpus;
    }

    /** Tells it to stop, and waits until it has, with exit code 0 and no complaint. */
    void stop() {
        process.signal("TERM");
        assertEquals(0, process.awaitExit(Duration.ofSeconds(TOO_LONG_SECONDS)), process::toString);
    }

    @Override public void close() { process.close(); }

    @Override public String toString() { return process.toString(); }
}
