package org.libtorque.testkit;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;

/**
 * Where the JVM has put the fields of a class, for tests of padding. Uses {@code sun.misc.Unsafe} by reflection,
 * since there is no other way without an agent; the JVM warns about that once.
 */
public final class FieldOffsets {
    private static final Object UNSAFE;
    private static final Method OBJECT_FIELD_OFFSET;

    static {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field instance = type.getDeclaredField("theUnsafe");
            instance.setAccessible(true);
            UNSAFE = instance.get(null);
            OBJECT_FIELD_OFFSET = type.getMethod("objectFieldOffset", Field.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private FieldOffsets() {}

    /** Returns the offset in bytes of the instance field {@code name}, of {@code type} or a superclass. */
    public static long of(Class<?> type, String name) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            try {
                return (long) OBJECT_FIELD_OFFSET.invoke(UNSAFE, c.getDeclaredField(name));
            } catch (NoSuchFieldException e) {
                continue; // in a superclass, then
            } catch (ReflectiveOperationException e) {
                throw new LinkageError("sun.misc.Unsafe.objectFieldOffset", e);
            }
        }
        throw new IllegalArgumentException(type.getName() + " has no field " + name);
    }

    /**
     * Asserts that a field lies at least {@code distanceBytes} from every other instance field of its class and of
     * its superclasses, pads (fields whose names end in two hexadecimal digits after a 'p') excepted, and from both
     * ends of the object as far as pads can ensure it.
     *
     * @throws AssertionError naming the field that is too near
     */
    public static void assertApart(Class<?> type, String name, int distanceBytes) {
        long offset = of(type, name);
        long first = Long.MAX_VALUE;
        long last = 0;
        for (Class<?> c = type; c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) continue;
                long other = of(c, field.getName());
                first = Math.min(first, other);
                last = Math.max(last, other);
                if (field.getName().equals(name) || field.getName().matches("p[0-9a-f]{2}")) continue;
                if (Math.abs(other - offset) < distanceBytes) {
                    throw new AssertionError(type.getSimpleName() + "." + name + " at " + offset + " is too near to "
                            + field.getName() + " at " + other);
                }
            }
        }
        if (offset - first < distanceBytes || last + Long.BYTES - offset < distanceBytes) {
            throw new AssertionError(type.getSimpleName() + "." + name + " at " + offset + " is too near to an end: "
                    + "fields lie from " + first + " to " + last);
        }
    }
}
