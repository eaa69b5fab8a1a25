package org.libtorque.apps.kweb;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.libtorque.Torque;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.HttpLimits;
import org.libtorque.event.Connection;
import org.libtorque.event.ConnectionHandler;
import org.libtorque.event.FileRoot;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** What is served, the same for all vcores, and one {@link VcoreSite} for each. */
final class Site implements ConnectionHandler, AutoCloseable {
    private static final Duration LOG_FLUSH = Duration.ofMillis(AccessLog.FLUSH_MILLIS);

    final Torque torque;
    final ServeOptions options;
    /** The directory whose files are served, or null. */
    final FileRoot root;
    final HttpLimits limits;
    /** Where requests are logged, or null. */
    final AccessLog accessLog;
    /** Null unless there are endpoints for benchmarks. */
    final HashHandler hash;
    /** Of the runtime's vcores; and of those that stand in for them, made when first needed. Replaced as a whole, under this object's lock, to make room. */
    private volatile VcoreSite[] perVcore;
    /** Of all platform threads. */
    private AccessLog.Writer sharedLog;

    Site(Torque torque, ServeOptions options, FileRoot root) {
        this.torque = torque;
        this.options = options;
        this.root = root;
        int headBytes = Math.min(options.maxHeaderBytes(), HttpLimits.MAX_HEAD_BYTES);
        limits = new HttpLimits(Math.min(HttpLimits.DEFAULT.targetBytes(), headBytes), headBytes, HttpLimits.DEFAULT.fieldCount(),
                options.maxBodyBytes(), HttpLimits.DEFAULT.extensionBytes(), HttpLimits.DEFAULT.trailerBytes());
        accessLog = options.accessLog() == null ? null : AccessLog.open(options.accessLog(), torque.vcores().size());
        hash = options.benchEndpoints() ? new HashHandler(torque) : null;
        perVcore = new VcoreSite[torque.vcores().size()];
    }

    /**
     * Makes each vcore's part, on that vcore. To be called before listening: later, a flood of connections may have taken the descriptors that it needs.
     *
     * @throws java.util.concurrent.CompletionException if that fails
     */
    void open() {
        List<CompletableFuture<Void>> made = torque.vcores().stream().map(this::make).toList();
        for (CompletableFuture<Void> each : made) each.join();
    }

    private CompletableFuture<Void> make(Vcore vcore) {
        CompletableFuture<Void> made = new CompletableFuture<>();
        torque.post(vcore.newColor().pin(), () -> {
            try {
                perVcore[vcore.index()] = new VcoreSite(this, vcore);
                made.complete(null);
            } catch (Throwable e) {
                made.completeExceptionally(e);
            }
        });
        return made;
    }

    @Override public void onOpen(Connection connection) { new EventSession(perVcore[connection.vcore().index()], connection); }

    /** Returns a new writer of the log, which is flushed under a colour; null if requests are not logged. */
    AccessLog.Writer newLogWriter(Color color) {
        if (accessLog == null) return null;
        AccessLog.Writer[] writer = new AccessLog.Writer[1];
        return writer[0] = accessLog.writer(() -> {
            try {
                torque.after(LOG_FLUSH, color, () -> writer[0].flush());
            } catch (RejectedExecutionException e) {
                // the runtime has stopped: closing flushes
            }
        });
    }

    /** Returns the writer of the log that platform threads share; null if requests are not logged. */
    synchronized AccessLog.Writer sharedLog() {
        if (sharedLog == null) sharedLog = newLogWriter(torque.newColor());
        return sharedLog;
    }

    /** Returns the part of the vcore that calls. Makes it if that has none yet, and waits meanwhile. */
    VcoreSite part(Vcore vcore) { return hasPart(vcore) ? perVcore[vcore.index()] : makePart(vcore); }

    /** Tells whether a vcore has its part: one that stands in for another may not yet. */
    boolean hasPart(Vcore vcore) {
        VcoreSite[] parts = perVcore;
        return vcore.index() < parts.length && parts[vcore.index()] != null;
    }

    private VcoreSite makePart(Vcore vcore) {
        VcoreSite part = new VcoreSite(this, vcore);
        synchronized (this) {
            VcoreSite[] parts = Arrays.copyOf(perVcore, Math.max(perVcore.length, vcore.index() + 1));
            if (parts[vcore.index()] != null) return parts[vcore.index()]; // another thread of the vcore was quicker
            parts[vcore.index()] = part;
            perVcore = parts;
        }
        return part;
    }

    /** Called when the runtime has stopped. */
    @Override public void close() {
        for (VcoreSite each : perVcore) if (each != null) each.close();
        if (sharedLog != null) sharedLog.flush();
        if (accessLog != null) accessLog.close();
        if (root != null) root.close();
    }
}
