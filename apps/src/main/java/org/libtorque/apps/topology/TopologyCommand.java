package org.libtorque.apps.topology;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.libtorque.apps.cli.Check;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.TopologyFormatException;
import org.libtorque.hardware.TopologyWatcher;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code torque topology}: prints what is known of this machine, of a dump, or of a made-up one. */
@Command(name = "topology",
        description = "Shows the machine: packages, cores, CPUs, caches, translation buffers, memory.",
        footer = {"", "A spec is levels from the outside in, then what they have:",
                "  torque topology --spec \"node:2 core:8 hart:2 l2:core=1M l3:core*4=32M memory:64G\""})
public final class TopologyCommand implements Callable<Integer> {
    /** Forms of the report. */
    enum Format { TEXT, JSON, SVG, DOT }

    /** Where the machine comes from, other than from here: a dump, or a spec. */
    private static final class Source {
        @ArgGroup(exclusive = false)
        Dump dump;
        @Option(names = "--spec", paramLabel = "TEXT", description = "Make a machine up.")
        String text;
    }

    /** One or both; both are compared with each other. */
    private static final class Dump {
        @Option(names = "--cpuid-dump", paramLabel = "DIR", description = "Read CPUID answers: files pu0, pu1, …")
        Path cpuid;
        @Option(names = "--sysfs-root", paramLabel = "DIR", description = "Read a tree that stands for /: sys and proc below it.")
        Path sysfs;
    }

    @Spec private CommandSpec spec;

    @ArgGroup(exclusive = true)
    private Source source;

    @Option(names = {"-f", "--format"}, paramLabel = "FORMAT", defaultValue = "text", converter = FormatConverter.class,
            description = "text, json, svg or dot (default: ${DEFAULT-VALUE}).")
    private Format format = Format.TEXT;

    @Option(names = "--watch", description = "Print a line for each change: CPUs going offline or online, cpuset, limits.")
    private boolean watch;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this text.")
    private boolean help;

    /** Made by picocli. */
    public TopologyCommand() {}

    /** Takes names in small letters. */
    static final class FormatConverter implements CommandLine.ITypeConverter<Format> {
        @Override public Format convert(String value) {
            for (Format f : Format.values()) {
                if (f.name().toLowerCase(Locale.ROOT).equals(value)) return f;
            }
            throw new CommandLine.TypeConversionException("'" + value + "' is not text, json, svg or dot");
        }
    }

    @Override public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (source != null && source.dump != null) {
            var check = new Check(spec);
            check.named("--cpuid-dump", source.dump.cpuid);
            check.named("--sysfs-root", source.dump.sysfs);
        }
        try {
            if (watch) return watch(out);
            Topology topology = read();
            out.print(switch (format) {
                case TEXT -> TextReport.text(topology);
                case JSON -> TopologyJson.text(topology, machine());
                case SVG -> SvgPicture.text(topology, machine());
                case DOT -> DotGraph.text(topology);
            });
            out.flush();
            return 0;
        } catch (TopologyFormatException e) {
            if (source != null && source.text != null) throw new Check(spec).invalid("--spec", e.getMessage());
            spec.commandLine().getErr().println(spec.qualifiedName() + ": " + e.getMessage());
            return 1;
        }
    }

    private Topology read() {
        if (source == null) return Topology.discoverWithGpus();
        if (source.text != null) return Topology.of(source.text);
        Dump dump = source.dump;
        if (dump.sysfs == null) return Topology.ofCpuidDump(dump.cpuid);
        return dump.cpuid == null ? Topology.ofSysfs(dump.sysfs) : Topology.ofSysfsAndCpuid(dump.sysfs, dump.cpuid);
    }

    private String machine() {
        if (source == null) return "this machine";
        if (source.text != null) return "spec";
        Path path = source.dump.sysfs != null ? source.dump.sysfs : source.dump.cpuid;
        Path name = path.toAbsolutePath().normalize().getFileName();
        return name == null ? "/" : name.toString();
    }

    private int watch(PrintWriter out) {
        if (source != null && (source.dump == null || source.dump.sysfs == null || source.dump.cpuid != null)) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--watch: CPUID dumps and specs do not change");
        }
        if (spec.commandLine().getParseResult().hasMatchedOption("--format")) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--watch: prints a line for each change, and has no --format");
        }
        Path root = source == null ? Path.of("/") : source.dump.sysfs;
        Duration interval = TopologyWatcher.INTERVAL;
        try (var watcher = TopologyWatcher.start(root, interval, change -> line(out, change.toString()))) {
            line(out, watcher.topology() + "; usable " + watcher.topology().usable());
            new CountDownLatch(1).await(); // until a signal ends the process
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }

    private static void line(PrintWriter out, String text) {
        out.println(LocalTime.now().truncatedTo(ChronoUnit.MILLIS) + " " + text);
        out.flush();
    }
}
