package org.libtorque.apps.simulate;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.libtorque.apps.cli.Check;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.TopologyFormatException;
import org.libtorque.sim.Costs;
import org.libtorque.sim.Policy;
import org.libtorque.sim.Result;
import org.libtorque.sim.Scenario;
import org.libtorque.sim.Simulator;
import org.libtorque.sim.Workload;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code torque simulate}: plays workloads against policies on made-up machines, and reports. */
@Command(name = "simulate",
        description = "Simulates how policies serve a workload on a made-up machine, in virtual time and from a seed: the same arguments give the same output, "
                + "to the byte.",
        footer = {"", "Workloads:",
                "  balanced   every connection alike, as many on each hart",
                "  zipf       request rates by Zipf's law (exponent 1), at random over the harts",
                "  fat        8 connections on every second hart ask for 200 us back to back; 28 light ones per hart, 5 us",
                "  lone       one connection on every second hart asks for 200 us back to back beside 56 light ones;",
                "             the others' CPUs are away for 30 us of every 75",
                "  bursts     half of the load comes at once, to all connections of one hart at a time",
                "  phases     a quarter of the harts gets five times the load of the others, another quarter every 10 ms",
                "  slow       one request in a hundred takes 1 ms, the others 5 us",
                "  cpu-loss   every eighth hart is taken away for 4 ms in every 20 ms", "", "Policies:",
                "  ideal      what could be had if looking, waking and moving were free (a bound)",
                "  netty      one loop per hart, connections bound for good, first in first out (model of Netty)",
                "  shared     one queue of ready connections for all harts, under one lock (model)",
                "  random     a queue per hart; an idle hart takes from others chosen at random (model)",
                "  static     this library's loop, connections bound for good (the real code)",
                "  steal      this library's loop, idle harts take waiting colours (the real code)",
                "  migrate    the same, and what is taken again and again moves for good (the real code)"},
        abbreviateSynopsis = true, sortOptions = false)
public final class SimulateCommand implements Callable<Integer> {
    /** Requests that a run sends if no time is given. */
    private static final double TYPICAL_REQUESTS = 300_000;
    private static final double SHORTEST_SECONDS = 0.05;
    /** A request of the workloads takes about so long; only for how long a run is. */
    private static final double TYPICAL_SECONDS_PER_REQUEST = 13e-6;

    /** Forms of the report. */
    enum Format { TEXT, JSON, SVG }

    /** What a plot over the number of harts shows. */
    enum Figure { P99, THROUGHPUT, MOVES, BUSY }

    /** Whether clients wait for their answers. */
    enum Loop { OPEN, CLOSED }

    private static final class Machine {
        @Option(names = "--spec", paramLabel = "TEXT", description = "The machine, as 'torque topology' takes it: \"node:2 core:8 hart:2 l2:core l3:core*4\"")
        String spec;
        @Option(names = "--harts", paramLabel = "LIST", split = ",", hideParamSyntax = true,
                description = "Plausible machines with so many harts, 1 to 4096. Several, such as 2,16,128, show how policies scale. Default: 16")
        List<Integer> harts = List.of();
    }

    @Spec private CommandSpec command;

    @ArgGroup private Machine machine = new Machine();

    @Option(names = {"-w", "--workload"}, paramLabel = "LIST", split = ",", hideParamSyntax = true, converter = WorkloadConverter.class,
            description = "What clients do; see below. Default: all")
    private List<Workload> workloads = List.of(Workload.values());

    @Option(names = {"-p", "--policy"}, paramLabel = "LIST", split = ",", hideParamSyntax = true, converter = PolicyConverter.class,
            description = "Who serves them; see below. Default: all")
    private List<Policy> policies = List.of(Policy.values());

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "What everything random follows from. Default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(names = "--seconds", paramLabel = "S", description = "Virtual time that counts, such as 0.5. Default: so that about 300,000 requests come, at least 0.05")
    private Double seconds;

    @Option(names = "--load", paramLabel = "SHARE", defaultValue = "0.6",
            description = "Share of the harts' time that requests take; 'fat' saturates by itself. Default: ${DEFAULT-VALUE}")
    private double load;

