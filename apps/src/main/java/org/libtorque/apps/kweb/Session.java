package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Arrays;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.BodyConsumer;
import org.libtorque.apps.http.ChunkedDecoder;
import org.libtorque.apps.http.HttpDate;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.apps.http.StatusLines;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;
import org.libtorque.sys.Clocks;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Vcore;

/**
 * One connection's requests, one after the other: {@code HEAD -no body-> answer -> HEAD}, {@code HEAD -body-> BODY -end-> answer -> HEAD}, {@code answer -file->
 * SENDING -sent-> HEAD}, {@code HEAD -answer comes later-> WAITING -answer-> HEAD}; any {@code -last answer, error, peer's end-> CLOSED}, but while WAITING the peer's
 * end is kept until the answer has been given.
 *
 * <p>This is what all modes have in common: what a request means and what is answered. Subclasses say how bytes come and go, and who waits how: {@link EventSession} in callbacks,
 * {@link ThreadSession} in a uthread, {@link PooledSession} in the uthreads of a pool, {@link OsSession} in a platform thread. {@link #handle} is called with what has arrived, never waits, and
 * leaves what it cannot deal with before something else has happened: more input, room for output ({@code deferred}), a file's end, an answer.
 *
 * <p>All requests that have arrived together are answered together: what their answers are made of leaves in one write. A body is
 * read to its end, within the limits, before its request is answered, so that a bad one can still be refused; its bytes are not wanted by anything that this
 * server serves, and go. Only GET and HEAD with a body have their head copied (allocated), to be looked at again behind it.
 *
 * <p><b>Waiting</b> for tasks of other colours, or in slices for the CPU, the session looks at no further request: what has arrived behind is left, and from then on nothing more is
 * read; so neither a peer that sends much nor one that ends its direction loses anything. It counts as idle no time.
 *
 * <p>After an error of syntax nobody knows where the next request begins: the answer closes the connection, lingering, since the peer may still be sending.
 *
 * <p><b>Draining.</b> What has been read of a request is answered; the last answer says that the connection closes. A connection between two requests stays for
 * {@link #DRAIN_GRACE}, since the next one may be on its way: most then end with an answer that says so, and not under the client's hands.
 */
abstract class Session implements LateAnswer {
    /** How long bytes are thrown away behind a refusal, so that the refusal can be read: about the time in which a client looks up from sending. */
    private static final Duration REFUSAL_LINGER = Duration.ofSeconds(5);
    private static final Duration LINGER = Duration.ofSeconds(1);
    static final Duration DRAIN_GRACE = Duration.ofMillis(200);
    private static final byte[] ALLOW = "Allow: GET, HEAD, OPTIONS\r\n".getBytes(ISO_8859_1);
    private static final byte[] OPTIONS_FIELDS = "Allow: GET, HEAD, OPTIONS\r\nContent-Length: 0\r\n\r\n".getBytes(ISO_8859_1);
    // "/plaintext" and "/json" as the parser's view shows them: eight bytes little-endian, then the rest.
    private static final long SLASH_PLAINTE = word("/plainte");
    private static final short XT = (short) ('x' | 't' << 8);
    private static final int SLASH_JSO = '/' | 'j' << 8 | 's' << 16 | 'o' << 24;
    private static final byte[] WORK = "/work".getBytes(ISO_8859_1);
    private static final byte[] WHOAMI = "/whoami".getBytes(ISO_8859_1);
    private static final byte[] CIPHER = "/cipher".getBytes(ISO_8859_1);
    private static final byte[] STATS = "/stats".getBytes(ISO_8859_1);
    private static final byte[] JSON_FIELDS = "Content-Type: application/json\r\nCache-Control: no-store\r\n".getBytes(ISO_8859_1);
    private static final byte[] NO_LINE = new byte[0];
    private static final ByteView NOTHING = ByteView.copyOf(new byte[0]);
    /** Pipelined requests that are answered before a look at the clock. */
    private static final int YIELD_REQUESTS = 32;
    private static final long MAX_WORK_MICROS = 1_000_000;

    static final int HEAD = 0, BODY = 1, SENDING = 2, WAITING = 3, CLOSED = 4;

    /** Of the vcore that runs this session at present. */
    VcoreSite site;
    final RequestHead head = new RequestHead();

