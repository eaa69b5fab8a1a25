package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;

class SourceTableTest {
    private final Vcore vcore = new Vcore(0, 0, Clock.SYSTEM, new BlockPool(4096, 4096), 2, (where, failure) -> { });
    private final SourceTable table = new SourceTable(null);

    private EventSource source() {
        return new EventSource(vcore.newColor(), 7) {
            @Override protected void run() { }
        };
    }

    @Test void aSourceIsFoundInItsSlotUntilThatIsGivenUp() {
        EventSource a = source();
        EventSource b = source();
        int slotA = table.add(a);
        int slotB = table.add(b);
        assertEquals(slotA, a.slot());
        assertEquals(slotB, b.slot());
        assertSame(a, table.get(slotA));
        assertEquals(2, table.count());
        table.remove(slotA);
        assertNull(table.get(slotA));
        assertSame(b, table.get(slotB));
        assertEquals(1, table.count());
        assertThrows(AssertionError.class, () -> table.remove(slotA));
    }

    @Test void aSlotsNextTenantHasAnotherGeneration() {
        int slot = table.add(source());
        Set<Integer> generations = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            assertTrue(generations.add(table.generation(slot)));
            table.remove(slot);
            assertEquals(slot, table.add(source()));
        }
    }

    @Test void generationsStayWithinTheirBits() {
        EventSource source = source();
        int slot = table.add(source);
        int before = table.generation(slot);
        for (int i = 0; i < 1 << 24; i++) {
            table.remove(slot);
            table.add(source);
            assert table.generation(slot) >>> 24 == 0;
        }
        assertEquals(before, table.generation(slot), "comes round after 2^24");
    }

    @Test void itGrowsAndReusesEverySlot() {
        List<EventSource> sources = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            sources.add(source());
            assertEquals(i, table.add(sources.get(i)));
        }
        assertEquals(1_000, table.slotLimit());
        for (int i = 0; i < 1_000; i++) assertSame(sources.get(i), table.get(i));
        for (int i = 0; i < 1_000; i += 2) table.remove(i);
        for (int i = 0; i < 500; i++) assertNotEquals(-1, table.add(source()));
        assertEquals(1_000, table.slotLimit(), "gaps are filled first");
        assertEquals(1_000, table.count());
        for (int i = 0; i < 1_000; i++) table.remove(i);
        assertEquals(0, table.count());
        for (int i = 0; i < 1_000; i++) assertNull(table.get(i));
    }

    @Test void enteringAndLeavingAllocatesNothing() {
        EventSource source = source();
        AllocationProbe.assertAllocatesNothing(20_000, 20_000, () -> table.remove(table.add(source)));
    }
}
