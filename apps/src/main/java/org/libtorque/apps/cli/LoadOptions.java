package org.libtorque.apps.cli;

import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;

import org.libtorque.hardware.CpuSet;

/**
 * What {@code torque load} was asked for, checked. Immutable.
 *
 * @param url                   absolute {@code http} URL without user information or fragment
 * @param connections           connections held open at once, at least 1
 * @param pipeline              most requests outstanding on one connection, at least 1
 * @param duration              measured time, after the warm-up; more than zero
 * @param warmup                time before it whose results are thrown away, zero for none
 * @param requestsPerConnection requests after which a connection is closed and opened anew, 0 for no limit
 * @param method                request method
 * @param fields                extra header fields, in the order given
 * @param body                  request body, empty for none
 * @param cpus                  CPUs to run on; empty for every CPU the process may use
 * @param backend               event queue
 * @param sources               local addresses to connect from, in turn; empty leaves the choice to the kernel
 * @param json                  whether the result is one JSON object on standard output, instead of text
 * @param timeout               time after which a connection attempt or an outstanding request counts as failed, zero for never
 * @param quiet                 whether the live progress line is left out
 * @param rate                  requests per second in an open loop, 0 for a closed loop; 0 too where there are groups
 * @param groups                connections that differ in what they do; empty if all do the same
 */
public record LoadOptions(
        URI url, int connections, int pipeline, Duration duration, Duration warmup, long requestsPerConnection,
        String method, List<HttpField> fields, byte[] body,
        CpuSet cpus, BackendChoice backend, List<InetAddress> sources,
        boolean json, Duration timeout, boolean quiet, long rate, List<LoadGroup> groups) {

    /** Copies {@code fields}, {@code body}, {@code sources} and {@code groups}. */
    public LoadOptions {
        fields = List.copyOf(fields);
        body = body.clone();
        sources = List.copyOf(sources);
        groups = List.copyOf(groups);
    }

    /**
     * Reads options as {@code torque load} does, without running anything.
     *
     * @param args URL and options, without the command's name
     * @return the options, defaults filled in
     * @throws picocli.CommandLine.ParameterException if an argument is wrong; the message says which and why
     */
    public static LoadOptions parse(String... args) {
        var command = new LoadCommand();
        TorqueCommand.configure(new picocli.CommandLine(command)).parseArgs(args);
        return command.options();
    }

    /** The groups, at least one: without any, all connections together are one without a name. */
    public List<LoadGroup> effectiveGroups() {
        return groups.isEmpty() ? List.of(new LoadGroup("", connections, requestTarget(), rate, pipeline, List.of(), Duration.ZERO)) : groups;
    }

    /** A copy of the request body. */
    @Override
    public byte[] body() {
        return body.clone();
    }

    /** Host name or address of the server, an IPv6 address without its brackets. */
    public String host() {
        var host = url.getHost();
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    /** Port of the server: the URL's, or 80. */
    public int port() {
        return url.getPort() < 0 ? 80 : url.getPort();
    }

    /** Value of the {@code Host} field: host, and the port where the URL names one. */
    public String authority() {
        return url.getPort() < 0 ? url.getHost() : url.getHost() + ":" + url.getPort();
    }

    /** What the request line asks for: the path, at least {@code /}, and the query, both percent-encoded as in the URL. */
    public String requestTarget() {
        return requestTarget(url);
    }

    static String requestTarget(URI url) {
        var path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
    }
}