    int state = HEAD;
    /** A head has arrived in part. */
    private boolean partial;
    /** All that was there has been looked at, and more must come before anything can be done with what was left. */
    boolean needsMore;
    /** Input was left because the peer does not take its answers; it is shown again when it does. */
    boolean deferred;
    /** Input was left because others have their turn; it is shown again after them. */
    private boolean left;
    private boolean deadline;
    /** Requests that may be answered before others have their turn, and how many have been. */
    int burst = Integer.MAX_VALUE;
    private int inBurst;
    /** Requests answered since the clock was looked at; whether the last one may have taken long. */
    private int inRow;
    private boolean slow;

    // The request that is being answered.
    /** Whether the method is GET, whose answers have a body; else it is HEAD where that matters. */
    private boolean get;
    boolean keepAlive;

    /** The file on its way, this session's to close. */
    private OpenFile sentFile;

    // While an answer is waited for.
    /** The head of the request that waits for the disk. */
    private ByteView waitingHead;
    /** Bytes of the head of the request that is being answered, 0 if that is all there is. */
    private int headLength;
    /** More has arrived behind the request, and reading is paused. */
    private boolean heldBack;
    boolean peerEnded;

    /** Messages encrypted for this connection. */
    private int encrypted;

    // While a body is read.
    private ByteView bodyHead;
    private ChunkedDecoder chunks;
    private long bodyLeft;
    private long bodyMark;
    private long bodySeen;

    // For the log.
    private String logHost;
    private byte[] logLine = NO_LINE;

    Session(VcoreSite site) { this.site = site; }

    /** To be called when the peer is known. */
    final void begin() {
        if (site.log != null) logHost = host(remoteAddress());
    }

    // -------------------------------------------------------------------------------------------------- what subclasses say

    /** Returns where output is put; never waits. */
    abstract ByteSink output();

    /** Tells whether the peer takes its answers. */
    abstract boolean isWritable();

    /** Tells whether others should have their turn. */
    @Override public abstract boolean shouldYield();

    /** Has {@link #handle} called again with what it leaves, when others have had their turn. */
    abstract void handleAgain();

    /** Stops or resumes reading, while an answer or a file is on its way. Those that read only when they want to do nothing. */
    abstract void holdInput(boolean yes);

    /** Limits the time that the rest of a message may take; 0 clears that. */
    abstract void setDeadline(long nanosFromNow);

    /** Limits the time in which nothing comes or goes. */
    abstract void setIdleTimeout(Duration limit);

    /** Sends what is pending and closes; with a limit that is not zero lingering for so long. */
    abstract void closeConnection(Duration linger);

    /** Sends the present part of a file behind what is pending, and then calls {@link SendingFile#sent}. At once or later. */
    abstract void sendFile(SendingFile part);

    /** Runs a step of an answer that comes later: under this session's colour, on its thread. Any thread. */
    @Override public abstract void execute(Runnable step);

    /** Tells whether the server is to stop. */
    abstract boolean isDraining();

    /** It is draining and has just come to the end of something: if it is idle, it is to be closed after {@link #DRAIN_GRACE}. */
    abstract void closeSoonIfIdle();

    /** Tells whether the request has come by another vcore's event queue than that of the vcore that runs this. */
    abstract boolean isAway();

    /** Returns under what colour callbacks for this session are to run, which then give it what they have with {@link #execute}. */
    abstract Color color();

    abstract SocketAddress remoteAddress();

    /** Returns the connection's number. */
    abstract long id();

    /** Returns what {@code /whoami} says, in JSON. */
    abstract String whoami();

    private static String host(SocketAddress address) {
        return address instanceof InetSocketAddress inet ? inet.getAddress().getHostAddress() : "-";
    }

    private static long word(String eight) {
        long word = 0;
        for (int i = 7; i >= 0; i--) word = word << 8 | eight.charAt(i);
        return word;
    }

    // ------------------------------------------------------------------------------------------------------------------ reading

    /** Deals with what has arrived, as far as that can be done now. */
    final void handle(ByteView data) {
        site = site.here();
        site.refreshDate();
        deferred = needsMore = left = false;
        inBurst = 0;
        while (!data.isEmpty()) {
            if (state == HEAD) {
                if (!readHead(data)) return;
            } else if (state == BODY) {
                if (!readBody(data)) return;
            } else if (state == WAITING) {
                holdBack();
                return;
            } else {
                return; // SENDING: the rest is shown again behind it. CLOSED: it is of no interest
            }
            if (state == WAITING) continue;
            if (!isWritable()) {
                deferred = !data.isEmpty();
                return;
            }
            if (++inBurst >= burst && !data.isEmpty() && state == HEAD) {
                left = true;
                handleAgain();
                break;
            }
            if ((slow || ++inRow % YIELD_REQUESTS == 0) && !data.isEmpty() && state != CLOSED && shouldYield()) {
                left = true;
                handleAgain();
                break;
            }
        }
        slow = false;
    }

