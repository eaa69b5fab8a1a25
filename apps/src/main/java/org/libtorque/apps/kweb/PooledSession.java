package org.libtorque.apps.kweb;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteView;

/**
 * A session whose requests are served by whichever threads of its vcore's pool come by: mode {@code kweb}. Answers that come later are made by other threads than the one that read the request, several at a
 * time; what is behind them is looked at meanwhile, and answered if that comes later too. All others wait until those before them have been answered.
 */
final class PooledSession extends ConnectionSession implements Connection.ReadHandler, Connection.CloseHandler {
    private final Pools.Pool pool;
    private final Runnable turn = this::turn;
    private boolean queued;
    private boolean again;
    private boolean draining;
    /** A thread waits for the steps of an answer, and nothing behind its request is looked at. */
    private boolean waitsForStep;
    private final Steps steps = new Steps();
    /** Answers that are due, in the order of the requests. */
    private final ArrayDeque<Late> late = new ArrayDeque<>(0);

    /** The part of a file that is to be sent next, or null. */
    private SendingFile toSend;

    PooledSession(VcoreSite site, Connection connection, Pools.Pool pool, int burst) {
        super(site, connection);
        this.pool = pool;
        this.burst = burst;
        connection.onReadable(c -> enqueue()).onWritable(c -> enqueue()).onDrain(c -> drain()).onClose(this);
    }

    private void enqueue() {
        if (queued || state == CLOSED) return;
        queued = true;
        pool.enqueue(turn);
    }

    /** By a thread of the pool: serves a burst of requests. */
    private void turn() {
        queued = false;
        try {
            while (state == HEAD || state == BODY) { // else whoever waits goes on when that is over
                again = false;
                int n = connection.receive(needsMore, this);
                if (n == 0) {
                    if (draining) closeSoonIfIdle();
                    return;
                }
                if (n == Connection.END) {
                    if (!connection.isOpen()) return;
                    peerEnded = true;
                    if (late.isEmpty()) ended();
                    return;
                }
                finishAnswer();
                if (held && !late.isEmpty()) {
                    connection.pauseReading(); // until what is before has been answered; a reset is noticed meanwhile
                    return;
                }
                if (deferred && !isWritable()) return; // when there is room
                if (again) {
                    enqueue();
                    return;
                }
            }
        } catch (Exception e) {
            site.site.torque.vcores().getFirst().reportFailure(this, e);
            connection.abort();
        }
    }

    @Override public void onRead(Connection c, ByteView data) { handle(data); }

    @Override public void onClose(Connection c, Throwable cause) {
        Thread waiting = fileWaiter;
        gone();
        if (waiting != null) LockSupport.unpark(waiting);
    }

    // ------------------------------------------------------------------------------------------------------------------ files

    private Thread fileWaiter;

    /** Does what the last answer has left to be done, and waits for it. */
    private void finishAnswer() {
        sendFiles();
        while (waitsForStep && state == WAITING) {
            pool.beforeWaiting();
            Runnable step = steps.await();
            pool.afterWaiting();
            if (step == null) return; // interrupted: nobody of us does that
            step.run();
            if (state == WAITING) continue;
            waitsForStep = false;
            sendFiles();
        }
    }

    @Override void startWaiting() {
        super.startWaiting();
        waitsForStep = true;
    }

    /** Waits until the files that the last answer is made of are with the kernel. */
    private void sendFiles() {
        for (SendingFile part; (part = toSend) != null; ) {
            toSend = null;
            boolean[] sent = new boolean[1];
            Thread self = fileWaiter = Thread.currentThread();
            connection.sendFile(part.file(), part.position(), part.count(), c -> {
                sent[0] = true;
                LockSupport.unpark(self);
            });
            pool.beforeWaiting();
            while (!sent[0] && state != CLOSED) LockSupport.park(this);
            pool.afterWaiting();
            fileWaiter = null;
            if (state == CLOSED) return;
            part.sent();
        }
    }

    @Override void sendFile(SendingFile part) { toSend = part; }

