package org.libtorque.apps.watch;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.apps.cli.BackendChoice;
import org.libtorque.apps.cli.Check;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.Parse;
import org.libtorque.event.EventRing;
import org.libtorque.event.NetworkChange;
import org.libtorque.event.NetworkObject;
import org.libtorque.event.PathChange;
import org.libtorque.event.PathScope;
import org.libtorque.event.PressureTrigger;
import org.libtorque.event.Registration;
import org.libtorque.event.RingEvent;
import org.libtorque.event.Signal;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code torque watch}: everything that is asked for goes into one {@link EventRing}, and one thread prints what comes out. While the output is not read, the ring fills and sources
 * wait, so nothing is dropped that the kernel keeps.
 */
@Command(name = "watch", abbreviateSynopsis = true, sortOptions = false,
        description = "Prints events as they come, until SIGINT or SIGTERM.",
        footer = {"", "Each option may be given several times. TIME is a number with a unit (500ms, 10s, 2m).",
                "The exit code is 0 after SIGINT or SIGTERM, and when nothing is left to watch: all processes have ended, all paths have gone. It is 1 if something cannot be watched,",
                "or the output cannot be written."})
public final class WatchCommand implements Callable<Integer> {
    private static final int RING_CAPACITY = 4096;
    private static final int BATCH = 256;
    /** How often it is looked whether anything is left to watch. */
    private static final Duration LOOK = Duration.ofMillis(200);

    @Option(names = "--path", paramLabel = "PATH", description = "A directory and all in it; or a file, which need not exist yet.")
    private List<Path> paths = List.of();

    @Option(names = "--net", paramLabel = "KINDS", arity = "0..1", split = ",", fallbackValue = "all", description = "The network: link, address, route, neighbour, or several of them with "
            + "commas. Default: all of them")
    private List<String> network;

    @Option(names = "--signal", paramLabel = "NAMES", split = ",", description = "Signals: USR1, WINCH, RTMIN+3, several with commas. './torque watch' has them come with sender and value.")
    private List<String> signals = List.of();

    @Option(names = "--timer", paramLabel = "TIME", description = "A tick every so often.")
    private List<Duration> timers = List.of();

    @Option(names = "--pid", paramLabel = "PID", description = "The end of a process.")
    private List<Integer> pids = List.of();

    @Option(names = "--pressure", paramLabel = "SPEC", converter = PressureConverter.class, description = "Want of a resource: cpu, memory or io; then some (tasks wait, the default) or full (all do); "
            + "then for how long of which time, the latter a multiple of 2s for who lacks CAP_SYS_RESOURCE: memory:full:150ms/2s. Default: some:100ms/2s")
    private List<PressureTrigger> pressures = List.of();

    @Option(names = "--found", description = "Also print what is there at the beginning.")
    private boolean found;