    /** Reads a head and, if no body follows, answers it. Returns whether to go on with what is behind. */
    private boolean readHead(ByteView data) {
        int length = site.parser.parse(data, head);
        if (length != 0 && mustHold(data, length > 0)) return false;
        if (length <= 0) {
            if (length < 0) refuse(data, -length);
            else incomplete();
            return false;
        }
        partial = false;
        if (deadline) clearDeadline();
        if (head.hasBody()) return startBody(data, length);
        answer(data, length, data.length() > length);
        data.consume(length);
        return true;
    }

    private void incomplete() {
        partial = needsMore = true;
        if (!deadline && site.headerTimeoutNanos > 0) {
            deadline = true;
            setDeadline(site.headerTimeoutNanos);
        }
    }

    private void clearDeadline() {
        deadline = false;
        setDeadline(0);
    }

    private void refuse(ByteView data, int status) {
        boolean withBody = head.method() != RequestHead.HEAD;
        if (site.log != null) {
            if (state == HEAD) noteRequestLine(data, data.length());
            logged(status, withBody ? StatusLines.bodyLength(status) : 0);
        }
        StatusLines.putError(output(), status, site.date(), CannedAnswer.SERVER, false, !withBody);
        data.consumeAll();
        state = CLOSED;
        if (deadline) clearDeadline();
        closeConnection(REFUSAL_LINGER);
    }

    final void close() {
        state = CLOSED;
        closeConnection(LINGER);
    }

    /** The peer has sent its last; what is pending still goes to it. */
    final void ended() {
        if (state == WAITING) {
            peerEnded = true;
            return;
        }
        state = CLOSED;
        closeConnection(Duration.ZERO);
    }

    /** The connection is no more. */
    final void gone() {
        state = CLOSED;
        closeFile();
    }

    final void closeIfIdle() {
        if (isIdle()) close();
    }

    /** Tells whether it is in the middle of a request. */
    final boolean isIncomplete() { return partial || state == BODY; }

    boolean isIdle() { return state == HEAD && !partial && !deferred && !left; }

    // ------------------------------------------------------------------------------------------------------------------- bodies

    private boolean startBody(ByteView data, int length) {
        if (head.contentLength() > site.site.limits.bodyBytes()) {
            refuse(data, 413);
            return false;
        }
        if (site.log != null) noteRequestLine(data, length);
        int method = head.method();
        bodyHead = method == RequestHead.GET || method == RequestHead.HEAD ? ByteView.copyOf(data.toByteArray(0, length)) : NOTHING;
        bodyLeft = head.contentLength();
        bodySeen = bodyMark = 0;
        if (head.isChunked()) {
            if (chunks == null) chunks = new ChunkedDecoder(site.site.limits);
            else chunks.reset();
        }
        data.consume(length);
        state = BODY;
        if (head.expectsContinue() && data.isEmpty()) output().put(StatusLines.CONTINUE);
        if (site.progressTimeoutNanos > 0) {
            deadline = true;
            setDeadline(site.progressTimeoutNanos);
        }
        return true;
    }

    /** Reads what there is of a body and, at its end, answers its request. Returns whether to go on with what is behind. */
    private boolean readBody(ByteView data) {
        int before = data.length();
        boolean done;
        if (head.isChunked()) {
            int result = chunks.decode(data, BodyConsumer.DISCARD);
            if (result < 0) {
                refuse(data, -result);
                return false;
            }
            done = result == ChunkedDecoder.DONE;
        } else {
            int n = (int) Math.min(bodyLeft, data.length());
            data.consume(n);
            bodyLeft -= n;
            done = bodyLeft == 0;
        }
        if (!done) {
            needsMore = true;
            bodySeen += before - data.length();
            if (deadline && bodySeen - bodyMark >= ServeOptions.PROGRESS_BYTES) {
                bodyMark = bodySeen;
                setDeadline(site.progressTimeoutNanos);
            }
            return false;
        }
        if (deadline) clearDeadline();
        ByteView in = bodyHead;
        bodyHead = null;
        state = HEAD;
        answer(in, 0, !data.isEmpty());
        return true;
    }

    // ------------------------------------------------------------------------------------------------------------------ answers

