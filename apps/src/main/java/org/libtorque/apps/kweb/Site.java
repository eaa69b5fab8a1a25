package org.libtorque.apps.kweb;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.libtorque.Torque;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.http.HttpLimits;
import org.libtorque.event.Connection;
import org.libtorque.event.ConnectionHandler;
import org.libtorque.event.FileRoot;

/** What is served, the same for all vcores, and one {@link VcoreSite} for each. */
final class Site implements ConnectionHandler, AutoCloseable {
    final Torque torque;
    final ServeOptions options;
    /** The directory whose files are served, or null. */
    final FileRoot root;
    final HttpLimits limits;
    /** Where requests are logged, or null. */
    final AccessLog accessLog;
    private final AtomicReferenceArray<VcoreSite> perVcore;

    Site(Torque torque, ServeOptions options, FileRoot root) {
        this.torque = torque;
        this.options = options;
        this.root = root;
        int headBytes = Math.min(options.maxHeaderBytes(), HttpLimits.MAX_HEAD_BYTES);
        limits = new HttpLimits(Math.min(HttpLimits.DEFAULT.targetBytes(), headBytes), headBytes, HttpLimits.DEFAULT.fieldCount(),
                options.maxBodyBytes(), HttpLimits.DEFAULT.extensionBytes(), HttpLimits.DEFAULT.trailerBytes());
        accessLog = options.accessLog() == null ? null : AccessLog.open(options.accessLog(), torque.vcores().size());
        perVcore = new AtomicReferenceArray<>(torque.vcores().size());
    }

    @Override public void onOpen(Connection connection) {
        int index = connection.vcore().index();
        VcoreSite here = perVcore.getPlain(index); // written and read by the vcore's own thread
        if (here == null) perVcore.setPlain(index, here = new VcoreSite(this, connection.vcore()));
        new Session(here, connection);
    }

    /** Called when the runtime has stopped. */
    @Override public void close() {
        for (int i = 0; i < perVcore.length(); i++) {
            VcoreSite here = perVcore.get(i);
            if (here != null) here.close();
        }
        if (accessLog != null) accessLog.close();
        if (root != null) root.close();
    }
}
