package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class UninterruptiblyTest {
    @Test void anInterruptEndsNoWaitAndIsSeenAfterwards() {
        var waits = new int[1];
        var latch = new CountDownLatch(1);
        Thread.currentThread().interrupt();
        Uninterruptibly.await(() -> {
            if (++waits[0] == 2) latch.countDown();
            latch.await();
        });
        assertEquals(2, waits[0]);
        assertTrue(Thread.interrupted());
    }

    @Test void aWaitThatIsNotInterruptedLeavesNoMark() {
        var waits = new int[1];
        Uninterruptibly.await(() -> waits[0]++);
        assertEquals(1, waits[0]);
        assertFalse(Thread.interrupted());
    }

    @Test void whatTheWaitThrowsComesOut() {
        assertThrows(IllegalStateException.class, () -> Uninterruptibly.await(() -> { throw new IllegalStateException(); }));
    }
}
