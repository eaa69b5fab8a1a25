package org.libtorque.apps.load;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.HdrHistogram.Histogram;
import org.libtorque.Torque;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.Watch;
import org.libtorque.sys.Handles;
import org.libtorque.vcore.Color;

/**
 * One vcore's share of one group's load: its connections, what they have learned of the answers, and what was counted. Touched by the vcore's thread
 * alone, except the {@linkplain #answersSoFar totals} for the progress line; after the vcore has ended, by whoever adds up.
 */
final class Worker {
    /** Answers may come in a few variants at a time, such as the Date of this second and of the last. */
    private static final int MAX_TEMPLATES = 4;
    /** Connections on their way at a time, so that thousands do not overrun the server's backlog at once. */
    private static final int CONNECTING_AT_ONCE = 128;
    private static final int MAX_MESSAGES = 3;
    static final long HIGHEST_LATENCY_NANOS = 3_600_000_000_000L;

    private static final VarHandle ANSWERS = Handles.field(MethodHandles.lookup(), "totalAnswers", long.class);
    private static final VarHandle ERRORS = Handles.field(MethodHandles.lookup(), "totalErrors", long.class);
    private static final VarHandle OPEN = Handles.field(MethodHandles.lookup(), "openConnections", long.class);

    private final Torque torque;
    private final Plan plan;
    private final Color color;
    private final ArrayDeque<Lane> notYetOpened = new ArrayDeque<>();
    private final List<Lane> lanes = new ArrayList<>();
    private Pacer pacer;
    private int nextSource;

    private final Template[] templates = new Template[MAX_TEMPLATES];
    private Template latest;
    private int nextTemplate;
    private byte[] candidate = new byte[0];
    private final ArrayDeque<AnswerParser> parsers = new ArrayDeque<>();

    // What is counted within the window.
    private final Histogram latencies = new Histogram(HIGHEST_LATENCY_NANOS, 3);
    private final Histogram firstAnswers = new Histogram(HIGHEST_LATENCY_NANOS, 3);
    private long answers;
    private long bytes;
    private long connects;
    private long reconnects;
    private final long[] failures = new long[Failure.values().length];
    private final Map<Integer, long[]> otherStatuses = new TreeMap<>();
    private final EnumMap<Failure, List<String>> messages = new EnumMap<>(Failure.class);
    private long endNanos;
    private long due;
    private long unanswered;
    private long longestQueue;
    private long leftQueued;

    /** Written by this vcore alone, in opaque mode; read by the progress line. They count from the start, not from the window's. */
    private long totalAnswers, totalErrors, openConnections;

    /**
     * @param color a colour at home on this worker's vcore
     * @param index among the workers, where it begins in the list of sources
     */
    Worker(Torque torque, Plan plan, Color color, int index) {
        this.torque = torque;
        this.plan = plan;
        this.color = color;
        this.nextSource = index;
        this.endNanos = plan.endNanos();
        latest = plan.firstTemplate();
        if (latest != null) templates[nextTemplate++] = latest;
    }

    Color color() {
        return color;
    }

    Plan plan() {
        return plan;
    }

    Torque torque() {
        return torque;
    }

    // ---- connections

    /** Adds a connection; before {@link #start}. */
    void add(Lane lane) {
        notYetOpened.add(lane);
        lanes.add(lane);
    }

    /** Begins to connect and, in an open loop, to count time, on this worker's vcore. */
    void start() {
        for (int i = 0; i < CONNECTING_AT_ONCE; i++) startNext();
        if (plan.pace() != null) {
            pacer = new Pacer(plan.pace(), lanes);
            torque.watch(pacer.open(), Watch.READABLE, pacer);
            pacer.run();
        }
        if (plan.turns() != null) torque.every(Duration.ofNanos(plan.turns().periodNanos()), color, this::turn);
    }

    private void turn() {
        long now = System.nanoTime();
        for (var lane : lanes) lane.turn(now);
    }

    /** One connection has been made or has failed: it is the next one's turn. */
    void startNext() {
        var lane = notYetOpened.poll();
        if (lane != null) lane.connect();
    }

    ConnectOptions nextConnectOptions() {
        var all = plan.connectOptions();
        if (nextSource >= all.size()) nextSource %= all.size();
        return all.get(nextSource++);
    }

    // ---- answers learned

    /** What answers look like at present, null if that is not known. */
    Template latestTemplate() {
        return latest;
    }

    /** Another form of answer that agrees with {@code current} for {@code matched} bytes and goes on with {@code next}; null if there is none. */
    Template alternative(Template current, int matched, byte next) {
        for (var template : templates) {
            if (template != null && template != current && template.continues(current, matched, next)) {
                latest = template;
                return template;
            }
        }
        return null;
    }

    /**
     * Takes note of an answer that had to be parsed. The second one of the same bytes makes a template: if every answer is different, nothing is
     * gained by learning any.
     */
    void learn(AnswerParser parser) {
        if (!parser.isLearnable()) return;
        int length = parser.rawLength();
        for (var template : templates) {
            if (template != null && template.isSameAs(parser.raw(), length)) {
                latest = template;
                return;
            }
        }
        if (candidate.length == length && Arrays.equals(candidate, 0, length, parser.raw(), 0, length)) {
            latest = new Template(candidate, plan.pipeline());
            templates[nextTemplate] = latest;
            nextTemplate = (nextTemplate + 1) % MAX_TEMPLATES;
            candidate = new byte[0];
        } else {
            if (candidate.length != length) candidate = new byte[length];
            System.arraycopy(parser.raw(), 0, candidate, 0, length);
        }
    }

    AnswerParser borrowParser() {
        var parser = parsers.poll();
        return parser != null ? parser : new AnswerParser(plan.answersHead());
    }

