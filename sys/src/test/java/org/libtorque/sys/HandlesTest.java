package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.junit.jupiter.api.Test;

class HandlesTest {
    private static final VarHandle OWN = Handles.field(MethodHandles.lookup(), "own", int.class);
    private static final VarHandle INHERITED = Handles.field(MethodHandles.lookup(), Padded.class, "value", long.class);
    private static final VarHandle COMMON = Handles.staticField(MethodHandles.lookup(), "common", String.class);

    static class Padded {
        private long value;
    }

    static final class Sub extends Padded {}

    private int own;
    private static String common = "before";

    @Test
    void aHandleReachesAPrivateFieldOfItsClass() {
        own = 1;
        assertEquals(1, (int) OWN.getAndAdd(this, 2));
        assertEquals(3, own);
    }

    @Test
    void aHandleReachesAFieldOfANestedClassThroughItsSubclassesToo() {
        var sub = new Sub();
        INHERITED.setRelease((Padded) sub, 5L);
        assertEquals(5, ((Padded) sub).value);
    }

    @Test
    void aHandleReachesAStaticField() {
        assertEquals("before", (String) COMMON.getAndSet("after"));
        assertEquals("after", common);
    }

    @Test
    void aMissingFieldIsALinkageErrorThatNamesIt() {
        LinkageError error = assertThrows(LinkageError.class, () -> Handles.field(MethodHandles.lookup(), "missing", int.class));
        assertEquals("org.libtorque.sys.HandlesTest has no accessible field missing of type int", error.getMessage());
        assertInstanceOf(NoSuchFieldException.class, error.getCause());
        assertThrows(LinkageError.class, () -> Handles.field(MethodHandles.lookup(), "own", long.class), "of another type");
        assertThrows(LinkageError.class, () -> Handles.staticField(MethodHandles.lookup(), "own", int.class), "not static");
    }

    @Test
    void aFieldThatTheAskingClassMayNotAccessIsALinkageError() {
        LinkageError error = assertThrows(LinkageError.class, () -> Handles.field(MethodHandles.publicLookup(), Padded.class, "value", long.class));
        assertInstanceOf(IllegalAccessException.class, error.getCause());
    }
}
