package org.libtorque.apps.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.libtorque.apps.load.LoadGenerator;
import org.libtorque.hardware.CpuSet;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code torque load}: declares the options and hands them, checked, to the load generator. */
@Command(name = "load",
        description = "Loads an HTTP/1.1 server in a closed loop (each connection sends the next request when an answer is complete) or, with "
                + "--rate, in an open one (requests are due at fixed times).",
        footer = {"", "TIME is a number with a unit: 500ms, 10s, 2m.", "",
            "One request is sent ahead; every other answer must have its status and, where Content-Length gave one, its length.",
            "In a closed loop a server that stalls is asked less often, so latencies look better than independent users would find them. In an "
                + "open loop they count from when a request was due: if its connection still waits for another answer then, it is sent behind that "
                + "one, and its own waiting counts. What has no answer at the end counts with the time it has waited until then.", "",
            "GROUP is a name and, separated by blanks, any of:",
            "  connections=N   default 1",
            "  path=/P?Q       default: the URL's",
            "  numbers=N       the first * in the path stands for a number of nine digits, 0 to N-1 in turn: N different requests",
            "  rate=R          requests per second of the whole group; default: a closed loop",
            "  pipeline=N      default 1",
            "  vcore=N[,N...]  only connections that this vcore of the server serves, as GET /whoami tells (kweb: --bench-endpoints); with "
                + "several, so many connections on each",
            "  move=TIME       with several vcores: the connections of one are busy for so long, then those of the next",
            "For example: --group 'heavy connections=8 path=/work?us=200 vcore=0' --group 'light connections=56 path=/work?us=5 rate=10000'"},
        abbreviateSynopsis = true, sortOptions = false)
final class LoadCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "URL", description = "http://host[:port][/path][?query]")
    private URI url;

    @Option(names = {"-c", "--connections"}, paramLabel = "N", defaultValue = "64",
            description = "Connections held open at once. Default: ${DEFAULT-VALUE}")
    private int connections;

    @Option(names = {"-p", "--pipeline"}, paramLabel = "N", defaultValue = "1",
            description = "Requests outstanding on each connection. Default: ${DEFAULT-VALUE}")
    private int pipeline;

    @Option(names = {"-r", "--rate"}, paramLabel = "R", defaultValue = "0",
            description = "Requests per second in all, in an open loop, spread evenly over time and connections; 0 for a closed loop. "
                    + "Default: ${DEFAULT-VALUE}")
    private long rate;

    @Option(names = {"-g", "--group"}, paramLabel = "GROUP", arity = "1",
            description = "Connections with a path, a rate and a place of their own, instead of --connections, --pipeline and --rate. Repeatable.")
    private List<String> groups = List.of();

    @Option(names = {"-d", "--duration"}, paramLabel = "TIME", defaultValue = "10s",
            description = "Measured time. Default: ${DEFAULT-VALUE}")
    private Duration duration;

    @Option(names = "--warmup", paramLabel = "TIME", defaultValue = "2s",
            description = "Time before it that does not count. Default: ${DEFAULT-VALUE}")
    private Duration warmup;

    @Option(names = "--requests-per-connection", paramLabel = "N", defaultValue = "0",
            description = "Reconnect after so many requests, 0 for never. Default: ${DEFAULT-VALUE}")
    private long requestsPerConnection;

    @Option(names = {"-X", "--method"}, paramLabel = "METHOD", converter = Parse.Method.class,
            description = "Request method. Default: GET, with a body POST")
    private String method;

    @Option(names = {"-H", "--header"}, paramLabel = "FIELD", arity = "1", description = "Extra header field, as 'Name: value'. Repeatable.")
    private List<HttpField> fields = List.of();

    @ArgGroup private Body body = new Body();

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to run on, as 0,2 or 0-3. Default: all the process may use")
    private CpuSet cpus = CpuSet.of();

    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "auto",
            description = "Event queue: auto, epoll or io_uring. Default: ${DEFAULT-VALUE}")
    private BackendChoice backend;

    @Option(names = "--sources", paramLabel = "LIST", split = ",", hideParamSyntax = true,
            description = "Local addresses to connect from, in turn, such as 127.0.0.1-127.0.0.16. Each has its own port numbers, so many short "
                    + "connections need several.")
    private List<String> sources = List.of();

    @Option(names = "--json", description = "Print the result as one JSON object.")
    private boolean json;

    @Option(names = "--timeout", paramLabel = "TIME", defaultValue = "10s",
            description = "An answer that takes longer counts as failed, 0 for never. Default: ${DEFAULT-VALUE}")
    private Duration timeout;

    @Option(names = {"-q", "--quiet"}, description = "No live progress line.")
    private boolean quiet;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this text.")
    private boolean help;

    @Spec private CommandSpec spec;

    /** At most one of them. */
    static final class Body {
        @Option(names = "--body", paramLabel = "TEXT", description = "Request body, sent as UTF-8.")
        private String text;

        @Option(names = "--body-file", paramLabel = "FILE", description = "File whose contents are the request body.")
        private Path file;
    }

    @Override
    public Integer call() throws Exception {
        return LoadGenerator.run(options());
    }

    LoadOptions options() {
        var check = new Check(spec);
        check.range("--connections", connections, 1, 1_000_000);
        check.range("--pipeline", pipeline, 1, 100_000);
        check.range("--rate", rate, 0, GroupSyntax.MAX_RATE);
        check.range("--requests-per-connection", requestsPerConnection, 0, Long.MAX_VALUE);
        if (duration.isZero()) throw check.invalid("--duration", "the time is zero");
        var content = body(check);
        var verb = method != null ? method : content.length > 0 ? "POST" : "GET";
        return new LoadOptions(url, connections, pipeline, duration, warmup, requestsPerConnection,
                verb, fields, content, cpus, backend, sources(check), json, timeout, quiet, rate, groups(check));
    }

    private List<LoadGroup> groups(Check check) {
        if (groups.isEmpty()) return List.of();
        var all = new ArrayList<LoadGroup>();
        try {
            for (var text : groups) {
                var group = GroupSyntax.parse(text, LoadOptions.requestTarget(url));
                if (all.stream().anyMatch(other -> other.name().equals(group.name()))) {
                    throw new TypeConversionException("there are two groups named '" + group.name() + "'");
                }
                all.add(group);
            }
        } catch (TypeConversionException e) {
            throw check.invalid("--group", e.getMessage());
        }
        for (var option : List.of("--connections", "--pipeline", "--rate")) {
            if (spec.commandLine().getParseResult().hasMatchedOption(option)) throw check.invalid(option, "with --group each group has its own");
        }
        return all;
    }

    private List<InetAddress> sources(Check check) {
        try {
            return sources.stream().flatMap(text -> Parse.addresses(text).stream()).toList();
        } catch (TypeConversionException e) {
            throw check.invalid("--sources", e.getMessage());
        }
    }

    private byte[] body(Check check) {
        if (body.text != null) return body.text.getBytes(StandardCharsets.UTF_8);
        if (body.file == null) return new byte[0];
        try {
            return Files.readAllBytes(body.file);
        } catch (IOException e) {
            throw check.invalid("--body-file", "cannot read '" + body.file + "'");
        }
    }
}
