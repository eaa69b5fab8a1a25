package org.libtorque.vcore;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The sources of one event queue by slot number. The kernel carries a slot and its generation as user data and gives it
 * back with each event; the generation changes when a slot is given up, so that an event that was under way then cannot
 * reach the next tenant (as in Go's netpoll). Owner thread only; allocates when it grows.
 */
public final class SourceTable {
    private final EventQueue owner;
    private EventSource[] sources = new EventSource[64];
    private int[] generations = new int[64];
    private int[] free = new int[64];
    private int freeCount;
    private int used;
    private int count;

    /**
     * Creates an empty table.
     *
     * @param owner the queue that sources are bound to
     */
    public SourceTable(EventQueue owner) { this.owner = owner; }

    /** Enters a source and binds it to its slot. */
    public int add(EventSource source) {
        int slot;
        if (freeCount > 0) {
            slot = free[--freeCount];
        } else {
            slot = used++;
            if (slot == sources.length) {
                sources = Arrays.copyOf(sources, 2 * slot);
                generations = Arrays.copyOf(generations, 2 * slot);
            }
        }
        sources[slot] = source;
        source.bind(owner, slot);
        count++;
        return slot;
    }

    /** Returns the source in a slot, or null. */
    public EventSource get(int slot) { return sources[slot]; }

    /** Shows all sources. */
    public void forEach(Consumer<EventSource> action) {
        for (int slot = 0; slot < used; slot++) if (sources[slot] != null) action.accept(sources[slot]);
    }

    /** Returns a slot's generation, 24 bits. */
    public int generation(int slot) { return generations[slot]; }

    /** Gives up a slot. The source is not touched. */
    public void remove(int slot) {
        assert sources[slot] != null : "slot " + slot + " is free";
        sources[slot] = null;
        generations[slot] = (generations[slot] + 1) & 0xFF_FFFF;
        if (freeCount == free.length) free = Arrays.copyOf(free, 2 * freeCount);
        free[freeCount++] = slot;
        count--;
    }

    /** Returns how many slots are taken. */
    public int count() { return count; }

    /** Returns a number above every slot handed out so far. */
    public int slotLimit() { return used; }
}