    void giveBack(AnswerParser parser) {
        parser.reset();
        parsers.push(parser);
    }

    // ---- counting

    boolean isCounting(long now) {
        return now - plan.startNanos() >= 0 && now - endNanos < 0;
    }

    /** Bytes have come. */
    void received(long now, int count) {
        if (isCounting(now)) bytes += count;
    }

    /** Answers like the first one have come to the oldest requests. */
    void answered(long now, int count, SendTimes times) {
        boolean counting = isCounting(now);
        if (counting || plan.pace() == null || now - endNanos < 0) {
            times.remove(count, now, counting ? latencies : null);
            if (counting) answers += count;
        } else {
            unanswered(count, times); // within the window: these came too late
        }
        ANSWERS.setOpaque(this, totalAnswers + count);
    }

    // ---- an open loop

    /** A request is due. */
    void released(long dueNanos) {
        if (isCounting(dueNanos)) due++;
    }

    /** So many requests that are due wait for one connection. */
    void queued(long now, long count) {
        if (count > longestQueue && isCounting(now)) longestQueue = count;
    }

    /** So many requests that are due have not been sent by the end of the window. */
    void leftQueued(long count) {
        leftQueued += count;
    }

    /** Removes the oldest {@code count} requests, which have no answer at the end of the window. */
    void unanswered(int count, SendTimes times) {
        for (int i = 0; i < count; i++) {
            unanswered(times.oldest());
            times.remove(1, 0, null);
        }
    }

    /**
     * A request that was due has no answer at the end of the window, if it was due before that. It has waited until then at the least: left
     * out, it would make the server look the better the longer it lets requests wait.
     */
    void unanswered(long dueNanos) {
        long waited = endNanos - dueNanos;
        if (waited <= 0 || endNanos - plan.startNanos() <= 0) return;
        unanswered++;
        latencies.recordValue(Math.min(waited, HIGHEST_LATENCY_NANOS));
    }

    /** Whether the part within the window of the time from {@code since} to {@code now} is so long that a connection has gone unserved. */
    boolean goneWithout(long since, long now) {
        long from = since - plan.startNanos() > 0 ? since : plan.startNanos();
        long to = now - endNanos < 0 ? now : endNanos;
        return to - from >= Lane.UNSERVED_NANOS;
    }

    /** The first answer of a connection has come. */
    void firstAnswered(long now, long connectedSince) {
        if (isCounting(now)) firstAnswers.recordValue(Math.min(now - connectedSince, HIGHEST_LATENCY_NANOS));
    }

    void connected(long now) {
        if (isCounting(now)) connects++;
        OPEN.setOpaque(this, openConnections + 1);
    }

    void disconnected() {
        OPEN.setOpaque(this, openConnections - 1);
    }

    /** The server has closed a connection as it may, between answers. */
    void closedByServer(long now) {
        if (isCounting(now)) reconnects++;
    }

    void answeredWithOtherStatus(long now, int status) {
        if (isCounting(now)) otherStatuses.computeIfAbsent(status, s -> new long[1])[0]++;
    }

    /** {@code count} requests have failed. */
    void failed(long now, Failure failure, long count, String message) {
        if (count == 0 || torque.isStopping()) return;
        ERRORS.setOpaque(this, totalErrors + count);
        if (!isCounting(now)) return;
        failures[failure.ordinal()] += count;
        var known = messages.computeIfAbsent(failure, f -> new ArrayList<>(MAX_MESSAGES));
        if (known.size() < MAX_MESSAGES && !known.contains(message)) known.add(message);
    }

    /** Ends the window early: the runtime stops. */
    void stopped(long now) {
        if (endNanos - now > 0) endNanos = now;
    }

    // ---- results

    /** Answers like the first one since the start. Any thread. */
    long answersSoFar() {
        return (long) ANSWERS.getOpaque(this);
    }

    /** Requests that have failed since the start. Any thread. */
    long errorsSoFar() {
        return (long) ERRORS.getOpaque(this);
    }

    /** Connections open now. Any thread. */
    long openConnections() {
        return (long) OPEN.getOpaque(this);
    }

    /** Adds what is left at the end of the window, and gives back what was the kernel's. Once, when the vcore has ended. */
    void finish() {
        for (var lane : lanes) lane.finish(endNanos);
        if (pacer != null) pacer.close();
    }

    /** Adds what was counted to a result. After {@link #finish}. */
    void addTo(LoadResult.Builder result) {
        result.latencies.add(latencies);
        result.firstAnswers.add(firstAnswers);
        result.requests += answers;
        result.bytes += bytes;
        result.connects += connects;
        result.reconnects += reconnects;
        result.due += due;
        result.unanswered += unanswered;
        result.longestQueue = Math.max(result.longestQueue, longestQueue);
        result.leftQueued += leftQueued;
        result.unservedConnections += lanes.stream().filter(Lane::isUnserved).count();
        if (answers > 0) result.statuses.merge(plan.expectation().status(), answers, Long::sum);
        otherStatuses.forEach((status, count) -> result.statuses.merge(status, count[0], Long::sum));
        for (var failure : Failure.values()) {
            if (failures[failure.ordinal()] > 0) result.failures.merge(failure, failures[failure.ordinal()], Long::sum);
        }
        messages.forEach((failure, texts) -> {
            var all = result.messages.computeIfAbsent(failure, f -> new ArrayList<>());
            for (var text : texts) {
                if (all.size() < MAX_MESSAGES && !all.contains(text)) all.add(text);
            }
        });
        result.endNanos = Math.min(result.endNanos - plan.startNanos(), endNanos - plan.startNanos()) + plan.startNanos();
    }
}
