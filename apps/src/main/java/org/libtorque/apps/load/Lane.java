package org.libtorque.apps.load;

import java.net.BindException;
import java.time.Duration;

import org.libtorque.event.Connection;
import org.libtorque.event.ConnectionHandler;
import org.libtorque.event.ConnectFailureHandler;
import org.libtorque.event.ConnectionTimeoutException;
import org.libtorque.memory.ByteView;

/**
 * One connection with up to {@code pipeline} requests outstanding, replaced by another when it ends. In a closed loop the next request is sent
 * when an answer is complete; in an open one when it is {@linkplain #due due}, or, if too many are outstanding then, as soon as one of those is
 * answered.
 *
 * <pre>{@code
 *   IDLE -connect-> CONNECTING -open-> LOADING -limit reached, close announced, peer's end, failure, stop-> CLOSING -closed-> IDLE
 *   CONNECTING -failed-> IDLE, and after a pause CONNECTING again
 * }</pre>
 *
 * <p><b>Answers</b> are not parsed while they repeat: what comes is compared with a {@link Template}, {@code phase} bytes into it. Where it
 * differs, the bytes of the present answer that agreed are given to an {@link AnswerParser} out of the template (they are the
 * same), and the parser goes on with what came. So an answer may be split anywhere, and nothing is left unconsumed.
 *
 * <p><b>Requests</b> go out of the prepared copies; {@code unsentBytes} of them have not been written yet and are always the tail of a
 * whole number of requests.
 *
 * <p><b>Times.</b> A request of a closed loop begins when it is sent, one of an open loop when it is due: what it waits here for its turn
 * the server is to be blamed for. Due requests that wait are a number, not a list, since the {@link Pace} tells when each of them was due.
 *
 * <p>Belongs to one worker and runs on its vcore.
 */
final class Lane implements ConnectionHandler, ConnectFailureHandler, Connection.ReadHandler, Connection.CloseHandler, Pacer.Sender {
    /** Bytes pending above which no further request is written while others wait for answers; below the connection's high watermark. */
    private static final long MAX_PENDING_BYTES = 192 * 1024;
    private static final Duration RECONNECT_PAUSE = Duration.ofMillis(100);

    /** A connection that waits for its answer for so long has gone without service. */
    static final long UNSERVED_NANOS = 1_000_000_000L;

    private final Worker worker;
    private final Plan plan;
    private final int place;
    private final int set;
    private final int requestBytes;
    private final byte[] copies;
    /** Whether all that may be outstanding is so little that pending output need not be looked at. */
    private final boolean smallRequests;
    private final Connection.Handler onEnd = this::peerEnded;
    private final Connection.Handler onWritable = this::push;
    private final Connection.Handler onDrain = this::stop;

    /** A connection that was made beforehand and is to be taken first. */
    private Connection placed;
    /** The connection that is loaded, null while there is none. */
    private Connection current;
    /** 0 if it was made beforehand. */
    private long connectStarted;
    private boolean closing;
    /** Whether to wait before the next connection: this one failed without having been of any use. */
    private boolean pause;
    private long sent;
    private long answered;
    private long unsentBytes;
    /** Requests numbered since the beginning, where they are. */
    private long numbered;
    private Template template;
    private int phase;
    private AnswerParser parser;
    private final SendTimes times = new SendTimes();
    /** Requests of an open loop that have been due, and that have been sent, or sent once more, since the beginning. */
    private long released;
    private long taken;
    /** When the last answer came, or when waiting for one began if there has been none since. */
    private long servedNanos;
    private boolean unserved;
    /** Whether an answer has come since the time limit was set. */
    private boolean progressed;
    /** Whether there has ever been a connection. */
    private boolean opened;

