package org.libtorque.sys;

import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.VarHandle;

/**
 * Finds the handles by which classes access their own fields in weaker modes than volatile, as {@code jdk.internal.invoke.MhUtil} does for the JDK. What is found goes into a
 * {@code private static final} field of the class that uses it: only then is the handle a constant for the compiler, and an access the one instruction that it stands for.
 */
public final class Handles {
    private Handles() {}

    /**
     * Finds an instance field of the class that asks.
     *
     * @param lookup {@code MethodHandles.lookup()} of that class
     * @param type the field's declared type
     * @throws LinkageError if the class declares no such field; a class that names its own fields wrongly cannot be used
     */
    public static VarHandle field(Lookup lookup, String name, Class<?> type) { return field(lookup, lookup.lookupClass(), name, type); }

    /**
     * Finds an instance field of another class: a superclass that keeps the field on cache lines of its own, or a nested class.
     *
     * @param lookup of a class that may access the field
     * @param holder the class that declares the field, or inherits it
     * @param type the field's declared type
     * @throws LinkageError if there is no such field, or the asking class may not access it
     */
    public static VarHandle field(Lookup lookup, Class<?> holder, String name, Class<?> type) {
        try {
            return lookup.findVarHandle(holder, name, type);
        } catch (ReflectiveOperationException e) {
            throw notFound(holder, name, type, e);
        }
    }

    /**
     * Finds a static field of the class that asks.
     *
     * @param lookup {@code MethodHandles.lookup()} of that class
     * @param type the field's declared type
     * @throws LinkageError if the class declares no such field
     */
    public static VarHandle staticField(Lookup lookup, String name, Class<?> type) {
        try {
            return lookup.findStaticVarHandle(lookup.lookupClass(), name, type);
        } catch (ReflectiveOperationException e) {
            throw notFound(lookup.lookupClass(), name, type, e);
        }
    }

    private static LinkageError notFound(Class<?> holder, String name, Class<?> type, ReflectiveOperationException e) {
        return new LinkageError(holder.getName() + " has no accessible field " + name + " of type " + type.getTypeName(), e);
    }
}
