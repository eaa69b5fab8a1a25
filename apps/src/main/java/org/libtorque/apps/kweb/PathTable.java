package org.libtorque.apps.kweb;

import org.libtorque.memory.ByteView;

/**
 * Values by the bytes of a path as it stands in a request: a look-up copies and allocates nothing. One thread's.
 *
 * <p>Open addressing with linear probing, at most half full.
 *   I1  a slot is free exactly if its key is null, and then its value is too
 *   I2  between the slot that a key's hash names and the one where it stands no slot is free
 *
 * @param <V> what is kept for each path
 */
final class PathTable<V> {
    private static final int LEAST_SLOTS = 256;

    private byte[][] keys = new byte[LEAST_SLOTS][];
    private Object[] values = new Object[LEAST_SLOTS];
    private int size;

    /** Returns the number of paths. */
    int size() { return size; }

    /** Returns the value for the {@code length} bytes at {@code offset} of a view, or null. */
    @SuppressWarnings("unchecked")
    V get(ByteView in, int offset, int length) {
        int mask = keys.length - 1;
        for (int slot = hash(in, offset, length) & mask; keys[slot] != null; slot = slot + 1 & mask) {
            byte[] key = keys[slot];
            if (key.length == length && same(in, offset, key)) return (V) values[slot];
        }
        return null;
    }

    private static int hash(ByteView in, int offset, int length) {
        int h = length;
        for (int i = 0; i < length; i++) h = h * 31 + in.getByte(offset + i);
        return h ^ h >>> 16;
    }

    private static int hash(byte[] key) {
        int h = key.length;
        for (byte b : key) h = h * 31 + b;
        return h ^ h >>> 16;
    }

    private static boolean same(ByteView in, int offset, byte[] key) {
        for (int i = 0; i < key.length; i++) if (in.getByte(offset + i) != key[i]) return false;
        return true;
    }

    /** Puts a value for a path that has none. The array is kept. */
    void put(byte[] key, V value) {
        if (2 * (size + 1) > keys.length) grow();
        insert(key, value);
    }

    private void insert(byte[] key, Object value) {
        int mask = keys.length - 1;
        int slot = hash(key) & mask;
        while (keys[slot] != null) slot = slot + 1 & mask;
        keys[slot] = key;
        values[slot] = value;
        size++;
    }

    private void grow() {
        byte[][] oldKeys = keys;
        Object[] oldValues = values;
        keys = new byte[2 * oldKeys.length][];
        values = new Object[keys.length];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) if (oldKeys[i] != null) insert(oldKeys[i], oldValues[i]);
    }

    /** Removes a path, by the array that was put, and returns its value. */
    @SuppressWarnings("unchecked")
    V remove(byte[] key) {
        int mask = keys.length - 1;
        int slot = hash(key) & mask;
        while (keys[slot] != key) slot = slot + 1 & mask;
        V removed = (V) values[slot];
        size--;
        // Closes the gap: whoever stands behind it and would be looked for from before it moves into it.
        for (int next = slot + 1 & mask; keys[next] != null; next = next + 1 & mask) {
            int home = hash(keys[next]) & mask;
            if ((next - home & mask) < (next - slot & mask)) continue;
            keys[slot] = keys[next];
            values[slot] = values[next];
            slot = next;
        }
        keys[slot] = null;
        values[slot] = null;
        return removed;
    }

    /** Removes all. */
    void clear() {
        keys = new byte[LEAST_SLOTS][];
        values = new Object[LEAST_SLOTS];
        size = 0;
    }

    /** Walks the table; for tests. */
    void checkInvariants() {
        int mask = keys.length - 1;
        int found = 0;
        for (int i = 0; i < keys.length; i++) {
            if ((keys[i] == null) != (values[i] == null)) throw new IllegalStateException("I1: slot " + i);
            if (keys[i] == null) continue;
            found++;
            for (int slot = hash(keys[i]) & mask; slot != i; slot = slot + 1 & mask) {
                if (keys[slot] == null) throw new IllegalStateException("I2: slot " + i + " cannot be found, slot " + slot + " is free");
            }
        }
        if (found != size || 2 * size > keys.length) throw new IllegalStateException(found + " paths in " + keys.length + " slots, but size " + size);
    }
}
