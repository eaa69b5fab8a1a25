package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

class JuggleSchedulerTest extends SchedulerContractTest {
    @Override Scheduler scheduler() { return new JuggleScheduler(Duration.ofMillis(20)); }

    @Override boolean allocatesNothing() { return false; } // it takes accounts once in a period

    @Test void threeThreadsThatComputeTakeTurnsOnTwoVcores() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            JuggleScheduler scheduler = new JuggleScheduler(Duration.ofMillis(20));
            scheduler.stealing(false);
            Uthreads.of(torque).schedulingPeriod(Duration.ofMillis(2)).compensation(Duration.ZERO);
            UthreadBuilder builder = Uthreads.of(torque).builder().scheduler(scheduler);
            AtomicIntegerArray seen = new AtomicIntegerArray(3);
            AtomicBoolean stop = new AtomicBoolean();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int self = i;
                threads.add(builder.affinity(i % 2).start(() -> {
                    while (!stop.get()) {
                        Uthread.checkpoint();
                        int here = 1 << Vcore.peek().index();
                        if ((seen.get(self) & here) == 0) seen.getAndAccumulate(self, here, (a, b) -> a | b);
                    }
                }));
            }
            Eventually.await("each has run on both", () -> seen.get(0) == 3 && seen.get(1) == 3 && seen.get(2) == 3);
            stop.set(true);
            for (Thread thread : threads) Runtimes.join(thread);
            assertTrue(scheduler.swaps() > 0);
        }
    }

    @Test void thePeriodIsPositive() { assertThrows(IllegalArgumentException.class, () -> new JuggleScheduler(Duration.ZERO)); }
}
