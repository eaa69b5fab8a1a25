package org.libtorque.event;

import org.libtorque.vcore.Monitor;

/** Logs what the monitor reports. */
final class MistakeLog implements Monitor.Listener {
    private static final System.Logger LOG = System.getLogger("org.libtorque");

    @Override public void onOverstay(Monitor.Overstay report) {
        StringBuilder text = new StringBuilder(1024).append(report.vcore()).append(": ").append(report.callback()).append(" of colour ").append(report.color().id())
                .append(" has been running for ").append(report.duration().toMillis()).append(" ms; everything else of this vcore waits");
        for (StackTraceElement frame : report.stack()) text.append("\n\tat ").append(frame);
        LOG.log(System.Logger.Level.WARNING, text.toString());
    }

    @Override public void onNeverIdle(Monitor.NeverIdle report) {
        LOG.log(System.Logger.Level.WARNING, "colour {0} has had no break for {1} s, with turns of about {2} µs; it runs {3}. One colour is served by one CPU at a time: "
                + "divide what it does among several", report.color().id(), report.duration().toSeconds(), report.turn().toNanos() / 1000, report.callback());
    }
}
