package org.libtorque.apps.cli;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

import org.libtorque.apps.kweb.Kweb;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Balance;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code torque serve}: declares the options and hands them, checked, to the web server. */
@Command(name = "serve",
        description = "Serves HTTP/1.1 on every CPU it may use, until SIGTERM or SIGINT; then it finishes the requests in flight.",
        footer = {"", "TIME is a number with a unit (500ms, 10s, 2m), 0 switches a timeout off. SIZE is in bytes or with k, m, g.",
                "Without --root no file is served: / is a short welcome page, /plaintext and /json always answer."},
        abbreviateSynopsis = true, sortOptions = false)
final class ServeCommand implements Callable<Integer> {
    @Option(names = "--port", paramLabel = "N", defaultValue = "8080",
            description = "TCP port, 0 lets the kernel pick one. Default: ${DEFAULT-VALUE}")
    private int port;

    @Option(names = "--address", paramLabel = "ADDRESS", description = "Local address to listen on. Default: all")
    private InetAddress address;

    /** No default: the current directory may hold what its owner never meant to publish. */
    @Option(names = "--root", paramLabel = "DIR", description = "Directory whose files are served. Default: none, built-in pages only")
    private Path root;

    @Option(names = "--cpus", paramLabel = "LIST", description = "CPUs to run on, as 0,2 or 0-3. Default: all the process may use")
    private CpuSet cpus = CpuSet.of();

    @Option(names = "--backend", paramLabel = "NAME", defaultValue = "auto",
            description = "Event queue: auto, epoll or io_uring. Default: ${DEFAULT-VALUE}")
    private BackendChoice backend;

    @Option(names = "--mode", paramLabel = "NAME", defaultValue = "event",
            description = "In what connections are served: event, callbacks; thread, a user-level thread for each; kweb, pools of user-level threads that serve the requests of a "
                    + "connection together, each CPU its own connections, accepted on the first; os, a platform thread for each. Default: ${DEFAULT-VALUE}")
    private ServeMode mode;

    @Option(names = "--burst", paramLabel = "N", defaultValue = "10",
            description = "In mode kweb: requests of one connection that are taken before another connection has its turn. Default: ${DEFAULT-VALUE}")
    private int burst;

    @Option(names = "--balance", paramLabel = "NAME", defaultValue = "migrate",
            description = "What CPUs do when one has more to do than another: static, nothing; steal, take over waiting connections; migrate, keep those that are "
                    + "taken again and again. Default: ${DEFAULT-VALUE}")
    private Balance balance;

    @Option(names = "--min-cpus", paramLabel = "N", defaultValue = "0",
            description = "Leave CPUs to others while there is little to do, but work on N at least. 0: work on all. Default: ${DEFAULT-VALUE}")
    private int minCpus;

    @Option(names = "--listing", description = "Answer a directory without an index file with a list of its entries.")
    private boolean listing;

    @Option(names = "--bench-endpoints", description = "Also answer /work?us=N, which burns CPU time, /hash/ANY?rounds=N, which computes behind a cache, /cipher?kb=N, which "
            + "encrypts, /whoami and /stats. Not for the open network.")
    private boolean benchEndpoints;

    @Option(names = "--max-header-bytes", paramLabel = "SIZE", defaultValue = "16k", converter = Parse.Size.class,
            description = "Longest request line and header, together. Default: ${DEFAULT-VALUE}")
    private long maxHeaderBytes;

    @Option(names = "--max-body-bytes", paramLabel = "SIZE", defaultValue = "1m", converter = Parse.Size.class,
            description = "Longest request body. Default: ${DEFAULT-VALUE}")
    private long maxBodyBytes;

    @Option(names = "--max-connections", paramLabel = "N", defaultValue = "0",
            description = "Most connections at once, 0 for as many as there are descriptors. Default: ${DEFAULT-VALUE}")
    private int maxConnections;

    @Option(names = "--idle-timeout", paramLabel = "TIME", defaultValue = "60s",
            description = "Close a connection that sends no request for so long. Default: ${DEFAULT-VALUE}")
    private Duration idleTimeout;

    @Option(names = "--header-timeout", paramLabel = "TIME", defaultValue = "10s",
            description = "Close a connection whose request header takes longer to arrive. Default: ${DEFAULT-VALUE}")
    private Duration headerTimeout;

    @Option(names = "--progress-timeout", paramLabel = "TIME", defaultValue = "10s",
            description = "Close a connection whose body or response moves less than 1 KiB in so long. Default: ${DEFAULT-VALUE}")
    private Duration progressTimeout;

    @Option(names = "--drain-timeout", paramLabel = "TIME", defaultValue = "10s",
            description = "Time for requests in flight once told to stop. Default: ${DEFAULT-VALUE}")
    private Duration drainTimeout;

    @Option(names = "--backlog", paramLabel = "N", defaultValue = "4096",
            description = "Connections the kernel may hold until they are accepted. Default: ${DEFAULT-VALUE}")
    private int backlog;

    @Option(names = "--access-log", paramLabel = "FILE", description = "Append one line per request to FILE, - for standard output. Default: none")
    private String accessLog;

    @Option(names = "--cache-bytes", paramLabel = "SIZE", defaultValue = "64m", converter = Parse.Size.class,
            description = "Most file contents that one CPU keeps in memory. Default: ${DEFAULT-VALUE}")
    private long cacheBytes;

    @Option(names = "--cache-file-bytes", paramLabel = "SIZE", defaultValue = "256k", converter = Parse.Size.class,
            description = "Largest file kept in memory, larger ones are sent from the page cache. Default: ${DEFAULT-VALUE}")
    private long cacheFileBytes;

    @Option(names = {"-q", "--quiet"}, description = "Do not print the line that says the server is ready.")
    private boolean quiet;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this text.")
    private boolean help;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        return Kweb.run(options());
    }

    ServeOptions options() {
        var check = new Check(spec);
        check.range("--port", port, 0, 65_535);
        check.range("--min-cpus", minCpus, 0, (cpus.isEmpty() ? CpuSet.allowed() : cpus).size());
        if (minCpus > 0 && balance == Balance.STATIC) throw check.invalid("--min-cpus", "with --balance static nothing moves to other CPUs");
        check.range("--burst", burst, 1, Integer.MAX_VALUE);
        check.range("--max-header-bytes", maxHeaderBytes, 256, 64 << 10);
        check.range("--max-connections", maxConnections, 0, Integer.MAX_VALUE);
        check.range("--backlog", backlog, 1, Integer.MAX_VALUE);
        check.named("--root", root);
        if (root != null && !Files.isDirectory(root)) throw check.invalid("--root", "'" + root + "' is not a directory");
        if (accessLog != null && accessLog.isEmpty()) throw check.invalid("--access-log", "the name is empty");
        return new ServeOptions(port, address, root, cpus, backend, mode, burst, balance, minCpus, listing, benchEndpoints,
                (int) maxHeaderBytes, maxBodyBytes, maxConnections,
                idleTimeout, headerTimeout, progressTimeout, drainTimeout,
                backlog, accessLog, cacheBytes, cacheFileBytes, quiet);
    }
}
