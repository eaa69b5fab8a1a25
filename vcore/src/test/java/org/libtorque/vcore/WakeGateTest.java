package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.FieldOffsets;

class WakeGateTest {
    @Test void nobodyWakesAnOwnerThatIsAwake() {
        var gate = new WakeGate();
        assertFalse(gate.claimWake());
        assertEquals(WakeGate.AWAKE, gate.stateOpaque());
    }

    @Test void theFirstPosterWakesABlockingOwnerAndNoOther() {
        var gate = new WakeGate();
        gate.announce();
        assertTrue(gate.claimWake());
        assertFalse(gate.claimWake());
        gate.withdraw();
        assertFalse(gate.claimWake());
    }

    @Test void everyRoundCanBeWokenAgain() {
        var gate = new WakeGate();
        for (int round = 0; round < 3; round++) {
            gate.announce();
            assertTrue(gate.claimWake());
            gate.withdraw();
        }
    }

    @Test void withdrawingWithoutAWakeUpLeavesNothingToClaim() {
        var gate = new WakeGate();
        gate.announce();
        gate.withdraw();
        gate.withdraw(); // harmless when awake
        assertFalse(gate.claimWake());
    }

    @Test void announcingTwiceIsFoundByItsAssertion() {
        var gate = new WakeGate();
        gate.announce();
        assertThrows(AssertionError.class, gate::announce);
    }

    @Test void theStateIsNamedInDumps() {
        var gate = new WakeGate();
        assertEquals("WakeGate[awake]", gate.toString());
        gate.announce();
        assertEquals("WakeGate[blocking]", gate.toString());
        gate.claimWake();
        assertEquals("WakeGate[notified]", gate.toString());
    }

    /**
     * The whole protocol with a semaphore for the eventfd. A lost wake-up leaves the owner blocked with messages in its
     * inbox, which the time limit of its block finds. Posters pause now and then, so that the owner does block.
     */
    @Test void noMessageWaitsForAnOwnerThatSleeps() {
        int posters = 2;
        int each = 20_000;
        var vcore = new Vcore(0, 0, Clock.SYSTEM, new BlockPool(4096, 4096), 8, (where, failure) -> { throw new AssertionError(failure); });
        var inbox = new Inbox();
        var gate = new WakeGate();
        var token = new Semaphore(0);
        var wakes = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int p = 0; p < posters; p++) {
            Color[] colors = new Color[each]; // nobody puts a colour twice
            for (int i = 0; i < each; i++) colors[i] = vcore.newColor();
            threads.add(Thread.ofPlatform().name("poster " + p).start(() -> {
                for (int i = 0; i < each; i++) {
                    inbox.put(colors[i]);
                    if (gate.claimWake()) {
                        wakes.incrementAndGet();
                        token.release();
                    }
                    if (i % 64 == 0) Thread.yield();
                }
            }));
        }
        int rounds = 0;
        for (int received = 0; received < posters * each; ) {
            for (Color color = inbox.takeAll(); color != null; color = color.next) received++;
            if (received == posters * each) break;
            rounds++;
            gate.announce();
            if (inbox.isEmpty()) block(token, inbox);
            gate.withdraw();
        }
        threads.forEach(Eventually::awaitEnd);
        assertTrue(wakes.get() <= rounds, wakes + " wake-ups in " + rounds + " rounds");
        assertTrue(inbox.isEmpty());
        vcore.blocks().close();
    }

    private static void block(Semaphore token, Inbox inbox) {
        try {
            assertTrue(token.tryAcquire(Eventually.limitSeconds(), TimeUnit.SECONDS), "nobody woke the owner of " + inbox);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        token.drainPermits(); // as reading an eventfd does
    }

    @Test void theGateAllocatesNothing() {
        var gate = new WakeGate();
        AllocationProbe.assertAllocatesNothing(50_000, 10_000, () -> {
            gate.claimWake();
            gate.announce();
            gate.claimWake();
            gate.withdraw();
        });
    }

    @Test void theStateHasItsCacheLinesToItself() { FieldOffsets.assertApart(WakeGate.class, "state", 128); }
}