    /**
     * @param place  among all lanes of the group, from 0
     * @param set    among those that take turns, from 0
     * @param placed an open connection of this vcore to begin with, null if there is none
     */
    Lane(Worker worker, int place, int set, Connection placed) {
        this.worker = worker;
        this.plan = worker.plan();
        this.place = place;
        this.set = set;
        this.placed = placed;
        this.servedNanos = plan.beginNanos();
        this.requestBytes = plan.request().requestBytes();
        this.copies = plan.request().isNumbered() ? plan.request().bytes().clone() : plan.request().bytes();
        this.smallRequests = (long) requestBytes * plan.pipeline() <= MAX_PENDING_BYTES;
    }

    // ---- life

    /** Connects, on the worker's vcore. */
    void connect() {
        if (worker.torque().isStopping()) return;
        var first = placed;
        placed = null;
        if (first != null && first.isOpen()) {
            connectStarted = 0;
            onOpen(first);
            return;
        }
        connectStarted = System.nanoTime();
        try {
            worker.torque().connect(plan.address(), worker.nextConnectOptions(), this, this);
        } catch (IllegalStateException stopping) {
            return; // stopped since we asked
        }
    }

    @Override
    public void onOpen(Connection connection) {
        if (worker.torque().isStopping()) {
            connection.close();
            return;
        }
        long now = System.nanoTime();
        if (plan.pace() != null) taken -= sent - answered; // the server announced its close and left these: they are still due
        sent = answered = unsentBytes = 0;
        phase = 0;
        closing = pause = false;
        times.clear();
        connection.onRead(this).onEnd(onEnd).onWritable(onWritable).onDrain(onDrain).onClose(this);
        current = connection;
        opened = true;
        worker.connected(now);
        worker.startNext();
        send(connection, now);
    }

    @Override
    public void onConnectFailed(Throwable cause) {
        var hint = cause instanceof BindException ? " (every source address has its own ports: name more with --sources)" : "";
        worker.failed(System.nanoTime(), Failure.CONNECT, 1, Failure.reason(cause) + hint);
        worker.startNext();
        reconnectAfterPause();
    }

    private void reconnectAfterPause() {
        if (!worker.torque().isStopping()) worker.torque().after(RECONNECT_PAUSE, worker.color(), this::connect);
    }

    /** Ends the connection; {@link #onClose} replaces it. */
    private void close(Connection connection) {
        closing = true;
        current = null;
        connection.close();
    }

    /** The peer will send nothing more. */
    private void peerEnded(Connection connection) {
        long now = System.nanoTime();
        if (parser != null && parser.takeEnd()) completeParsed(now);
        if (!closing) {
            if (sent == answered) worker.closedByServer(now);
            else loseOutstanding(now, Failure.CLOSED, "the server closed the connection with requests outstanding");
        }
        close(connection);
    }

    @Override
    public void onClose(Connection connection, Throwable cause) {
        worker.disconnected();
        current = null;
        if (!closing && cause != null) {
            var failure = cause instanceof ConnectionTimeoutException ? Failure.TIMEOUT : Failure.CLOSED;
            loseOutstanding(System.nanoTime(), failure, Failure.reason(cause));
        }
        closing = true;
        giveParserBack();
        if (pause) reconnectAfterPause();
        else connect();
    }

    private void stop(Connection connection) {
        worker.stopped(System.nanoTime());
        close(connection);
    }

    /** Counts the outstanding requests as failed, and the one whose answer has begun as short. */
    private void loseOutstanding(long now, Failure failure, String message) {
        long lost = sent - answered;
        boolean begun = parser != null ? parser.hasStarted() : phase > 0;
        if (begun && lost > 0 && failure != Failure.TIMEOUT) {
            worker.failed(now, Failure.SHORT, 1, "the connection ended in the middle of an answer");
            lost--;
        }
        worker.failed(now, failure, lost, message);
        pause = answered == 0;
        sent = answered;
        times.clear();
    }

    // ---- requests

