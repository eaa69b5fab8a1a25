package org.libtorque.apps.kweb;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Listens to what the runtime logs as warnings and errors: what callbacks let out is among it. */
final class FailureLog extends Handler implements AutoCloseable {
    private static final Logger LOGGER = Logger.getLogger("org.libtorque");

    private final List<String> messages = new CopyOnWriteArrayList<>();

    private FailureLog() {}

    static FailureLog start() {
        FailureLog log = new FailureLog();
        LOGGER.addHandler(log);
        return log;
    }

    List<String> messages() { return List.copyOf(messages); }

    @Override public void publish(LogRecord event) {
        if (event.getLevel().intValue() >= Level.WARNING.intValue()) messages.add(event.getMessage() + " " + event.getThrown());
    }

    @Override public void flush() {}

    @Override public void close() { LOGGER.removeHandler(this); }
}
