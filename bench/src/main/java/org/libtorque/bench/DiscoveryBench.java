package org.libtorque.bench;

import static org.libtorque.bench.Markdown.item;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * {@code torque bench discovery}: how long a program that starts waits for the topology of its machine.
 *
 * <p>Each round starts a JVM for every case in turn, with and without an ahead-of-time cache made for it. Two times are taken: from
 * starting the process to the line that it prints when it is done, as its parent sees it, and, by the process itself, of the one
 * thing that it does. An empty program and one that makes a single native call show what the JVM costs without us.
 */
@Command(name = "torque bench discovery", sortOptions = false,
        description = "Times the discovery of this machine in JVMs that have just started, beside an empty program and one native call.")
public final class DiscoveryBench extends BenchProgram {
    private static final List<String> FLAGS = List.of("-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders");

    /** A case, and its figures in milliseconds. */
    private record Case(String name, String action, boolean unprivileged, boolean cached, List<Double> total, List<Double> own) {}

    private Path folder;

    private DiscoveryBench() { super(15); }

    /** Runs the benchmark and ends the process: 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    public static void main(String[] args) { System.exit(run(new DiscoveryBench(), args)); }

    @Override void checkArguments() { }

    @Override String measure(Machine machine) throws IOException, InterruptedException {
        folder = Files.createTempDirectory("torque-discovery-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        try {
            pack();
            var cases = cases();
            for (Case c : cases) run(c, true); // the files are in memory from here on
            for (int round = 0; round < rounds; round++) {
                for (Case c : cases) run(c, false);
            }
            return report(machine, cases);
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(file);
            }
        }
    }

    /** Copies what the processes run, so that somebody without privileges can read it, and as jars: caches know no folders. */
    private void pack() throws IOException {
        // Caches are written by whoever trains them; the folder goes with this run.
        Files.setPosixFilePermissions(Files.createDirectory(folder.resolve("caches")), PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.copy(home.resolve("apps/target/torque.jar"), folder.resolve("torque.jar"));
        String name = StartProbe.class.getName().replace('.', '/') + ".class";
        try (InputStream in = StartProbe.class.getClassLoader().getResourceAsStream(name);
                OutputStream file = Files.newOutputStream(folder.resolve("probe.jar"));
                var jar = new JarOutputStream(file)) {
            jar.putNextEntry(new JarEntry(name));
            in.transferTo(jar);
            jar.closeEntry();
        }
    }

    private List<Case> cases() throws IOException, InterruptedException {
        Map<String, String> actions = new LinkedHashMap<>();
        actions.put("empty program", "nothing");
        actions.put("one native call", "downcall");
        actions.put("discovery", "discovery");
        // Root may read the kernel's CPUID driver and the firmware's tables: show also what everybody else gets.
        boolean both = System.getProperty("user.name").equals("root") && Commands.find("setpriv") != null;
        var cases = new ArrayList<Case>();
        for (boolean cached : new boolean[] {false, true}) {
            for (var action : actions.entrySet()) {
                cases.add(new Case(action.getKey(), action.getValue(), false, cached, new ArrayList<>(), new ArrayList<>()));
                if (both && action.getValue().equals("discovery")) {
                    cases.add(new Case("discovery, not as root", action.getValue(), true, cached, new ArrayList<>(), new ArrayList<>()));
                }
            }
        }
        for (Case c : cases) {
            if (c.cached) makeCache(c);
        }
        return cases;
    }

    private List<String> command(Case c, String... options) {
        var command = new ArrayList<String>();
        if (c.unprivileged) command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
        command.addAll(List.of(Commands.javaBinary(), "--enable-native-access=ALL-UNNAMED"));
        command.addAll(FLAGS);
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", folder.resolve("probe.jar") + ":" + folder.resolve("torque.jar"), StartProbe.class.getName(), c.action));
        return command;
    }

    private Path cache(Case c) { return folder.resolve("caches").resolve(c.action + (c.unprivileged ? "-unprivileged" : "") + ".aot"); }

    /** JEP 514: one run that records, and makes the cache when it ends. It does just what is measured, since what it does not do is not in the cache. */
    private void makeCache(Case c) throws IOException, InterruptedException {
        var command = command(c, "-XX:AOTCacheOutput=" + cache(c));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0 || !Files.exists(cache(c))) throw new IOException("no cache was made: " + output);
    }

    private void run(Case c, boolean warmUp) throws IOException, InterruptedException {
        var command = c.cached ? command(c, "-XX:AOTCache=" + cache(c)) : command(c);
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        long start = System.nanoTime();
        Process process = builder.start();
        try (BufferedReader reader = process.inputReader()) {
            String line = reader.readLine();
            long ready = System.nanoTime();
            if (process.waitFor() != 0 || line == null) throw new IOException(String.join(" ", command) + " failed");
            if (warmUp) return;
            c.total.add((ready - start) / 1e6);
            c.own.add(Long.parseLong(line) / 1e3);
        }
    }

    private String report(Machine machine, List<Case> cases) {
        StringBuilder text = heading("Discovery in a JVM that has just started", machine, String.join(" ", FLAGS))
                .append(item("Method", rounds + " JVMs for each case, cases interleaved; median (least–most), in ms. \"From start\" is from before the process was made "
                        + "to its line saying that it is done, \"itself\" what the one action took in it"));
        notes(text, null);
        text.append(Markdown.head(2, List.of("first thing done", "AOT cache", "from start", "itself")));
        for (Case c : cases) text.append(Markdown.row(List.of(c.name, c.cached ? "yes" : "no", figure(c.total), figure(c.own))));
        return text.toString();
    }

    private static String figure(List<Double> figures) {
        Statistics s = Statistics.of(figures);
        return String.format(Locale.ROOT, "%.1f (%.1f–%.1f)", s.median(), s.min(), s.max());
    }
}