    /** Sends as many requests as may be outstanding. */
    private void send(Connection connection, long now) {
        long outstanding = sent - answered;
        long due = plan.pipeline() - outstanding;
        if (plan.perConnection() > 0) due = Math.min(due, plan.perConnection() - sent);
        if (plan.pace() != null) due = sendDue(connection, due, outstanding);
        else due = sendAtOnce(connection, now, due, outstanding);
        sent += due;
        unsentBytes += due * requestBytes;
        if (unsentBytes > 0) push(connection);
    }

    private long sendAtOnce(Connection connection, long now, long most, long outstanding) {
        long due = plan.turns() == null || plan.turns().isActive(set, now) ? Math.max(0, most) : 0;
        if (due > 0) {
            if (outstanding == 0) servedNanos = now;
            times.add(now, (int) due);
        }
        if (plan.timeoutNanos() > 0) connection.setDeadline(times.isEmpty() ? 0 : Math.max(1, times.oldest() + plan.timeoutNanos() - now));
        return due;
    }

    /**
     * Takes requests that are due. What may take only so long is an answer, not its waiting here: the limit counts from the last
     * progress, and begins when there is something to wait for.
     */
    private long sendDue(Connection connection, long most, long outstanding) {
        long due = Math.clamp(released - taken, 0, Math.max(0, most));
        for (long i = 0; i < due; i++) times.add(plan.pace().dueNanos(place, taken++), 1);
        if (plan.timeoutNanos() > 0) {
            if (times.isEmpty()) connection.setDeadline(0);
            else if (outstanding == 0 || progressed) connection.setDeadline(plan.timeoutNanos());
        }
        progressed = false;
        return due;
    }

    @Override
    public void due(long dueNanos, long now) {
        if (sent == answered && released == taken) servedNanos = dueNanos; // it begins to wait
        released++;
        worker.released(dueNanos);
        if (current != null) send(current, now);
        if (released > taken) worker.queued(now, released - taken);
    }

    /** The set that is busy has changed. */
    void turn(long now) {
        if (current != null && plan.turns().isActive(set, now)) send(current, now);
    }

    /** Place among all lanes of the group. */
    @Override
    public int place() {
        return place;
    }

    private void push(Connection connection) {
        long unsent = unsentBytes;
        while (unsent > 0 && !closing) {
            int position = (int) ((requestBytes - unsent % requestBytes) % requestBytes);
            int count = (int) Math.min(unsent, copies.length - position);
            if (!smallRequests) {
                count = Math.min(count, 64 * 1024);
                if (!hasRoom(connection, unsent, count)) break;
            }
            if (position == 0 && plan.request().isNumbered()) plan.request().number(copies, place + numbered++ * plan.lanes());
            connection.write(copies, position, count);
            unsent -= count;
        }
        unsentBytes = unsent;
    }

    /**
     * Whether {@code count} bytes more may be written. While whole requests wait for answers, those answers bring us back here, and output stays
     * below the watermark above which nothing is read: two sides that both wait for the other to read would wait for ever. A request
     * that is alone outstanding must get out first, and the connection says when it goes on.
     */
    private boolean hasRoom(Connection connection, long unsent, int count) {
        long whole = sent - answered - (unsent + requestBytes - 1) / requestBytes;
        return whole > 0 ? connection.pendingBytes() + count <= MAX_PENDING_BYTES : connection.isWritable();
    }

    // ---- answers

    @Override
    public void onRead(Connection connection, ByteView data) {
        long now = System.nanoTime();
        worker.received(now, data.length());
        boolean none = answered == 0;
        int matched = 0;
        while (!data.isEmpty() && !closing) {
            if (parser == null) {
                matched += match(data);
            } else if (matched > 0) {                // answers count in the order in which they came
                complete(now, matched);
                matched = 0;
            } else {
                parse(data, now);
            }
        }
        if (matched > 0) complete(now, matched);
        if (none && answered > 0 && connectStarted != 0) worker.firstAnswered(now, connectStarted);
        if (closing) {
            data.consumeAll();
            connection.close();
        } else if (sent == answered && sent == plan.perConnection()) {
            close(connection);
        } else {
            send(connection, now);
        }
    }

