package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.libtorque.bench.Peer.Slot;
import org.libtorque.bench.Peer.UnavailableException;
import org.libtorque.bench.peer.HelidonServer;
import org.libtorque.bench.peer.NettyServer;
import org.libtorque.bench.peer.VirtualThreadServer;
import org.libtorque.bench.peer.VirtualWorkServer;

/**
 * The servers there are, and how each is started. Every JVM gets the same heap and collector; Netty further gets the
 * flags that lift its safety checks, as in its own benchmarks.
 */
final class Peers {
    /**
     * One CPU has no use for a parallel collector; the young generation is roomy so that collections are rare. Compact
     * headers are what the launcher gives kweb, so the others get them too.
     */
    static final List<String> JVM_FLAGS =
            List.of("-Xms512m", "-Xmx512m", "-Xmn320m", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders");

    static final List<String> NETTY_FLAGS = List.of("--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow", "-Dio.netty.noUnsafe=false", "-Dio.netty.leakDetection.level=disabled",
            "-Dio.netty.buffer.checkBounds=false", "-Dio.netty.buffer.checkAccessible=false");

    /** How a report says with which flags the JVMs ran. */
    static final String FLAGS_OF_ALL = String.join(" ", JVM_FLAGS) + " for every server on the JVM; Netty also " + String.join(" ", NETTY_FLAGS);

    /** What takes part unless told otherwise; the others are there for a closer look. */
    static final List<String> DEFAULT = List.of("kweb", "kweb-epoll", "c-epoll", "netty-epoll", "netty-io_uring", "nginx",
            "virtual-threads", "helidon", "helidon-queued");

    /** What takes part under skewed load unless told otherwise. All have two threads, and the C server one per connection too. */
    static final List<String> SKEW_DEFAULT = List.of("kweb-static", "kweb-steal", "kweb-migrate", "c-loops", "c-queue", "c-least", "c-threads",
            "netty-epoll-2", "netty-io_uring-2", "netty-ordered", "netty-unordered", "virtual-threads-2");

    /** What takes part next to cold files unless told otherwise. All have one CPU, and no cache but the kernel's. */
    static final List<String> COLD_DEFAULT = List.of("kweb-uncached", "kweb-thread-uncached", "virtual-threads-files");

    private final SequencedMap<String, Peer> byName = new LinkedHashMap<>();
    private final CLoops cLoops;
    /** Whether kweb has --balance; null while nobody has asked. */
    private Boolean canBalance;

    /**
     * @param kweb command with {@code {java}}, {@code {port}}, {@code {cpu}} and {@code {root}} to be filled in
     */
    Peers(String kweb, CLoops cLoops) {
        this.cLoops = cLoops;
        kweb("kweb", kweb, List.of());
        kweb("kweb-epoll", kweb, List.of("--backend", "epoll"));
        kweb("kweb-io_uring", kweb, List.of("--backend", "io_uring"));
        for (String mode : List.of("thread", "kweb", "os")) kweb("kweb-" + mode, kweb, List.of("--mode", mode));
        kweb("kweb-thread-epoll", kweb, List.of("--mode", "thread", "--backend", "epoll"));
        for (String mode : List.of("event", "thread", "os")) {
            String name = "kweb" + (mode.equals("event") ? "" : "-" + mode) + "-uncached";
            kweb(name, kweb, List.of("--mode", mode, "--cache-bytes", "0"));
            kweb(name + "-epoll", kweb, List.of("--mode", mode, "--cache-bytes", "0", "--backend", "epoll"));
        }
        add("c-epoll", false, false, slot -> cLoop("epoll_loop", slot));
        add("c-io_uring", false, false, slot -> cLoop("uring_loop", slot));
        netty("netty-epoll", "epoll", "http");
        netty("netty-io_uring", "io_uring", "http");
        netty("netty-io_uring-ring", "io_uring", "http", "--buffer-ring", "1024");
        netty("netty-nio", "nio", "http");
        netty("netty-epoll-scan", "epoll", "scan");
        netty("netty-io_uring-scan", "io_uring", "scan");
        add("nginx", false, true, Nginx::command);
        java("virtual-threads", VirtualThreadServer.class, List.of(), List.of());
        java("helidon", HelidonServer.class, List.of(), List.of());
        java("helidon-queued", HelidonServer.class, List.of(), List.of("--write-queue", "8192"));
        for (String balance : List.of("static", "steal", "migrate")) {
            balanced("kweb-" + balance, kweb, balance, List.of());
            balanced("kweb-" + balance + "-epoll", kweb, balance, List.of("--backend", "epoll"));
            balanced("kweb-" + balance + "-thread", kweb, balance, List.of("--mode", "thread"));
        }
        for (String mode : List.of("loops", "queue", "least", "threads")) {
            add("c-" + mode, false, false, slot -> {
                var command = new ArrayList<>(cLoop("skew_server", slot));
                command.addAll(List.of("--mode", mode, "--threads", "2"));
                return command;
            });
        }
        netty("netty-epoll-2", "epoll", "http", "--loops", "2");
        netty("netty-io_uring-2", "io_uring", "http", "--loops", "2");
        netty("netty-ordered", "epoll", "http", "--loops", "2", "--offload", "ordered");
        netty("netty-unordered", "epoll", "http", "--loops", "2", "--offload", "unordered");
        java("virtual-threads-2", VirtualWorkServer.class,
                List.of("--enable-native-access=ALL-UNNAMED", "-Djdk.virtualThreadScheduler.parallelism=2"), List.of());
        java("virtual-threads-files", true, VirtualWorkServer.class,
                List.of("--enable-native-access=ALL-UNNAMED", "-Djdk.virtualThreadScheduler.parallelism=1"), List.of());
    }

    /** Returns all servers by name, in the order of the results. */
    Map<String, Peer> all() { return byName; }

    private void add(String name, boolean warms, boolean servesFiles, Peer.Command command) {
        byName.put(name, new Peer(name, warms, servesFiles, command));
    }

    /** kweb with the benchmark's requests, under one of its ways to balance; without the option, static is all it can. */
    private void balanced(String name, String template, String balance, List<String> options) {
        add(name, true, true, slot -> {
            List<String> command = kwebCommand(template, slot);
            command.add("--bench-endpoints");
            command.addAll(options);
            if (canBalance(command)) command.addAll(List.of("--balance", balance));
            else if (!balance.equals("static")) throw new UnavailableException("this kweb has no --balance");
            return command;
        });
    }

    private boolean canBalance(List<String> command) {
        if (canBalance == null) {
            int serve = command.indexOf("serve");
            var help = new ArrayList<>(command.subList(0, serve + 1));
            help.add("--help");
            String text = serve < 0 ? null : Commands.output(Path.of("."), help.toArray(String[]::new));
            canBalance = text != null && text.contains("--balance");
        }
        return canBalance;
    }

    private void kweb(String name, String template, List<String> options) {
        add(name, true, true, slot -> {
            List<String> command = kwebCommand(template, slot);
            command.addAll(options);
            return command;
        });
    }

    private static List<String> kwebCommand(String template, Slot slot) throws UnavailableException {
        var command = new ArrayList<>(Commands.fill(template, slot));
        int jar = command.indexOf("-jar") + 1;
        if (jar > 0 && jar < command.size() && !Files.exists(Path.of(command.get(jar)))) {
            throw new UnavailableException("no " + command.get(jar) + " (build it, or name another with --kweb)");
        }
        return command;
    }

    private void netty(String name, String transport, String codec, String... more) {
        var options = new ArrayList<>(List.of("--transport", transport, "--codec", codec));
        options.addAll(List.of(more));
        java(name, NettyServer.class, NETTY_FLAGS, options);
    }

    private void java(String name, Class<?> main, List<String> flags, List<String> options) { java(name, false, main, flags, options); }

    private void java(String name, boolean servesFiles, Class<?> main, List<String> flags, List<String> options) {
        add(name, true, servesFiles, slot -> {
            var command = new ArrayList<String>();
            command.add(Commands.javaBinary());
            command.addAll(JVM_FLAGS);
            command.addAll(flags);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
            command.addAll(options);
            if (servesFiles) command.addAll(List.of("--root", slot.root().toString()));
            command.addAll(List.of("--port", String.valueOf(slot.port())));
            return command;
        });
    }

    private List<String> cLoop(String program, Slot slot) throws UnavailableException, IOException {
        return List.of(cLoops.binary(program).toString(), "--port", String.valueOf(slot.port()));
    }
}
