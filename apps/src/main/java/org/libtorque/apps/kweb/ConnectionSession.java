package org.libtorque.apps.kweb;

import java.net.SocketAddress;
import java.time.Duration;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.event.Connection;
import org.libtorque.memory.ByteSink;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** A session whose bytes come and go by a {@link Connection}, under whose colour it runs. */
abstract class ConnectionSession extends Session {
    final Connection connection;

    ConnectionSession(VcoreSite site, Connection connection) {
        super(site);
        this.connection = connection;
        connection.setWriteProgressTimeout(site.site.options.progressTimeout(), ServeOptions.PROGRESS_BYTES);
        begin();
    }

    @Override ByteSink output() { return connection.output(); }

    @Override boolean isWritable() { return connection.isWritable(); }

    @Override public boolean shouldYield() { return connection.shouldYield(); }

    @Override void setDeadline(long nanosFromNow) { connection.setDeadline(nanosFromNow); }

    @Override void setIdleTimeout(Duration limit) { connection.setIdleTimeout(limit); }

    @Override boolean isAway() { return connection.vcore() != site.vcore; }

    @Override final Color color() { return connection.color(); }

    @Override final SocketAddress remoteAddress() { return connection.remoteAddress(); }

    @Override final long id() { return connection.id(); }

    @Override final String whoami() {
        Vcore home = connection.vcore();
        return "{\"vcore\":" + home.index() + ",\"cpu\":" + home.cpu() + ",\"color\":" + connection.color().id() + ",\"connection\":" + connection.id() + "}\n";
    }
}
