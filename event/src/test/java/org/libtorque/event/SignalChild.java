package org.libtorque.event;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;

/**
 * A process that says which signals it gets. Arguments: a backend's name, the number of vcores, then signals to register for; {@code count:SIGNAL} counts them instead and prints
 * how many came so far and the sum of their values at SIGUSR1; {@code stuck} keeps all vcores busy for ever when told to stop.
 */
final class SignalChild {
    private SignalChild() {}

    public static void main(String[] arguments) throws Exception {
        int[] allowed = CpuSet.allowed().toArray();
        var options = TorqueOptions.defaults().withBackend(Backend.valueOf(arguments[0].toUpperCase(Locale.ROOT)))
                .withCpus(arguments[1].equals("1") ? CpuSet.of(allowed[0]) : CpuSet.of(allowed[0], allowed[1]));
        try (var torque = Torque.open(options)) {
            for (int i = 2; i < arguments.length; i++) {
                String argument = arguments[i];
                if (argument.equals("stuck")) {
                    for (var vcore : torque.vcores()) torque.post(vcore.newColor().pin(), () -> {
                        while (true) Thread.onSpinWait();
                    });
                } else if (argument.startsWith("count:")) {
                    count(torque, Signal.of(argument.substring(6)));
                } else {
                    try {
                        torque.onSignal(Signal.of(argument), torque.newColor(), info -> say(info.signal() + " code=" + info.code() + " pid=" + info.pid() + " uid=" + info.uid()
                                + " value=" + info.value()));
                    } catch (UnsupportedOperationException e) {
                        say("refused " + e.getMessage());
                    }
                }
            }
            torque.block(() -> say("ready"));
        }
        say("ended");
    }

    private static void count(Torque torque, Signal signal) throws Exception {
        var count = new AtomicLong();
        var sum = new AtomicLong();
        var last = new AtomicLong(-1);
        var disorder = new AtomicLong();
        torque.onSignal(signal, torque.newColor(), info -> {
            count.incrementAndGet();
            sum.addAndGet(info.value());
            if (last.getAndSet(info.value()) >= info.value()) disorder.incrementAndGet();
        });
        torque.onSignal(Signal.USR1, torque.newColor(), info -> say("count=" + count + " sum=" + sum + " disorder=" + disorder));
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