    @Option(names = {"-c", "--connections"}, paramLabel = "N", defaultValue = "32",
            description = "Connections per hart, 1 to 4096. Default: ${DEFAULT-VALUE}")
    private int connections;

    @Option(names = "--loop", paramLabel = "KIND", defaultValue = "open", converter = LoopConverter.class,
            description = "open: requests come whatever happens. closed: a client waits for its answer first. Default: ${DEFAULT-VALUE}")
    private Loop loop;

    @Option(names = "--repeat", paramLabel = "N", defaultValue = "1",
            description = "Play each case with so many seeds, from --seed on, and report the median of each figure. Default: ${DEFAULT-VALUE}")
    private int repeat;

    @Option(names = {"-f", "--format"}, paramLabel = "LIST", split = ",", hideParamSyntax = true, defaultValue = "text", converter = FormatConverter.class,
            description = "text, json or svg. Default: ${DEFAULT-VALUE}")
    private List<Format> formats;

    @Option(names = "--plot", paramLabel = "LIST", split = ",", hideParamSyntax = true, defaultValue = "p99", converter = FigureConverter.class,
            description = "For svg with several machines, what is drawn over the number of harts: p99, throughput, moves, busy. A file each. Default: ${DEFAULT-VALUE}")
    private List<Figure> figures;

    @Option(names = "--out", paramLabel = "DIR", description = "Write into files of this folder, made if it is not there, not to standard output.")
    private Path out;

    @Option(names = "--timing", description = "Say on standard error what CPU time each run took.")
    private boolean timing;

    @Option(names = "--check", paramLabel = "N",
            description = "Search for mistakes in the loop instead: N small runs with seeds from --seed on, in which every task checks its colour's order and "
                    + "exclusion, and how long each step takes is random.")
    private Long checks;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this text.")
    private boolean help;

    /** Made by picocli. */
    public SimulateCommand() {}

    static final class WorkloadConverter implements ITypeConverter<Workload> {
        @Override public Workload convert(String value) { return named(value, Workload.values(), Workload::label); }
    }

    static final class PolicyConverter implements ITypeConverter<Policy> {
        @Override public Policy convert(String value) { return named(value, Policy.values(), Policy::label); }
    }

    static final class FormatConverter implements ITypeConverter<Format> {
        @Override public Format convert(String value) { return named(value, Format.values(), f -> f.name().toLowerCase(Locale.ROOT)); }
    }

    static final class FigureConverter implements ITypeConverter<Figure> {
        @Override public Figure convert(String value) { return named(value, Figure.values(), f -> f.name().toLowerCase(Locale.ROOT)); }
    }

    static final class LoopConverter implements ITypeConverter<Loop> {
        @Override public Loop convert(String value) { return named(value, Loop.values(), l -> l.name().toLowerCase(Locale.ROOT)); }
    }

    private static <T> T named(String value, T[] all, Function<T, String> label) {
        for (T t : all) {
            if (label.apply(t).equals(value)) return t;
        }
        throw new TypeConversionException("'" + value + "' is not one of " + String.join(", ", Arrays.stream(all).map(label).toList()));
    }

    @Override public Integer call() {
        if (checks != null) return check();
        Map<String, Topology> machines = machines();
        range("--load", load > 0 && load <= 4, load + " is not above 0 and at most 4");
        range("--connections", connections >= 1 && connections <= 4096, connections + " is not within 1 to 4096");
        range("--repeat", repeat >= 1 && repeat <= 1000, repeat + " is not within 1 to 1000");
        range("--seconds", seconds == null || seconds >= 1e-6 && seconds <= 1e5, seconds + " is not within 0.000001 to 100000");
        makeFolder(); // before what may take hours
        var results = new ArrayList<Result>();
        for (Topology topology : machines.values()) {
            for (Workload workload : workloads) {
                for (Policy policy : policies) results.add(run(topology, workload, policy));
            }
        }
        for (Format format : formats) {
            switch (format) {
                case TEXT -> write("simulate.txt", ResultTable.text(results));
                case JSON -> write("simulate.json", ResultJson.text(machines, results, repeat));
                case SVG -> {
                    if (machines.size() == 1) write("simulate.svg", ResultPlot.text(results, Figure.P99));
                    else for (Figure figure : figures) write("simulate-" + figure.name().toLowerCase(Locale.ROOT) + ".svg", ResultPlot.text(results, figure));
                }
            }
        }
        return 0;
    }