    /** Compares what came with what is known, up to the first difference, and consumes it. Returns the answers that are complete. */
    private int match(ByteView data) {
        var current = phase > 0 ? template : worker.latestTemplate();
        if (current == null) {
            parser = worker.borrowParser();
            return 0;
        }
        var repeated = current.repeated();
        int n = Math.min(data.length(), repeated.length() - phase);
        int difference = data.mismatch(0, repeated, phase, n);
        int equal = difference < 0 ? n : difference;
        int end = phase + equal;
        int answers = end / current.answerBytes();
        phase = end - answers * current.answerBytes();
        data.consume(equal);
        template = current;
        if (difference >= 0) differs(current, data);
        return answers;
    }

    /** The present answer goes on otherwise than known: another form of it that is known will do, else it is parsed. */
    private void differs(Template current, ByteView data) {
        template = worker.alternative(current, phase, data.getByte(0));
        if (template != null) return;
        parser = worker.borrowParser();
        parser.take(current.repeated(), 0, phase);
        phase = 0;
    }

    private void parse(ByteView data, long now) {
        data.consume(parser.take(data, 0, data.length()));
        if (parser.hasFailed()) {
            fail(now, Failure.MALFORMED, "the server sent " + parser.failure());
        } else if (parser.isDone()) {
            completeParsed(now);
        }
    }

    private void complete(long now, int count) {
        if (count > sent - answered) {
            fail(now, Failure.MALFORMED, "the server sent more answers than there were requests");
            return;
        }
        answered += count;
        served(now);
        worker.answered(now, count, times);
    }

    /** An answer has come, whatever it says. */
    private void served(long now) {
        progressed = true;
        if (worker.goneWithout(servedNanos, now)) unserved = true;
        servedNanos = now;
    }

    /** Compares the answer that the parser has completed with the first one. */
    private void completeParsed(long now) {
        var answer = parser;
        parser = null;
        if (answered == sent) {
            fail(now, Failure.MALFORMED, "the server sent more answers than there were requests");
            worker.giveBack(answer);
            return;
        }
        var failure = plan.expectation().check(answer);
        if (failure == null) {
            complete(now, 1);
            worker.learn(answer);
        } else {
            answered++;
            served(now);
            times.remove(1, now, null);
            worker.failed(now, failure, 1, plan.expectation().describe(answer));
            if (failure == Failure.STATUS) worker.answeredWithOtherStatus(now, answer.status());
        }
        if (answer.announcesClose() && !closing) {
            worker.closedByServer(now);
            closing = true;                          // whatever is outstanding will not be answered
            current = null;
        }
        worker.giveBack(answer);
    }

    private void fail(long now, Failure failure, String message) {
        worker.failed(now, failure, Math.max(1, sent - answered), message);
        pause = answered == 0;
        closing = true;
        current = null;
        sent = answered;
        times.clear();
    }

    // ---- the end

    /**
     * Adds what still waits at the end of the window: as long as it has waited until then, which is less than it would have had to. When the
     * vcore has ended.
     */
    void finish(long endNanos) {
        boolean waits = sent > answered;
        if (plan.pace() != null) {
            worker.unanswered((int) (sent - answered), times);
            long queued = 0;
            for (long due; (due = plan.pace().dueNanos(place, taken + queued)) - endNanos < 0; queued++) worker.unanswered(due);
            worker.leftQueued(queued);
            waits |= queued > 0;
        } else {
            waits |= !opened;
        }
        if (waits && worker.goneWithout(servedNanos, endNanos)) unserved = true;
    }

    /** Whether it has waited {@link #UNSERVED_NANOS} or longer within the window without an answer. */
    boolean isUnserved() {
        return unserved;
    }

    private void giveParserBack() {
        if (parser != null) worker.giveBack(parser);
        parser = null;
    }
}
