package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.libtorque.Torque;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.jdk.JdkThreads;

/** What going from one thread to another costs, whoever schedules them. */
final class SwitchContract {
    private SwitchContract() {}

    /** Yielding to itself, to another thread that it has woken, and back, on one vcore. */
    static void allocatesNothing(Function<Torque, UthreadBuilder> kind) throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).shortCircuitYield(false).compensation(Duration.ZERO); // all switches are on one carrier
            UthreadBuilder builder = kind.apply(torque);
            Thread partner = builder.start(() -> {
                while (!Thread.currentThread().isInterrupted()) LockSupport.park();
            });
            Eventually.await("the partner is parked", () -> partner.getState() == Thread.State.WAITING);
            Runtimes.on(builder, AllocationProbe.LIMIT.plus(Eventually.DEFAULT_LIMIT), () -> {
                // One loop without a pause: who goes into other frames in between, and waits there, gets another object for its stack from the JDK.
                Thread carrier = JdkThreads.carrier();
                long least = Long.MAX_VALUE;
                long begin = System.nanoTime();
                for (int batch = 0; least > 0 && (batch < 50 || System.nanoTime() - begin < Eventually.scaled(AllocationProbe.LIMIT).toNanos()); batch++) {
                    long before = AllocationProbe.allocatedBytes(carrier);
                    long overhead = AllocationProbe.allocatedBytes(carrier) - before; // of asking
                    long start = AllocationProbe.allocatedBytes(carrier);
                    for (int i = 0; i < 10_000; i++) {
                        Uthread.yield();
                        LockSupport.unpark(partner);
                        Uthread.yield();
                    }
                    least = Math.min(least, AllocationProbe.allocatedBytes(carrier) - start - overhead);
                }
                assertEquals(0, Math.max(0, least));
                return null;
            });
            partner.interrupt();
            Runtimes.join(partner);
        }
    }
}
