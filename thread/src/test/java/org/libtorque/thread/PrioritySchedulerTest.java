package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.example.PriorityScheduler;

/** The tutorial's scheduler. */
class PrioritySchedulerTest extends SchedulerContractTest {
    @Override Scheduler scheduler() { return new PriorityScheduler(); }

    @Test void theHighestPriorityRunsFirst() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            UthreadBuilder builder = Uthreads.of(torque).compensation(Duration.ZERO).builder().scheduler(scheduler()); // nobody stands in, beside the one vcore
            List<Integer> order = new ArrayList<>(); // one vcore, and no switch while it is changed
            List<Thread> threads = new ArrayList<>();
            Runtimes.on(builder, () -> {
                PriorityScheduler.prioritise(PriorityScheduler.LEVELS - 1); // until all others wait
                for (int level : new int[] {1, 0, 2, 1, 0, 2}) {
                    threads.add(builder.start(() -> {
                        PriorityScheduler.prioritise(level);
                        LockSupport.park();
                        order.add(level);
                    }));
                }
                while (threads.stream().anyMatch(thread -> thread.getState() != Thread.State.WAITING)) {
                    PriorityScheduler.prioritise(0); // below those that have just started, which have none
                    Thread.yield();
                }
                PriorityScheduler.prioritise(PriorityScheduler.LEVELS - 1);
                for (Thread thread : threads) LockSupport.unpark(thread);
                return null;
            });
            for (Thread thread : threads) Runtimes.join(thread);
            assertEquals(List.of(2, 2, 1, 1, 0, 0), order);
        }
    }

    @Test void theTutorialShowsItAsItIs() throws Exception {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("doc"))) root = root.getParent();
        List<String> code = Files.readAllLines(root.resolve("thread/src/test/java/org/libtorque/example/PriorityScheduler.java"));
        assertTrue(code.size() < 100, "the tutorial promises fewer than 100 lines");
        List<String> tutorial = Files.readAllLines(root.resolve("doc/scheduler-tutorial.md")).stream().map(String::strip).toList();
        for (String line : code) {
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("import ") || text.startsWith("package ")) continue;
            assertTrue(tutorial.contains(text), "not in the tutorial: " + text);
        }
    }
}
