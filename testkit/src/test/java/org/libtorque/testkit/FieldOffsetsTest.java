package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class FieldOffsetsTest {
    @SuppressWarnings("unused")
    private static class Base { long first, second; }

    private static final class Derived extends Base { int third; }

    @Test void longsOfOneClassAreEightBytesApart() {
        assertEquals(8, Math.abs(FieldOffsets.of(Base.class, "first") - FieldOffsets.of(Base.class, "second")));
    }

    @Test void inheritedFieldsAreFoundAtTheOffsetOfTheirClass() {
        new Derived().third = 1;
        assertEquals(FieldOffsets.of(Base.class, "first"), FieldOffsets.of(Derived.class, "first"));
    }

    @Test void aNeighbourIsNamedWhenItIsTooNear() {
        AssertionError e = assertThrows(AssertionError.class, () -> FieldOffsets.assertApart(Base.class, "first", 64));
        assertTrue(e.getMessage().contains("second"), e.getMessage());
    }

    @Test void anUnknownFieldIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> FieldOffsets.of(Base.class, "third"));
    }
}