    /**
     * Answers a request. Consumes nothing.
     *
     * @param in     begins with its head; empty if it is neither GET nor HEAD and had a body
     * @param length of the head; 0 if the log knows its request line already
     * @param more   whether something has arrived behind it
     */
    private void answer(ByteView in, int length, boolean more) { answer(in, length, more, false); }

    /** @param again whether this request has waited for the disk */
    private void answer(ByteView in, int length, boolean more, boolean again) {
        int method = head.method();
        get = method == RequestHead.GET;
        headLength = length;
        keepAlive = head.isKeepAlive() && !peerEnded && (!isDraining() || more);
        if (site.log != null && length > 0) noteRequestLine(in, length);
        if (get || method == RequestHead.HEAD) {
            CannedAnswer builtIn = builtIn(in);
            if (builtIn != null) put(builtIn);
            else if (!site.site.options.benchEndpoints() || !benchEndpoint(in)) {
                if (site.files != null) site.files.answer(this, in, again);
                else if (head.pathLength() <= 1) put(site.welcome);
                else error(404);
            }
        } else if (method == RequestHead.OPTIONS) {
            ByteSink out = startHead(200);
            out.put(OPTIONS_FIELDS);
            logged(200, 0);
        } else if (method == RequestHead.OTHER || method == RequestHead.CONNECT || method == RequestHead.TRACE) {
            error(501);
        } else {
            error(405, ALLOW);
        }
        if (!keepAlive && state != SENDING && state != WAITING) close();
    }

    private CannedAnswer builtIn(ByteView in) {
        int at = head.pathOffset();
        switch (head.pathLength()) {
            case 10 -> {
                if (in.getLong(at) == SLASH_PLAINTE && in.getShort(at + 8) == XT) return site.plaintext;
            }
            case 5 -> {
                if (in.getInt(at) == SLASH_JSO && in.getByte(at + 4) == 'n') return site.json;
            }
            default -> { }
        }
        return null;
    }

    /** Tells whether the answer has a body: the method is GET. */
    boolean wantsBody() { return get; }

    /** Puts a complete answer. */
    void put(CannedAnswer answer) {
        answer.put(output(), site.date(), site.second(), get, keepAlive, head.minorVersion());
        logged(200, get ? answer.bodyLength() : 0);
    }

    /** Puts an answer that is an error. */
    void error(int status) { error(status, NO_LINE); }

