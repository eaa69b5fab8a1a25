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

    /** What takes part unless told otherwise; the others are there for a closer look. */
    static final List<String> DEFAULT = List.of("kweb", "kweb-epoll", "c-epoll", "netty-epoll", "netty-io_uring", "nginx",
            "virtual-threads", "helidon", "helidon-queued");

    private final SequencedMap<String, Peer> byName = new LinkedHashMap<>();
    private final CLoops cLoops;

    /**
     * @param kweb command with {@code {java}}, {@code {port}}, {@code {cpu}} and {@code {root}} to be filled in
     */
    Peers(String kweb, CLoops cLoops) {
        this.cLoops = cLoops;
        kweb("kweb", kweb, List.of());
        kweb("kweb-epoll", kweb, List.of("--backend", "epoll"));
        kweb("kweb-io_uring", kweb, List.of("--backend", "io_uring"));
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
    }

    /** Returns all servers by name, in the order of the results. */
    Map<String, Peer> all() { return byName; }

    private void add(String name, boolean warms, boolean servesFiles, Peer.Command command) {
        byName.put(name, new Peer(name, warms, servesFiles, command));
    }

    private void kweb(String name, String template, List<String> options) {
        add(name, true, true, slot -> {
            var command = new ArrayList<>(Commands.fill(template, slot));
            command.addAll(options);
            int jar = command.indexOf("-jar") + 1;
            if (jar > 0 && jar < command.size() && !Files.exists(Path.of(command.get(jar)))) {
                throw new UnavailableException("no " + command.get(jar) + " (build it, or name another with --kweb)");
            }
            return command;
        });
    }

    private void netty(String name, String transport, String codec, String... more) {
        var options = new ArrayList<>(List.of("--transport", transport, "--codec", codec, "--loops", "1"));
        options.addAll(List.of(more));
        java(name, NettyServer.class, NETTY_FLAGS, options);
    }

    private void java(String name, Class<?> main, List<String> flags, List<String> options) {
        add(name, true, false, slot -> {
            var command = new ArrayList<String>();
            command.add(Commands.javaBinary());
            command.addAll(JVM_FLAGS);
            command.addAll(flags);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
            command.addAll(options);
            command.addAll(List.of("--port", String.valueOf(slot.port())));
            return command;
        });
    }

    private List<String> cLoop(String program, Slot slot) throws UnavailableException, IOException {
        return List.of(cLoops.binary(program).toString(), "--port", String.valueOf(slot.port()));
    }
}
