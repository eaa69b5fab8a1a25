package org.libtorque.event;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.libtorque.vcore.Monitor;

/** Logs what the monitor reports. */
final class MistakeLog implements Monitor.Listener {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    /** Packages whose classes say nothing to who wrote the callback, these and the JDK's. */
    private static final Set<String> OURS = Set.of("org.libtorque", "org.libtorque.event", "org.libtorque.vcore", "org.libtorque.vcore.epoll",
            "org.libtorque.vcore.jdk", "org.libtorque.vcore.uring", "org.libtorque.thread", "org.libtorque.memory", "org.libtorque.hardware", "org.libtorque.sys");

    private final Consumer<String> log;

    MistakeLog() { this(text -> LOG.log(System.Logger.Level.WARNING, text)); }

    /** @param log gets the text of each report; on the monitor's thread */
    MistakeLog(Consumer<String> log) { this.log = log; }

    @Override public void onOverstay(Monitor.Overstay report) {
        log.accept(withStack(report.vcore() + ": " + callback(report.callback(), report.stack()) + " of colour " + report.color().id() + " has been running for "
                + report.duration().toMillis() + " ms; everything else of this vcore waits", report.stack()));
    }

    @Override public void onNeverIdle(Monitor.NeverIdle report) {
        log.accept(withStack("colour " + report.color().id() + " has had no break for " + seconds(report.duration()) + ", with turns of about " + report.turn().toNanos() / 1000
                + " µs; it runs " + callback(report.callback(), report.stack()) + ". One colour is served by one CPU at a time: divide what it does among several", report.stack()));
    }

    private static String seconds(Duration duration) { return duration.toSeconds() >= 10 ? duration.toSeconds() + " s" : duration.toMillis() + " ms"; }

    private static String withStack(String text, List<StackTraceElement> stack) {
        StringBuilder all = new StringBuilder(1024).append(text);
        for (StackTraceElement frame : stack) all.append("\n\tat ").append(frame);
        return all.toString();
    }

    /**
     * Returns the class of the program's callback. Of what the library does for the program, such as a connection's turn, only the stack tells which callback it has come to: the
     * outermost method that is neither the library's nor the JDK's is the one that was called back.
     */
    static String callback(String named, List<StackTraceElement> stack) {
        if (!isOurs(named)) return named;
        for (StackTraceElement frame : stack.reversed()) {
            String name = frame.getClassName();
            if (!isOurs(name) && !name.startsWith("java.") && !name.startsWith("jdk.")) return name;
        }
        return named; // it is between two callbacks
    }

    private static boolean isOurs(String className) {
        int dot = className.indexOf('/') < 0 ? className.lastIndexOf('.') : className.lastIndexOf('.', className.indexOf('/')); // a lambda's has a number behind a slash
        return dot > 0 && OURS.contains(className.substring(0, dot));
    }
}
