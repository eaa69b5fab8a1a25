package org.libtorque.thread;

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
                AllocationProbe.assertCarrierAllocatesNothing(JdkThreads.carrier(), 10_000, () -> {
                    Uthread.yield();
                    LockSupport.unpark(partner);
                    Uthread.yield();
                });
                return null;
            });
            partner.interrupt();
            Runtimes.join(partner);
        }
    }
}
