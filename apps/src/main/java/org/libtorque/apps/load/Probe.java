package org.libtorque.apps.load;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

import org.libtorque.Torque;
import org.libtorque.apps.cli.CommandException;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;

/** Sends the request once, on a connection of its own, to learn what answers look like and whether there are any. */
final class Probe {
    /**
     * The first answer.
     *
     * @param expectation what is expected of all others
     * @param bytes       the whole answer, null if it is too large or for another reason not to be learned
     */
    record Answer(Expectation expectation, byte[] bytes) {}

    private final SocketAddress address;
    private final Duration timeout;
    private final RequestCopies request;
    private final AnswerParser parser;
    private final CompletableFuture<Answer> outcome = new CompletableFuture<>();

    private Probe(SocketAddress address, Duration timeout, RequestCopies request, boolean answersHead) {
        this.address = address;
        this.timeout = timeout;
        this.request = request;
        this.parser = new AnswerParser(answersHead);
    }

    /**
     * Connects, sends, and waits for the answer.
     *
     * @param timeout how long the answer may take, zero for any time
     * @throws CommandException if there is no connection or no HTTP answer
     */
    static Answer run(Torque torque, InetSocketAddress address, ConnectOptions options, Duration timeout, RequestCopies request, boolean answersHead)
            throws InterruptedException {
        var probe = new Probe(address, timeout, request, answersHead);
        torque.connect(address, options, probe::opened, probe::connectFailed);
        try {
            return probe.outcome.get();
        } catch (ExecutionException e) {
            throw (CommandException) e.getCause(); // nothing else is completed with
        }
    }

    private void opened(Connection connection) {
        connection.onRead(this::read).onEnd(this::ended).onClose(this::closed);
        if (!timeout.isZero()) connection.setDeadline(timeout.toNanos());
        writeSome(connection, 0);
    }

    /** Writes the request from {@code position} on, as fast as it goes. */
    private void writeSome(Connection connection, int position) {
        int at = position;
        while (at < request.requestBytes() && connection.isWritable()) {
            int count = Math.min(64 * 1024, request.requestBytes() - at);
            connection.write(request.bytes(), at, count);
            at += count;
        }
        int next = at;
        if (next < request.requestBytes()) connection.onWritable(c -> writeSome(c, next));
    }

    private void read(Connection connection, ByteView data) {
        data.consume(parser.take(data, 0, data.length()));
        if (parser.hasFailed()) fail("the server at " + name() + " sent " + parser.failure(), null);
        else if (parser.isDone()) succeed();
        if (outcome.isDone()) {
            data.consumeAll();
            connection.close();
        }
    }

    private void ended(Connection connection) {
        if (parser.takeEnd()) succeed();
        else fail("the server at " + name() + " closed the connection " + (parser.hasStarted() ? "in the middle of its answer" : "without an answer"), null);
        connection.close();
    }

    private void closed(Connection connection, Throwable cause) {
        if (cause != null) fail("no answer from " + name() + ": " + Failure.reason(cause), cause);
        else fail("the connection to " + name() + " was closed before the answer", null);
    }

    private void connectFailed(Throwable cause) {
        fail("cannot connect to " + name() + ": " + Failure.reason(cause), cause);
    }

    private void succeed() {
        outcome.complete(new Answer(Expectation.of(parser), parser.isLearnable() ? Arrays.copyOf(parser.raw(), parser.rawLength()) : null));
    }

    private void fail(String message, Throwable cause) {
        outcome.completeExceptionally(new CommandException(message, cause));
    }

    private String name() {
        var inet = (InetSocketAddress) address;
        var host = inet.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
    }
}
