package org.libtorque.apps.kweb;

import java.io.IOException;
import java.io.PrintStream;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.ServeMode;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.HttpLimits;
import org.libtorque.event.FileRoot;
import org.libtorque.event.ListenOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.thread.TorqueServerSocket;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Vcore;

/** The web server: static files and a few built-in pages over HTTP/1.1, on every vcore. */
public final class Kweb implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");

    private final Torque torque;
    private final Site site;
    private final SocketAddress address;
    /** Null unless platform threads serve. */
    private final OsServer osServer;

    private Kweb(Torque torque, Site site, SocketAddress address, OsServer osServer) {
        this.torque = torque;
        this.site = site;
        this.address = address;
        this.osServer = osServer;
    }

    /**
     * Serves until told to stop by SIGTERM or SIGINT.
     *
     * @param options what to serve, and where
     * @return exit code
     */
    public static int run(ServeOptions options) throws IOException, InterruptedException {
        try (Kweb server = start(options)) {
            server.torque.block(() -> {
                if (!options.quiet()) server.announce(options, System.out);
            });
        }
        return 0;
    }

    /**
     * Starts serving. The caller closes the server.
     *
     * @throws CommandException if the address cannot be had, the backend does not work here, or a CPU may not be used
     */
    public static Kweb start(ServeOptions options) throws IOException {
        TorqueOptions settings = TorqueOptions.defaults()
                .withBackend(Backend.valueOf(options.backend().name()))
                .withBalance(options.balance())
                .withDrainTimeout(options.drainTimeout());
        if (!options.cpus().isEmpty()) settings = settings.withCpus(options.cpus());
        settings = settings.withElasticity(options.minCpus());
        // A head must fit in one block.
        if (options.maxHeaderBytes() > settings.bufferBlockBytes()) settings = settings.withBuffers(HttpLimits.MAX_HEAD_BYTES + 1, settings.bufferMemory());
        Torque torque;
        try {
            torque = Torque.open(settings);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            throw new CommandException(e.getMessage(), e);
        }
        FileRoot root = null;
        Site site = null;
        try {
            if (options.root() != null) root = FileRoot.open(options.root());
            site = new Site(torque, options, root);
            site.open();
            ListenOptions listen = ListenOptions.DEFAULT
                    .withBacklog(options.backlog())
                    .withMaxConnections(options.maxConnections())
                    .withIdleTimeout(options.idleTimeout());
            if (options.mode() != ServeMode.OS) return new Kweb(torque, site, listen(options, opening(torque, options, listen, site)), null);
            OsServer[] server = new OsServer[1];
            Site shown = site;
            SocketAddress address = listen(options, at -> (server[0] = OsServer.open(at, shown)).address());
            return new Kweb(torque, site, address, server[0]);
        } catch (IOException | RuntimeException e) {
            torque.close();
            if (site != null) site.close();
            else if (root != null) root.close();
            if (e instanceof IOException && site != null) {
                throw new CommandException("cannot listen on " + text(options.listenAddress()) + ": " + e.getMessage(), e);
            }
            throw e;
        }
    }

    /** Listens on an address. */
    @FunctionalInterface
    private interface Opening {
        /** Returns the address with the port that was chosen. */
        SocketAddress open(SocketAddress address) throws IOException;
    }

    private static Opening opening(Torque torque, ServeOptions options, ListenOptions listen, Site site) {
        return switch (options.mode()) {
            case EVENT -> address -> torque.listen(address, listen, site).address();
            case THREAD -> address -> TorqueServerSocket.serve(torque, address, listen, socket -> new ThreadSession(site.part(Vcore.current()), socket).run()).address();
            case KWEB -> {
                Pools pools = new Pools(torque, site, options.burst());
                yield address -> torque.listen(address, pools.placed(listen), pools).address();
            }
            case OS -> throw new AssertionError("platform threads have sockets of their own");
        };
    }

    /** Listens. Without an address that is IPv6 and IPv4 both, or IPv4 alone where there is no IPv6. */
    private static SocketAddress listen(ServeOptions options, Opening opening) throws IOException {
        if (options.address() == null) {
            try {
                return opening.open(new InetSocketAddress("::", options.port()));
            } catch (BindException e) {
                throw e; // somebody else has the port
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "no IPv6 here: {0}", e.getMessage());
            }
        }
        return opening.open(options.listenAddress());
    }

    private void announce(ServeOptions options, PrintStream out) {
        int[] cpus = torque.vcores().stream().mapToInt(v -> v.cpu()).toArray();
        out.println("kweb: ready at http://" + text(address) + "/ on CPUs " + CpuSet.of(cpus) + " with " + torque.backend().optionName()
                + (options.mode() == ServeMode.EVENT ? "" : ", mode " + options.mode()));
        out.flush();
    }

    private static String text(SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet)) return address.toString();
        String host = inet.getAddress().isAnyLocalAddress() ? "localhost" : inet.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + inet.getPort();
    }

    /** Returns where it listens, with the port that the kernel chose if 0 was asked for. */
    public InetSocketAddress address() { return (InetSocketAddress) address; }

    /** Returns the runtime that it serves on. */
    public Torque torque() { return torque; }

    /** Drains and ends. */
    @Override public void close() {
        if (osServer != null) osServer.close();
        torque.close();
        site.close();
    }
}
