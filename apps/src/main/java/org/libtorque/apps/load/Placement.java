package org.libtorque.apps.load;

import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

import org.libtorque.Torque;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;
import org.libtorque.vcore.Color;

/**
 * Opens connections until enough of them are served by the wanted vcores of the server, which answers {@code GET /whoami} with
 * {@code {"vcore":N,…}}. Which vcore a connection comes to is the server's or its kernel's choice, so all one can do is try: those that
 * nobody wants are kept until the others are complete (a server that gives each connection to whoever has fewest would give the next one to the
 * same vcore again), and closed then.
 *
 * <p>A server that names no vcore, or -1, has none that own connections: each will do for whichever was wanted. Such ones are counted.
 *
 * <p>The connections are made and wait on one of our vcores and belong to it. One object for each.
 */
final class Placement {
    private static final Pattern VCORE = Pattern.compile("\"vcore\"\\s*:\\s*(-?\\d{1,9})\\b");
    /** Connections on their way at a time, and never more than are missing: from a server that names no vcores none too many are asked. */
    private static final int AT_ONCE = 16;
    /** The odds of a vcore among 256 to get its share within so many tries for each wanted connection are good. */
    private static final int TRIES_EACH = 1_000;
    private static final int NO_VCORE = -1;

    /**
     * What was found.
     *
     * @param connections by vcore, as many as were wanted, open and idle
     * @param unnamed     connections among them for which the server named no vcore
     */
    record Found(Map<Integer, Queue<Connection>> connections, int unnamed) {}

    private final Torque torque;
    private final Color color;
    private final SocketAddress address;
    private final List<ConnectOptions> connectOptions;
    private final RequestCopies request;
    private final long timeoutNanos;
    private final Map<Integer, Integer> missing;
    private final Map<Integer, Queue<Connection>> found = new TreeMap<>();
    private final List<Connection> unwanted = new ArrayList<>();
    private final Map<Integer, Integer> came = new TreeMap<>();
    private final CompletableFuture<Found> outcome = new CompletableFuture<>();
    private int triesLeft;
    private int tries;
    private int underWay;
    private int unnamed;

    /**
     * @param color   at home on the vcore that is to own the connections
     * @param request {@code GET /whoami}
     * @param wanted  how many connections for which of the server's vcores
     */
    Placement(Torque torque, Color color, SocketAddress address, List<ConnectOptions> connectOptions, RequestCopies request, long timeoutNanos,
            Map<Integer, Integer> wanted) {
        this.torque = torque;
        this.color = color;
        this.address = address;
        this.connectOptions = connectOptions;
        this.request = request;
        this.timeoutNanos = timeoutNanos;
        this.missing = new TreeMap<>(wanted);
        for (int vcore : wanted.keySet()) found.put(vcore, new ArrayDeque<>());
        triesLeft = TRIES_EACH * wanted.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** Begins; any thread. The future fails with a {@link CommandException}. */
    CompletableFuture<Found> start() {
        torque.post(color, this::tryMore);
        return outcome;
    }

    private void tryMore() {
        int wanted = missing.values().stream().mapToInt(Integer::intValue).sum();
        while (underWay < Math.min(wanted, AT_ONCE) && !outcome.isDone()) tryNext();
    }

    private void tryNext() {
        if (triesLeft-- == 0) {
            fail("of " + tries + " connections, the server served so many on its vcores: " + came + "; missing are " + missing, null);
            return;
        }
        underWay++;
        var options = connectOptions.get(tries++ % connectOptions.size());
        torque.connect(address, options, connection -> new Question(connection).ask(),
                cause -> fail("cannot connect: " + Failure.reason(cause), cause));
    }

    private void fail(String message, Throwable cause) {
        if (outcome.completeExceptionally(new CommandException("placing connections: " + message, cause))) closeUnwanted();
    }

    private void closeUnwanted() {
        for (var connection : unwanted) connection.close();
        unwanted.clear();
    }

    private void answered(Connection connection, int vcore) {
        underWay--;
        came.merge(vcore, 1, Integer::sum);
        var wants = vcore == NO_VCORE ? missing.keySet().stream().findFirst().orElse(null) : missing.containsKey(vcore) ? (Integer) vcore : null;
        if (wants == null || outcome.isDone()) {
            unwanted.add(connection);
        } else {
            if (vcore == NO_VCORE) unnamed++;
            found.get(wants).add(connection);
            missing.compute(wants, (v, n) -> n == 1 ? null : n - 1);
            if (missing.isEmpty()) outcome.complete(new Found(found, unnamed));
        }
        if (outcome.isDone()) closeUnwanted();
        else tryMore();
    }

    /** Asks on one connection. */
    private final class Question implements Connection.ReadHandler {
        private final Connection connection;
        private final AnswerParser parser = new AnswerParser(false);

        Question(Connection connection) {
            this.connection = connection;
        }

        void ask() {
            connection.onRead(this).onEnd(c -> closed(null)).onClose((c, cause) -> closed(cause)).onDrain(Connection::close);
            if (timeoutNanos > 0) connection.setDeadline(timeoutNanos);
            connection.write(request.bytes(), 0, request.requestBytes());
        }

        @Override
        public void onRead(Connection c, ByteView data) {
            data.consume(parser.take(data, 0, data.length()));
            if (parser.hasFailed()) {
                fail("the server sent " + parser.failure(), null);
                return;
            }
            if (!parser.isDone()) return;
            if (parser.status() != 200 || !parser.isLearnable()) {
                fail("the server does not say which vcore serves a connection: GET /whoami was answered with status " + parser.status()
                        + " (kweb needs --bench-endpoints)", null);
                return;
            }
            c.setDeadline(0);
            c.onEnd(null).onClose(null);
            answered(c, vcore(parser));
        }

        private void closed(Throwable cause) {
            fail("a connection ended before it was used" + (cause == null ? "" : ": " + Failure.reason(cause)), cause);
        }
    }

    private static int vcore(AnswerParser parser) {
        var matcher = VCORE.matcher(new String(parser.raw(), 0, parser.rawLength(), java.nio.charset.StandardCharsets.ISO_8859_1));
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : NO_VCORE;
    }
}
