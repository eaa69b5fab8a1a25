package org.libtorque.apps.kweb;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.libtorque.apps.http.ByteRanges;
import org.libtorque.apps.http.HttpDate;
import org.libtorque.apps.http.RequestParser;
import org.libtorque.apps.http.RequestPath;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/**
 * What one vcore's sessions share: parser, scratch objects, the date, canned answers and the file cache. Touched by that vcore alone. Where platform threads serve, each has one without
 * a vcore, and without a cache; vcores that stand in for others have none either.
 */
final class VcoreSite {
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    final Site site;
    /** Null if it is a platform thread's. */
    final Vcore vcore;
    private final Clock clock;
    /** For what is done on this vcore between requests; null if there is no vcore. */
    private final Color color;
    final RequestParser parser;
    final RequestPath path;
    final ByteRanges ranges = new ByteRanges();
    final CannedAnswer plaintext = new CannedAnswer("Content-Type: text/plain\r\n", "Hello, World!");
    final CannedAnswer json = new CannedAnswer("Content-Type: application/json\r\n", "{\"message\":\"Hello, World!\"}");
    final CannedAnswer welcome = new CannedAnswer("Content-Type: text/html; charset=utf-8\r\n", """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>kweb</title></head>
            <body><h1>kweb is running</h1>
            <p>No directory is served yet: start it with <code>./torque serve --root DIR</code>.
            Built in are <a href="/plaintext">/plaintext</a> and <a href="/json">/json</a>.</p></body></html>
            """);
    /** Null without a root. */
    final Files files;
    /** Null if requests are not logged. */
    final AccessLog.Writer log;
    final long headerTimeoutNanos;
    final long progressTimeoutNanos;
    private final HttpDate date = new HttpDate();
    private long second;
    private long nextSecondNanos;
    // For benchmarks; platform threads make theirs when first asked for.
    private MessageDigest sha256;
    private CipherHandler cipher;

    VcoreSite(Site site, Vcore vcore) { this(site, vcore, vcore.clock(), vcore.newColor().pin()); }

    /** For a platform thread, which calls this. The log's writer is shared by all of them. */
    static VcoreSite ofThread(Site site) { return new VcoreSite(site, null, Clock.SYSTEM, null); }

    private VcoreSite(Site site, Vcore vcore, Clock clock, Color color) {
        this.site = site;
        this.vcore = vcore;
        this.clock = clock;
        this.color = color;
        log = vcore != null ? site.newLogWriter(color) : site.sharedLog();
        parser = new RequestParser(site.limits);
        path = new RequestPath(site.limits.targetBytes());
        headerTimeoutNanos = site.options.headerTimeout().toNanos();
        progressTimeoutNanos = site.options.progressTimeout().toNanos();
        files = site.root == null ? null : new Files(this);
        readClock();
        // The providers' locks are met here, in a callback: a uthread that found one taken would leave the vcore in the middle of a request.
        if (vcore != null && site.options.benchEndpoints()) {
            sha256();
            cipher();
        }
    }

    /** Returns the part of the vcore that calls; where platform threads serve, this. */
    VcoreSite here() { return vcore == null || vcore.isCurrent() ? this : site.part(Vcore.current()); }

    /** Tells whether it is of one of the runtime's vcores, where event sources can be at home. */
    boolean hasHome() { return vcore != null && vcore.index() < site.torque.vcores().size(); }

    /** Reads the wall clock if the second may have changed. To be called before {@link #second} and {@link #date}. */
    void refreshDate() {
        if (now() - nextSecondNanos >= 0) readClock();
    }

    /** Returns the clock's time, as of this turn if there is a vcore. */
    long now() { return vcore != null ? vcore.now() : clock.nanoTime(); }

    /** Returns the wall clock's time. */
    long epochMillis() { return clock.epochMillis(); }

    private void readClock() {
        long millis = clock.epochMillis();
        second = Math.floorDiv(millis, 1000L);
        // The next look is due when this second is over, and soon after that in any case: the wall clock may be set.
        nextSecondNanos = now() + Math.min(NANOS_PER_SECOND, (1000 - Math.floorMod(millis, 1000L)) * 1_000_000L);
    }

    /** Returns the wall clock's second. */
    long second() { return second; }

    /** Returns it as a Date field has it. */
    byte[] date() { return date.bytes(second); }

    /** Returns a digest, without input so far; the caller's until its callback returns. */
    MessageDigest sha256() {
        if (sha256 == null) {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every JDK has SHA-256", e);
            }
        }
        return sha256;
    }

    CipherHandler cipher() {
        if (cipher == null) cipher = new CipherHandler();
        return cipher;
    }

    /** Logs, later: loggers have locks, and a uthread that found one taken would leave the vcore in the middle of a request. */
    void warn(String message, IOException cause) {
        if (vcore == null) LOG.log(System.Logger.Level.WARNING, message + ": " + cause.getMessage());
        else site.torque.post(color, () -> LOG.log(System.Logger.Level.WARNING, message + ": " + cause.getMessage()));
    }

    /** Called when the runtime has stopped, by any thread. */
    void close() {
        if (log != null) log.flush();
    }
}
