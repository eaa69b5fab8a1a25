package org.libtorque.apps.load;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;
import org.libtorque.vcore.Backend;

/**
 * A server whose answers a test makes up, on one vcore and a free port of the loopback addresses. It understands requests as the load generator
 * writes them: a head, and a body of always the same length.
 */
final class CannedServer implements AutoCloseable {
    /** What the test says. */
    @FunctionalInterface
    interface Script {
        /**
         * @param onConnection number of this request on its connection, from 0
         * @param inAll        number of this request in all, from 0
         * @return what to send, null for nothing
         */
        Reply answer(int onConnection, long inAll);
    }

    /**
     * Bytes, and what to do then.
     *
     * @param pieceBytes how many to send at a time, 0 for all at once
     * @param close      whether to close the connection behind them
     */
    record Reply(String bytes, int pieceBytes, boolean close) {
        Reply closing() {
            return new Reply(bytes, pieceBytes, true);
        }

        Reply inPiecesOf(int count) {
            return new Reply(bytes, count, close);
        }
    }

    private final Torque torque;
    private final InetSocketAddress address;
    private final Script script;
    private final int bodyBytes;
    private final AtomicLong requests = new AtomicLong();
    private final AtomicInteger connections = new AtomicInteger();
    private final ConcurrentLinkedQueue<Session> sessions = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Integer> requestsOfEnded = new ConcurrentLinkedQueue<>();
    private final Set<InetAddress> peers = ConcurrentHashMap.newKeySet();
    private final ConcurrentLinkedQueue<String> heads = new ConcurrentLinkedQueue<>();

    CannedServer(Script script) throws Exception {
        this(0, script);
    }

    /** @param bodyBytes bytes behind the head of each request */
    CannedServer(int bodyBytes, Script script) throws Exception {
        this.script = script;
        this.bodyBytes = bodyBytes;
        torque = Torque.open(TorqueOptions.defaults().withBackend(Backend.EPOLL).withDrainTimeout(java.time.Duration.ofMillis(100)));
        address = (InetSocketAddress) torque.listen(new InetSocketAddress("0.0.0.0", 0), connection -> new Session().open(connection)).address();
    }

    static Reply ok(String body) {
        return answer("200 OK", body);
    }

    static Reply answer(String status, String body) {
        return new Reply("HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body, 0, false);
    }

    static Reply raw(String bytes) {
        return new Reply(bytes, 0, false);
    }

    String url() {
        return "http://127.0.0.1:" + address.getPort() + "/test";
    }

    int port() {
        return address.getPort();
    }

    /** Requests read so far. */
    long requests() {
        return requests.get();
    }

    /** Connections accepted so far. */
    int connections() {
        return connections.get();
    }

    /** How many requests each connection has sent that the client has closed. */
    List<Integer> requestsOfEndedConnections() {
        return List.copyOf(requestsOfEnded);
    }

    /** How many requests each connection has sent so far, in the order in which they came. */
    List<Integer> requestsOfConnections() {
        return sessions.stream().map(session -> session.count).toList();
    }

    /** Addresses that connections have come from. */
    Set<InetAddress> peers() {
        return peers;
    }

    /** Head of the first request. */
    String firstHead() {
        return heads.peek();
    }

    @Override
    public void close() {
        torque.close();
    }

    /** One connection: counts requests, sends replies one behind the other. */
    private final class Session {
        /** Written by its vcore alone. */
        private volatile int count;
        private long bodyLeft;
        private final StringBuilder head = new StringBuilder();
        private final StringBuilder output = new StringBuilder();
        private int piece;
        private boolean closing;
        private boolean sending;

        void open(Connection connection) {
            connections.incrementAndGet();
            sessions.add(this);
            peers.add(((InetSocketAddress) connection.remoteAddress()).getAddress());
            connection.onRead(this::read).onEnd(c -> {
                requestsOfEnded.add(count);
                c.close();
            });
        }

        private void read(Connection connection, ByteView data) {
            while (!data.isEmpty() && !closing) {
                if (bodyLeft > 0) {
                    int n = (int) Math.min(bodyLeft, data.length());
                    data.consume(n);
                    bodyLeft -= n;
                } else {
                    int lf = data.indexOf((byte) '\n', 0);
                    int n = lf < 0 ? data.length() : lf + 1;
                    head.append(data.toLatin1(0, n));
                    data.consume(n);
                    if (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) continue;
                    if (heads.isEmpty()) heads.add(head.toString());
                    head.setLength(0);
                    bodyLeft = bodyBytes;
                }
                if (bodyLeft == 0) reply();
            }
            data.consumeAll();
            send(connection);
        }

        private void reply() {
            int n = count;
            count = n + 1;
            var reply = script.answer(n, requests.getAndIncrement());
            if (reply == null) return;
            output.append(reply.bytes());
            piece = reply.pieceBytes();
            closing = reply.close();
        }

        private void send(Connection connection) {
            if (sending) return;
            int n = piece == 0 ? output.length() : Math.min(piece, output.length());
            connection.write(output.substring(0, n).getBytes(StandardCharsets.ISO_8859_1));
            output.delete(0, n);
            if (output.length() > 0) {
                sending = true;
                connection.execute(() -> {
                    sending = false;
                    send(connection);
                });
            } else if (closing) {
                connection.close();
            }
        }
    }
}
