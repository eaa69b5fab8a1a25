package org.libtorque.apps.kweb;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.apps.cli.BackendChoice;
import org.libtorque.apps.cli.ServeMode;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.testkit.LeakCheck;

/** A web server in this process, in one mode and on one backend after the other, with a directory of its own; and clients of it. After each test no descriptor may be left. */
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("org.libtorque.apps.kweb.KwebFixture#setups")
@ExtendWith(LeakCheck.class)
abstract class KwebFixture {
    static final Instant YESTERDAY = Instant.now().minus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);

    @Parameter(0) ServeMode mode;
    @Parameter(1) BackendChoice backend;
    /** The directory that is served. Its parent is this test's too, and not served. */
    @TempDir Path outside;

    private final List<WireClient> clients = new ArrayList<>();
    private Path root;
    private Kweb server;

    /** All modes on both backends; platform threads use none. */
    static Stream<Object[]> setups() {
        List<Object[]> setups = new ArrayList<>();
        for (ServeMode mode : ServeMode.values()) {
            setups.add(new Object[] {mode, BackendChoice.EPOLL});
            if (mode != ServeMode.OS) setups.add(new Object[] {mode, BackendChoice.IO_URING});
        }
        return setups.stream();
    }

    /** The JDK's own descriptors for sockets are made once, with the first ones, and more with the first virtual threads that use them. */
    @BeforeAll static void openTheJdksOwnDescriptors() throws InterruptedException {
        LeakCheck.openTheJdksOwnDescriptors();
        int before = -1;
        for (int now; (now = openDescriptors()) != before; before = now) Thread.sleep(100); // some come from threads that the JDK has just started
    }

    private static int openDescriptors() {
        String[] names = new java.io.File("/proc/self/fd").list();
        return names == null ? 0 : names.length;
    }

    /** Returns how many descriptors are open whose target has this in its name. Not how many there are: a vcore that stands in for another one opens some of its own. */
    static long open(String name) { return LeakCheck.openDescriptors().values().stream().filter(target -> target.contains(name)).count(); }

    Path root() throws IOException {
        if (root == null) root = Files.createDirectory(outside.resolve("root"));
        return root;
    }

    /** Writes a file below the root. */
    Path file(String name, String contents) throws IOException {
        Path file = root().resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, contents);
    }

    /** Makes a file one of {@link #YESTERDAY}. */
    static Path old(Path file) throws IOException { return Files.setLastModifiedTime(file, FileTime.from(YESTERDAY)); }

    /** Starts the server, if it does not run, with these options beside those that every test needs. */
    Kweb serve(String... options) throws IOException {
        if (server != null) throw new IllegalStateException("it is running");
        List<String> all = new ArrayList<>(List.of("--port", "0", "--backend", backend == BackendChoice.EPOLL ? "epoll" : "io_uring", "--mode", mode.toString(), "--quiet"));
        if (!Arrays.asList(options).contains("--address")) all.addAll(List.of("--address", "127.0.0.1"));
        if (!Arrays.asList(options).contains("--root") && root != null) all.addAll(List.of("--root", root.toString()));
        all.addAll(List.of(options));
        return server = Kweb.start(ServeOptions.parse(all.toArray(String[]::new)));
    }

    /** Connects to the server, which is started without further options if it does not run. */
    WireClient connect() throws IOException { return connect(0); }

    WireClient connect(int receiveBytes) throws IOException {
        if (server == null) serve();
        WireClient client = WireClient.to(server.address(), receiveBytes);
        clients.add(client);
        return client;
    }

    /** Stops the server, as the end of the test does otherwise. */
    void stop() {
        clients.forEach(WireClient::close);
        clients.clear();
        if (server != null) server.close();
        server = null;
    }

    Kweb server() { return server; }

    @AfterEach void stopServer() { stop(); }
}
