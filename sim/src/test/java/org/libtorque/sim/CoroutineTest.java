package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CoroutineTest {
    @Test void coroutinesTakeTurnsWhereverTheyStand() {
        var said = new StringBuilder();
        Coroutine[] both = {new Coroutine(() -> say(said, "a", 3)), new Coroutine(() -> say(said, "b", 3))};
        for (int i = 0; i < 3; i++) {
            for (Coroutine c : both) c.resume();
        }
        assertEquals("a3b3a2b2a1b1", said.toString());
        assertFalse(both[0].isDone());
        both[0].resume();
        assertTrue(both[0].isDone());
    }

    private static void say(StringBuilder said, String name, int depth) {
        if (depth == 0) return;
        said.append(name).append(depth);
        Coroutine.suspend();
        say(said, name, depth - 1); // the stack is not the same each time
    }
}
