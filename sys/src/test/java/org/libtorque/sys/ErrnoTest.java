package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ErrnoTest {
    @Test
    void everyConstantHasItsOwnName() {
        // Second names of a number: describe uses the first.
        Map<String, String> aliases = Map.of("EWOULDBLOCK", "EAGAIN", "EDEADLOCK", "EDEADLK", "ENOTSUP", "EOPNOTSUPP");
        Map<String, Long> constants = KernelStructs.constants(Errno.class);
        assertEquals(131 + aliases.size(), constants.size());      // 133 numbers, of which 41 and 58 are unused
        constants.forEach((name, number) -> assertEquals(aliases.getOrDefault(name, name), Errno.name(number.intValue())));
    }

    @Test
    void describeAddsTheMeaning() {
        assertEquals("EEXIST (File exists)", Errno.describe(17));
        assertEquals("EPERM (Operation not permitted)", Errno.describe(1));
        assertEquals("EHWPOISON (Memory page has hardware error)", Errno.describe(133));
    }

    @Test
    void numbersWithoutANameAreShownAsNumbers() {
        for (int number : new int[] {0, -1, 41, 58, 134, 4711, Integer.MIN_VALUE}) {
            assertEquals("errno " + number, Errno.name(number));
            assertEquals("errno " + number, Errno.describe(number));
        }
    }
}
