package org.libtorque.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * What the programs of {@code torque bench} share: how they are called and refuse wrong arguments, the source tree that they measure, the processes that they start, what
 * they say on the way, and a report, which is shown and kept in {@code bench/results}. A subclass says with {@link CommandLine.Command} that it is {@code torque bench NAME}.
 */
abstract class BenchProgram implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--rounds", order = 10, paramLabel = "N", description = "Rounds, in each of which all take their turns (default: ${DEFAULT-VALUE}).")
    int rounds;

    @Option(names = "--out", order = 90, paramLabel = "FILE",
            description = "Where the report goes (default: bench/results/NAME-DATE.md, replacing one of the same day).")
    private Path out;

    @Option(names = {"-h", "--help"}, order = 91, usageHelp = true, description = "Shows this text.")
    private boolean help;

    /** The source tree. */
    final Path home = Scratch.sourceTree();
    final Children children = new Children();
    private final List<String> notes = new ArrayList<>();

    /** @param rounds how many unless told otherwise */
    BenchProgram(int rounds) { this.rounds = rounds; }

    /** Runs a program: returns 0 when it has run, 1 when it could not, 2 when an argument is wrong. */
    static int run(BenchProgram program, String... args) {
        var line = new CommandLine(program);
        String name = line.getCommandName();
        line.setParameterExceptionHandler((e, wrong) -> {
            say(name + ": " + e.getMessage().lines().findFirst().orElse("bad arguments"));
            return 2;
        });
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof IOException && e.getMessage() != null) say(name + ": " + e.getMessage());
            else e.printStackTrace(); // nothing that an argument or the machine explains
            return 1;
        });
        return line.execute(args);
    }

    @Override public final Integer call() throws Exception {
        require(rounds >= 1, "--rounds must be at least 1");
        checkArguments();
        String report = measure(Machine.describe(home));
        System.out.print(report);
        write(reportFile(), report);
        if (System.out.checkError()) throw new IOException("cannot write to standard output"); // the file is there all the same
        return 0;
    }

    /** Returns where the report goes, absolute. */
    Path reportFile() {
        String name = spec.name().substring(spec.name().lastIndexOf(' ') + 1);
        return (out != null ? out : home.resolve("bench/results/" + name + "-" + LocalDate.now() + ".md")).toAbsolutePath();
    }

    /** Writes the report, or what belongs to it and stands beside it. */
    void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        say("written to " + file);
    }

    /** {@linkplain #require Refuses} arguments that are wrong. */
    abstract void checkArguments();

    /** Measures, and returns the report. {@code machine}: this one, as it was before anything was done. */
    abstract String measure(Machine machine) throws IOException, InterruptedException;

    // ---- arguments

    /** Refuses the arguments unless they are right. */
    final void require(boolean right, String otherwise) {
        if (!right) throw new ParameterException(spec.commandLine(), otherwise);
    }

    /** Refuses names that are not known. {@code what} they name, as in "case". */
    final void requireKnown(String what, Collection<String> names, Collection<String> known) {
        for (String name : names) require(known.contains(name), "no " + what + " '" + name + "'; there are " + known);
    }

    /** Refuses lists of CPUs, null for none, that are no such lists or name one that this process may not run on. */
    final void requireCpus(String... lists) {
        List<Integer> allowed = allowedCpus();
        for (String list : lists) {
            if (list == null) continue;
            try {
                require(allowed.containsAll(CpuList.parse(list)), "CPUs " + list + " are not all allowed: " + allowed);
            } catch (NumberFormatException e) {
                require(false, "CPUs are a list such as 0,1: " + e.getMessage());
            }
        }
    }

    static List<Integer> allowedCpus() { return CpuList.parse(ProcFiles.allowedCpus()); }

    /** Returns the CPUs of a list, or all that are allowed where there is none (null). */
    static List<Integer> cpus(String list) { return list == null ? allowedCpus() : CpuList.parse(list).stream().distinct().toList(); }

    // ---- processes

    /**
     * For programs that bind processes to CPUs: sees to it that this can be done, and that those that run end with this one.
     *
     * @throws IOException if there is no taskset(1)
     */
    final void prepareProcesses() throws IOException {
        if (Commands.find("taskset") == null) throw new IOException("taskset is needed (package util-linux)");
        Runtime.getRuntime().addShutdownHook(new Thread(children::close, "clean-up"));
    }

    /**
     * Has a process measure, and returns what it prints.
     *
     * @throws IOException if it fails or prints nothing, and what it has said of that is shown; or if the run is being stopped
     */
    final String output(List<String> command) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("torque-bench-", ".log");
        Process process = children.start(new ProcessBuilder(command).redirectError(errors.toFile()));
        try (InputStream output = process.getInputStream()) {
            String text = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() == 0 && !text.isEmpty()) return text;
            if (children.isClosed()) throw new IOException("stopped");
            say(Files.readString(errors).strip()); // among it what the runtime says of itself
            throw new IOException(String.join(" ", command) + " failed: exit code " + process.exitValue());
        } finally {
            children.stop(process);
            Files.delete(errors);
        }
    }

    // ---- the report

    /** Begins the report: what was measured, and on what. {@code flags}: those of the JVMs. */
    final StringBuilder heading(String title, Machine machine, String flags) {
        return new StringBuilder("# ").append(title).append(", ").append(LocalDate.now()).append("\n\n")
                .append(Markdown.item("Machine", machine.cpu() + ", CPUs allowed: " + machine.cpuCount() + "; " + machine.kernel()))
                .append(Markdown.item("JVM", machine.jvm() + "; " + flags))
                .append(Markdown.item("Commit", machine.commit()));
    }

    /** Ends the list at the beginning of the report with what is to be said of this run. {@code disturbance}: null if there was none. */
    final void notes(StringBuilder text, String disturbance) {
        if (disturbance != null) note(disturbance + ".");
        for (String note : notes) text.append(Markdown.item("Note", note));
        text.append('\n');
    }

    /** Says something that is also for the report. */
    final void note(String text) {
        notes.add(text);
        say(text);
    }

    static void say(String text) { System.err.println(text); }
}