    // ------------------------------------------------------------------------------------------------ answers that come later

    /** What has arrived behind them is left until they have been given. */
    private boolean held;

    @Override boolean mustHold(ByteView in, boolean complete) { return held = !late.isEmpty() && !(complete && isHashRequest(in)); }

    @Override void answerHash(ByteView in, long rounds) {
        if (late.isEmpty()) connection.setIdleTimeout(Duration.ZERO);
        Late answer = new Late(HashHandler.keyOf(head, in, rounds), wantsBody(), keepAlive, head.minorVersion(), requestLine());
        late.addLast(answer);
        if (!keepAlive) {
            state = WAITING; // it is the last one
            connection.pauseReading(); // only a reset is of interest
        }
        pool.enqueue(answer);
    }

    /** Gives the answers that are due and made, in order. */
    private void giveAnswers() {
        if (state == CLOSED) return;
        here().refreshDate();
        for (Late answer; (answer = late.peekFirst()) != null && answer.body != null; ) {
            late.removeFirst();
            boolean nothingBehind = late.isEmpty() && !held;
            boolean keepsAlive = answer.keepAlive && !(nothingBehind && (peerEnded || draining && !queued && !isIncomplete()));
            putLate(answer.get, keepsAlive, answer.minorVersion, answer.requestLine, answer.fields, answer.body);
            if (!keepsAlive) {
                close();
                return;
            }
        }
        if (!late.isEmpty()) return;
        connection.setIdleTimeout(site.site.options.idleTimeout());
        if (held) {
            held = false;
            connection.resumeReading();
        }
        if (peerEnded) {
            ended();
            return;
        }
        enqueue();
        if (draining) closeSoonIfIdle();
    }

    /** One of them, and the work of making it. */
    private final class Late implements LateAnswer, Runnable {
        private final HashHandler.Key key;
        private final boolean get;
        private final boolean keepAlive;
        private final int minorVersion;
        private final byte[] requestLine;
        private final Steps steps = new Steps();
        private boolean begun;
        private byte[] fields;
        /** Null until it is made. */
        private byte[] body;

        Late(HashHandler.Key key, boolean get, boolean keepAlive, int minorVersion, byte[] requestLine) {
            this.key = key;
            this.get = get;
            this.keepAlive = keepAlive;
            this.minorVersion = minorVersion;
            this.requestLine = requestLine;
        }

        /** By a thread of the pool: does the next step. If there are more, they come behind what else is queued. */
        @Override public void run() {
            if (!isWaiting()) return;
            if (!begun) {
                begun = true;
                site.site.hash.answer(this, key);
            }
            Runnable step = steps.poll();
            if (step == null) {
                pool.beforeWaiting();
                step = steps.await();
                pool.afterWaiting();
                if (step == null) return; // interrupted: nobody of us does that
            }
            step.run();
            if (body == null) pool.enqueue(this);
        }

        @Override public void execute(Runnable step) { steps.put(step); }

        @Override public boolean isWaiting() { return state != CLOSED; }

        @Override public VcoreSite here() { return PooledSession.this.here(); }

        @Override public boolean shouldYield() { return connection.shouldYield(); }

        @Override public void answerWaiting(byte[] fieldLines, byte[] bytes) {
            fields = fieldLines;
            body = bytes;
            giveAnswers();
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- rest

    private void drain() {
        draining = true;
        closeSoonIfIdle();
    }

    @Override boolean isIdle() { return late.isEmpty() && !queued && super.isIdle(); }

    @Override boolean isDraining() { return draining; }

    @Override void closeSoonIfIdle() {
        if (isIdle()) site.site.torque.after(DRAIN_GRACE, connection.color(), this::closeIfIdle);
    }

    @Override void handleAgain() { again = true; }

    @Override void holdInput(boolean yes) { } // nobody reads meanwhile

    @Override void closeConnection(Duration linger) {
        if (linger.isZero()) connection.close();
        else connection.closeLingering(linger);
    }

    @Override public void execute(Runnable step) { steps.put(step); }
}
