package org.libtorque.apps.cli;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;

import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Balance;

/**
 * What {@code torque serve} was asked for, checked. Immutable. A duration of zero switches its timeout off.
 *
 * @param port               TCP port, 0 for one that the kernel picks
 * @param address            local address to listen on, or null for all
 * @param root               existing directory whose files are served, or null for the built-in pages alone
 * @param cpus               CPUs to run on; empty for every CPU the process may use
 * @param backend            event queue
 * @param mode               in what a connection is served
 * @param burst              requests of one connection in a row, in mode {@code kweb}
 * @param balance            what CPUs do when one has more to do than another
 * @param minCpus            how many CPUs it works on at least, if load is to govern on how many; 0 for all
 * @param listing            whether a directory without an index file is answered with a list of its entries
 * @param benchEndpoints     whether {@code /work} and {@code /whoami} answer
 * @param maxHeaderBytes     most bytes of request line and header fields together
 * @param maxBodyBytes       most bytes of a request's body
 * @param maxConnections     most connections open at once, 0 for as many as there are descriptors
 * @param idleTimeout        time a connection may stay open between requests
 * @param headerTimeout      time from a request's first byte to the end of its header
 * @param progressTimeout    time in which a request body or a response must move at least {@link #PROGRESS_BYTES}
 * @param drainTimeout       time that requests in flight get to finish once the server is told to stop; zero gives none
 * @param backlog            connections the kernel may hold, per listening socket, until they are accepted
 * @param accessLog          null for none, {@code "-"} for standard output, otherwise a file's path
 * @param cacheBytes         most bytes of file contents that one vcore caches, 0 for no cache
 * @param cacheFileBytes     size of the largest file that is cached
 * @param quiet              whether the line that says the server is ready is left out
 */
public record ServeOptions(
        int port, InetAddress address, Path root, CpuSet cpus, BackendChoice backend, ServeMode mode, int burst, Balance balance, int minCpus,
        boolean listing, boolean benchEndpoints,
        int maxHeaderBytes, long maxBodyBytes, int maxConnections,
        Duration idleTimeout, Duration headerTimeout, Duration progressTimeout, Duration drainTimeout,
        int backlog, String accessLog, long cacheBytes, long cacheFileBytes, boolean quiet) {

    /** What must move in each {@link #progressTimeout()}: with the default of 10 s, about 100 bytes a second. */
    public static final int PROGRESS_BYTES = 1024;

    /**
     * Reads options as {@code torque serve} does, without running anything.
     *
     * @param args options, without the command's name
     * @return the options, defaults filled in
     * @throws picocli.CommandLine.ParameterException if an argument is wrong; the message says which and why
     */
    public static ServeOptions parse(String... args) {
        var command = new ServeCommand();
        TorqueCommand.configure(new picocli.CommandLine(command)).parseArgs(args);
        return command.options();
    }

    /** Where to listen: {@link #address()}, or the wildcard address, and {@link #port()}. */
    public InetSocketAddress listenAddress() {
        return address == null ? new InetSocketAddress(port) : new InetSocketAddress(address, port);
    }
}