    /** Puts an answer that is an error, with field lines that its status calls for. */
    void error(int status, byte[] fields) {
        boolean withBody = head.method() != RequestHead.HEAD;
        StatusLines.putError(output(), status, site.date(), fields.length == 0 ? CannedAnswer.SERVER : concat(CannedAnswer.SERVER, fields), keepAlive,
                !withBody);
        logged(status, withBody ? StatusLines.bodyLength(status) : 0);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    /** Puts status line, Server, Date and, where it is needed, Connection. Returns where to put the rest. */
    ByteSink startHead(int status) { return startHead(status, keepAlive, head.minorVersion()); }

    private ByteSink startHead(int status, boolean keepAlive, int minorVersion) {
        ByteSink out = output();
        out.put(StatusLines.of(status));
        out.put(CannedAnswer.SERVER);
        out.put(CannedAnswer.DATE);
        out.put(site.date(), 0, HttpDate.LENGTH);
        out.put(CannedAnswer.LINE_END);
        if (!keepAlive) out.put(CannedAnswer.CONNECTION_CLOSE);
        else if (minorVersion == 0) out.put(CannedAnswer.CONNECTION_KEEP_ALIVE);
        return out;
    }

    /** A file is on its way: no request is looked at before it is with the kernel. The file is now this session's to close. */
    void startSending(OpenFile file) {
        state = SENDING;
        sentFile = file;
        holdInput(true);
    }

    /** Tells whether a file is on its way. */
    boolean isSending(OpenFile file) { return sentFile == file; }

    /** The file is with the kernel. */
    void doneSending() {
        closeFile();
        state = HEAD;
        if (!keepAlive) {
            close();
            return;
        }
        holdInput(false);
        if (isDraining()) closeSoonIfIdle();
    }

    private void closeFile() {
        if (sentFile == null) return;
        sentFile.close();
        sentFile = null;
    }

    // ------------------------------------------------------------------------------------------------------ answers that come later

    /** The answer to this request comes later: none behind it is looked at before {@link #answerWaiting}, which somebody must call unless the connection ends. */
    void startWaiting() {
        state = WAITING;
        setIdleTimeout(Duration.ZERO);
    }

    /** As {@link #startWaiting}; goes on with {@link #answerAgain}. {@code in} begins with the request's head, which is kept. */
    void startWaitingForDisk(ByteView in) {
        waitingHead = ByteView.copyOf(in.toByteArray(0, headLength > 0 ? headLength : in.length()));
        startWaiting();
    }

    /** Answers from the beginning a request that has waited for the disk. Does nothing if the connection has ended. */
    void answerAgain() {
        if (state != WAITING) return;
        here().refreshDate();
        ByteView in = waitingHead;
        waitingHead = null;
        state = HEAD;
        setIdleTimeout(site.site.options.idleTimeout());
        answer(in, 0, heldBack, true);
        if (state == HEAD) goOn();
        else if (state == SENDING) heldBack = false; // reading goes on when the file is sent
    }

    /** Answers a request that waits with an error. Does nothing if the connection has ended. */
    void failWaiting(int status) {
        if (state != WAITING) return;
        here().refreshDate();
        keepAlive = head.isKeepAlive() && !peerEnded && (!isDraining() || heldBack);
        error(status);
        answered();
    }

    /** Tells whether it waits; if it does not any more, the connection has ended. */
    @Override public boolean isWaiting() { return state == WAITING; }

    /** Tells whether something has arrived behind the request that waits. */
    final boolean isHeldBack() { return heldBack; }

    /** Something has arrived behind the request that waits. Reading stops: there is only so much room, and the peer's end must not be seen before what it has sent. */
    private void holdBack() {
        if (heldBack) return;
        heldBack = true;
        holdInput(true);
    }

    /** Gives the answer that was waited for, and goes on with what has arrived behind its request. Does nothing if the connection has ended. */
    @Override public void answerWaiting(byte[] fields, byte[] body) {
        if (state != WAITING) return;
        here().refreshDate();
        keepAlive = head.isKeepAlive() && !peerEnded && (!isDraining() || heldBack);
        putBody(fields, body);
        answered();
    }

    /** What was waited for has been put. */
    private void answered() {
        state = HEAD;
        setIdleTimeout(site.site.options.idleTimeout());
        if (keepAlive) goOn();
        else close();
    }

    /** Goes on with what has arrived behind the request that waited. */
    private void goOn() {
        if (heldBack) {
            heldBack = false;
            deferred = true;
            holdInput(false);
        }
        if (isDraining()) closeSoonIfIdle();
    }

    /** Returns what belongs to the vcore that runs this. To be called first by whatever runs under the connection's colour and is not {@link #handle}. */
    @Override public VcoreSite here() { return site = site.here(); }

    /** Puts an answer to a request that was read before the last one. */
    final void putLate(boolean ofGet, boolean keepsAlive, int minorVersion, byte[] requestLine, byte[] fields, byte[] body) {
        boolean getNow = get;
        byte[] lineNow = logLine;
        get = ofGet;
        logLine = requestLine;
        putBody(startHead(200, keepsAlive, minorVersion), fields, body);
        get = getNow;
        logLine = lineNow;
    }

    /** Returns the request line for the log. */
    final byte[] requestLine() { return logLine; }

    private void putBody(byte[] fields, byte[] body) { putBody(startHead(200), fields, body); }

    private void putBody(ByteSink out, byte[] fields, byte[] body) {
        out.put(fields);
        out.put(CannedAnswer.CONTENT_LENGTH);
        out.putDecimal(body.length);
        out.putLatin1("\r\n\r\n");
        if (get) out.put(body);
        logged(200, get ? body.length : 0);
    }

    // ------------------------------------------------------------------------------------------------------------- benchmarks

    /** Answers a request for a hash: later. */
    void answerHash(ByteView in, long rounds) {
        HashHandler.Key key = HashHandler.keyOf(head, in, rounds);
        startWaiting();
        site.site.hash.answer(this, key);
    }

    /** Tells whether a request that has been parsed is one for a hash. */
    final boolean isHashRequest(ByteView in) {
        return site.site.hash != null && !head.hasBody() && (head.method() == RequestHead.GET || head.method() == RequestHead.HEAD) && pathBeginsWith(in, HashHandler.PREFIX);
    }

    /**
     * Tells whether a request is not to be dealt with yet, because others before it have not been answered. It is then left, and parsed again.
     *
     * @param complete whether it was parsed; else it is to be refused
     */
    boolean mustHold(ByteView in, boolean complete) { return false; }


    private boolean benchEndpoint(ByteView in) {
        byte[] body;
        if (pathIs(in, WORK)) {
            long micros = Math.clamp(number(in, "us="), 0, MAX_WORK_MICROS);
            burn(micros);
            slow = true;
            body = ("{\"us\":" + micros + "}\n").getBytes(ISO_8859_1);
        } else if (pathIs(in, WHOAMI)) {
            body = whoami().getBytes(ISO_8859_1);
        } else if (pathBeginsWith(in, HashHandler.PREFIX)) {
            answerHash(in, number(in, "rounds="));
            return true;
        } else if (pathIs(in, CIPHER)) {
            int kib = Math.clamp(number(in, "kb="), 1, CipherHandler.MAX_KIB);
            body = site.cipher().encrypt(id(), encrypted++, kib);
            slow = true;
        } else if (pathIs(in, STATS)) {
            body = stats();
        } else {
            return false;
        }
        putBody(JSON_FIELDS, body);
        return true;
    }

    /** What all vcores have done since the start. */
    private byte[] stats() {
        long[] sums = new long[10];
        for (Vcore vcore : site.site.torque.vcores()) {
            Vcore.Stats s = vcore.stats();
            long[] values = {s.turns(), s.events(), s.tasks(), s.blocks(), s.posted(), s.steals(), s.stolen(), s.pushed(), s.moves(), s.wakes()};
            for (int i = 0; i < sums.length; i++) sums[i] += values[i];
        }
        ColoredCache.Counts cache = site.site.hash.counts();
        Roster roster = site.site.torque.roster();
        return ("{\"turns\":%d,\"events\":%d,\"tasks\":%d,\"blocks\":%d,\"posted\":%d,\"steals\":%d,\"stolen\":%d,\"pushed\":%d,\"migrations\":%d,\"wakes\":%d,"
                .formatted(Arrays.stream(sums).boxed().toArray())
                + "\"working\":%d,\"parks\":%d,\"resumes\":%d,".formatted(roster.working(), roster.parks(), roster.resumes())
                + "\"hash_hits\":%d,\"hash_misses\":%d,\"hash_evictions\":%d,\"hash_entries\":%d}\n"
                .formatted(cache.hits(), cache.misses(), cache.evictions(), cache.entries())).getBytes(ISO_8859_1);
    }

    private boolean pathIs(ByteView in, byte[] path) { return head.pathLength() == path.length && pathBeginsWith(in, path); }

    private boolean pathBeginsWith(ByteView in, byte[] path) {
        if (head.pathLength() < path.length) return false;
        for (int i = 0; i < path.length; i++) if (in.getByte(head.pathOffset() + i) != path[i]) return false;
        return true;
    }

    /** Returns the number behind {@code name} in the query, 0 if there is none. */
    private long number(ByteView in, String name) {
        if (head.queryOffset() < 0) return 0;
        String query = in.toLatin1(head.queryOffset(), head.queryLength());
        for (String part : query.split("&")) {
            if (!part.startsWith(name)) continue;
            try {
                return Long.parseLong(part.substring(name.length()));
            } catch (NumberFormatException e) {
                return 0;
            }
        }
        return 0;
    }

    /** Uses the CPU for so long, by the thread's own clock: what others take from it meanwhile does not count. */
    private static void burn(long micros) {
        if (micros == 0) return;
        ErrnoSlot errno = ErrnoSlot.current();
        long end = Clocks.nanos(errno, Clocks.CLOCK_THREAD_CPUTIME_ID) + micros * 1000; // the JDK has no such clock for virtual threads
        while (Clocks.nanos(errno, Clocks.CLOCK_THREAD_CPUTIME_ID) < end) Thread.onSpinWait();
    }

    // ---------------------------------------------------------------------------------------------------------------- the log

    /** Remembers the request line of a head, or what there is of it; {@code limit} bytes are there. */
    private void noteRequestLine(ByteView in, int limit) {
        int from = limit > 1 && in.getByte(0) == '\r' ? 2 : 0; // one empty line may come first
        int end = in.indexOf((byte) '\r', from);
        if (end < 0 || end > limit) end = limit;
        logLine = in.toByteArray(from, Math.min(end - from, AccessLog.MAX_REQUEST_LINE));
    }

    /** Writes the access log's line for the request. */
    void logged(int status, long bytes) {
        if (site.log != null) site.log.log(logHost, site.second(), logLine, status, bytes);
    }
}
