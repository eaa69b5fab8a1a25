package org.libtorque.event;

import java.util.Locale;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;

/**
 * A process of two runtimes on the same CPUs, both of which wait to be stopped. Arguments: a backend's name, the number of vcores, and {@code stuck} to have the second never come to its end.
 */
final class TwoRuntimesChild {
    private TwoRuntimesChild() {}

    public static void main(String[] arguments) throws Exception {
        int[] allowed = CpuSet.allowed().toArray();
        var options = TorqueOptions.defaults().withBackend(Backend.valueOf(arguments[0].toUpperCase(Locale.ROOT)))
                .withCpus(arguments[1].equals("1") ? CpuSet.of(allowed[0]) : CpuSet.of(allowed[0], allowed[1]));
        Thread[] threads = new Thread[2];
        for (int i = 0; i < 2; i++) {
            int which = i;
            boolean stuck = i == 1 && arguments.length > 2;
            threads[i] = Thread.ofPlatform().start(() -> {
                try (var torque = Torque.open(options)) {
                    if (stuck) torque.post(torque.newColor(), () -> {
                        while (true) Thread.onSpinWait();
                    });
                    torque.block(() -> say("ready " + which));
                } catch (InterruptedException e) {
                    say("interrupted");
                }
                say("ended " + which);
            });
        }
        for (Thread thread : threads) thread.join();
        say("both ended");
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
