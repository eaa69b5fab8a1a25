package org.libtorque.bench.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

final class WorkTest {
    @Test
    void workBurnsTheThreadsOwnTime() {
        Work.answer("/work?us=1", 0);                            // links and compiles a little
        var threads = ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadCpuTime();
        assertEquals("{\"us\":20000}\n", Work.answer("/work?us=20000", 0));
        long used = threads.getCurrentThreadCpuTime() - before;
        assertTrue(used >= 20_000_000 && used < 60_000_000, used + " ns");
    }

    @Test
    void aVirtualThreadCanWorkToo() throws InterruptedException {
        long start = System.nanoTime();
        Thread.ofVirtual().start(() -> Work.answer("/work?us=20000", -1)).join();
        assertTrue(System.nanoTime() - start >= 20_000_000);
    }

    @Test
    void whoServesIsSaidAndTheRestIsSomebodyElses() {
        assertEquals("{\"vcore\":1}\n", Work.answer("/whoami", 1));
        assertEquals("{\"vcore\":-1}\n", Work.answer("/whoami", -1));
        assertEquals("{\"us\":0}\n", Work.answer("/work?us=-5", 0));
        assertNull(Work.answer("/plaintext", 0));
    }
}