    @Option(names = "--json", description = "Print one JSON object in each line.")
    private boolean json;

    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "auto", description = "Event queue: auto, epoll or io_uring. Default: ${DEFAULT-VALUE}")
    private BackendChoice backend;

    @Option(names = {"-q", "--quiet"}, description = "Do not say on standard error that it has begun.")
    private boolean quiet;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this text.")
    private boolean help;

    @Spec private CommandSpec spec;

    private final List<Registration> registrations = new ArrayList<>();
    /** How many of them have not yet told everything that there is; the printing thread's, after they were made. */
    private int incomplete;
    private int watched;

    /** Made by picocli. */
    public WatchCommand() {}

    /** {@code cpu}, {@code memory:full}, {@code io:some:100ms/2s}. */
    static final class PressureConverter implements CommandLine.ITypeConverter<PressureTrigger> {
        private static final Duration STALL = Duration.ofMillis(100), WINDOW = Duration.ofSeconds(2);

        @Override public PressureTrigger convert(String text) {
            String[] parts = text.split(":", -1);
            PressureTrigger.Resource resource = null;
            for (PressureTrigger.Resource candidate : PressureTrigger.Resource.values()) {
                if (candidate.name().toLowerCase(Locale.ROOT).equals(parts[0])) resource = candidate;
            }
            boolean known = resource != null && parts.length <= 3 && (parts.length == 1 || parts[1].equals("some") || parts[1].equals("full"));
            String[] times = parts.length == 3 ? parts[2].split("/", -1) : new String[0];
            if (!known || parts.length == 3 && times.length != 2) throw new TypeConversionException("'" + text + "' is not of the form cpu, memory:full or io:some:100ms/2s");
            try {
                Duration stall = times.length == 2 ? Parse.duration(times[0]) : STALL;
                Duration window = times.length == 2 ? Parse.duration(times[1]) : WINDOW;
                return new PressureTrigger(resource, parts.length > 1 && parts[1].equals("full"), stall, window, null);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    @Override public Integer call() throws Exception {
        var check = new Check(spec);
        Set<NetworkObject.Kind> kinds = kinds();
        List<Signal> wanted = new ArrayList<>();
        for (String name : signals) {
            try {
                wanted.add(Signal.of(name));
            } catch (IllegalArgumentException e) {
                throw check.invalid("--signal", e.getMessage());
            }
        }
        for (Duration period : timers) {
            if (!period.isPositive()) throw check.invalid("--timer", "it must be above 0");
        }
        for (int pid : pids) {
            if (pid <= 0) throw check.invalid("--pid", "'" + pid + "' is no process: they have numbers from 1");
        }
        if (paths.isEmpty() && kinds.isEmpty() && wanted.isEmpty() && timers.isEmpty() && pids.isEmpty() && pressures.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "nothing to watch: name some of --path, --net, --signal, --timer, --pid, --pressure");
        }
        PrintWriter err = spec.commandLine().getErr();
        var trouble = new AtomicBoolean();
        var options = TorqueOptions.defaults().withCpus(CpuSet.of(CpuSet.allowed().toArray()[0])).withBackend(Backend.valueOf(backend.name()))
                .withFailureHandler((where, failure) -> {
                    err.println(spec.qualifiedName() + ": " + failure.getMessage());
                    err.flush();
                    trouble.set(true);
                });
        try (var torque = Torque.open(options)) {
            EventRing ring = torque.ring(RING_CAPACITY);
            register(torque, ring, kinds, wanted);
            Thread[] printer = {null};
            torque.block(() -> { // signals are taken care of now
                printer[0] = Thread.ofPlatform().name("torque-watch-printer").start(() -> {
                    if (!print(ring, torque)) trouble.set(true);
                    torque.stop();
                });
            });
            printer[0].join();
            return trouble.get() ? 1 : 0;
        }
    }

    private Set<NetworkObject.Kind> kinds() {
        var kinds = EnumSet.noneOf(NetworkObject.Kind.class);
        if (network == null) return kinds;
        for (String name : network) {
            if (name.equals("all")) {
                kinds.addAll(EnumSet.allOf(NetworkObject.Kind.class));
                continue;
            }
            try {
                kinds.add(NetworkObject.Kind.valueOf(name.toUpperCase(Locale.ROOT)));
            } catch (IllegalArgumentException e) {
                throw new Check(spec).invalid("--net", "'" + name + "' is none of link, address, route, neighbour");
            }
        }
        return kinds;
    }

    private void register(Torque torque, EventRing ring, Set<NetworkObject.Kind> kinds, List<Signal> wanted) throws IOException {
        for (Path path : paths) {
            PathScope scope = Files.isDirectory(path) ? PathScope.TREE : PathScope.NAME;
            try {
                registrations.add(torque.onPath(path, scope, torque.newColor(), ring.port(new Line.Origin("path", path.toString()))));
                incomplete++;
            } catch (java.nio.file.FileSystemException | IllegalArgumentException e) {
                String reason = e instanceof java.nio.file.NoSuchFileException ? ": there is no such directory" : e instanceof java.nio.file.AccessDeniedException ? ": it may not be read" : "";
                throw new CommandException("cannot watch " + path + ": " + e.getMessage() + reason, e);
            }
        }
        if (!kinds.isEmpty()) {
            registrations.add(torque.onNetwork(kinds, torque.newColor(), ring.port(new Line.Origin("net", ""))));
            incomplete++;
        }
        for (Signal signal : wanted) {
            try {
                registrations.add(torque.onSignal(signal, torque.newColor(), ring.port(new Line.Origin("signal", signal.name()))));
            } catch (UnsupportedOperationException e) {
                throw new CommandException(e.getMessage(), e);
            }
        }
        for (Duration period : timers) registrations.add(torque.every(period, torque.newColor(), ring.port(new Line.Origin("timer", period.toMillis() + " ms"))));
        for (int pid : pids) registrations.add(torque.onExit(pid, torque.newColor(), ring.port(new Line.Origin("pid", Integer.toString(pid)))));
        for (PressureTrigger trigger : pressures) registrations.add(torque.onPressure(trigger, torque.newColor(), ring.port(new Line.Origin("pressure", trigger.toString()))));
        watched = registrations.size();
    }

    /** Prints until the ring is closed or nothing is left. Returns false if the output could not be written. */
    private boolean print(EventRing ring, Torque torque) {
        PrintWriter out = spec.commandLine().getOut();
        LineFormat format = json ? LineFormat.JSON : isTerminal() ? LineFormat.COLOURED : LineFormat.PLAIN;
        var batch = new RingEvent[BATCH];
        if (incomplete == 0) sayReady(torque);
        try {
            while (true) {
                boolean over = torque.isStopping();
                int n = ring.take(batch, LOOK);
                Instant now = Instant.now();
                for (int i = 0; i < n; i++) {
                    RingEvent event = batch[i];
                    if (event.event() == RingEvent.Mark.COMPLETE && --incomplete == 0) sayReady(torque);
                    if (isShown(event)) out.println(format.text(Line.of((Line.Origin) event.tag(), event), now));
                }
                out.flush();
                if (out.checkError()) return false;
                if (n == 0 && (over || registrations.stream().noneMatch(Registration::isOpen))) return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does
            return true;
        }
    }

    private boolean isShown(RingEvent event) {
        if (found) return true;
        return switch (event.event()) {
            case PathChange change -> change.what() != PathChange.What.FOUND;
            case NetworkChange change -> change.what() != NetworkChange.What.FOUND;
            case RingEvent.Mark mark -> mark != RingEvent.Mark.COMPLETE;
            case null, default -> true;
        };
    }

    private void sayReady(Torque torque) {
        if (quiet) return;
        PrintWriter err = spec.commandLine().getErr();
        err.println(spec.qualifiedName() + ": watching " + watched + (watched == 1 ? " source" : " sources") + " with " + torque.backend().optionName() + "; SIGINT or SIGTERM ends it");
        err.flush();
    }

    /** Whether colours are for people, who may have said that they want none (no-color.org). */
    private static boolean isTerminal() {
        if (System.getenv("NO_COLOR") != null || "dumb".equals(System.getenv("TERM"))) return false;
        try {
            String output = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return output.startsWith("/dev/pts/") || output.startsWith("/dev/tty") || output.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }
}