    private int check() {
        range("--check", checks >= 1 && checks <= 1_000_000_000, checks + " is not within 1 to 1000000000");
        long events = 0;
        for (long i = 0; i < checks; i++) {
            long s = seed + i; // behind the greatest comes the least
            try {
                events += Simulator.check(s);
            } catch (AssertionError e) {
                PrintWriter err = command.commandLine().getErr();
                err.println(command.qualifiedName() + ": " + e.getMessage());
                err.println("To repeat it: torque simulate --check 1 --seed " + s);
                e.printStackTrace(err);
                return 1;
            }
        }
        command.commandLine().getOut().println(checks + " checks from seed " + seed + " on: " + events + " events, nothing found");
        return 0;
    }

    private Map<String, Topology> machines() {
        if (machine.spec != null) {
            try {
                Topology topology = Topology.of(machine.spec);
                range("--spec", topology.online().size() <= Scenario.MAX_HARTS, "makes more than " + Scenario.MAX_HARTS + " harts");
                return Map.of(machine.spec, topology);
            } catch (TopologyFormatException e) {
                throw new Check(command).invalid("--spec", e.getMessage());
            }
        }
        var machines = new LinkedHashMap<String, Topology>();
        for (int harts : machine.harts.isEmpty() ? List.of(16) : machine.harts) {
            range("--harts", harts >= 1 && harts <= Scenario.MAX_HARTS, harts + " is not within 1 to " + Scenario.MAX_HARTS);
            String spec = Scenario.machine(harts);
            machines.put(spec, Topology.of(spec));
        }
        return machines;
    }

    private Result run(Topology topology, Workload workload, Policy policy) {
        double rate = topology.online().size() * load / TYPICAL_SECONDS_PER_REQUEST;
        double time = seconds != null ? seconds : Math.max(SHORTEST_SECONDS, TYPICAL_REQUESTS / rate);
        var runs = new ArrayList<Result>();
        for (int i = 0; i < repeat; i++) {
            runs.add(Simulator.run(new Scenario(topology, workload, policy, seed + i, (long) (time * 1e9), load, connections, loop == Loop.CLOSED, Costs.DEFAULT)));
        }
        Result result = Medians.of(runs);
        if (timing) {
            command.commandLine().getErr().println(String.format(Locale.ROOT, "%d harts, %s, %s: %.2f s of CPU for %.3f s, %d events, %.0f ns each", result.scenario().hartCount(),
                    workload.label(), policy.label(), result.cpuNanos() * 1e-9, time, result.events(), (double) result.cpuNanos() / result.events()));
        }
        return result;
    }

    private void makeFolder() {
        if (out == null) return;
        new Check(command).named("--out", out);
        try {
            Files.createDirectories(out);
        } catch (FileAlreadyExistsException e) {
            throw new CommandException("cannot make folder " + out + ": there is something else of that name", e);
        } catch (IOException e) {
            throw new CommandException("cannot make folder " + out + ": " + reason(e), e);
        }
        if (!Files.isWritable(out)) throw new CommandException("folder " + out + " may not be written", null);
    }

    private static String reason(IOException e) {
        return e instanceof FileSystemException f && f.getReason() == null ? e.getClass().getSimpleName() + " of " + f.getFile() : e.getMessage();
    }

    private void write(String name, String text) {
        if (out == null) {
            PrintWriter writer = command.commandLine().getOut();
            writer.print(text);
            writer.flush();
            return;
        }
        try {
            Files.writeString(out.resolve(name), text);
        } catch (IOException e) {
            throw new CommandException("cannot write " + out.resolve(name) + ": " + reason(e), e);
        }
    }

    private void range(String option, boolean ok, String what) {
        if (!ok) throw new Check(command).invalid(option, what);
    }
}
