package org.libtorque.sim;

import static java.lang.invoke.MethodType.methodType;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/**
 * Code that can stop in the middle and go on later: what a simulated hart executes, and an actor of an explored interleaving. Any number of them take turns on one thread, so
 * the loop under simulation is the real one, stopped wherever it spends virtual time, and nothing in it needs to know.
 *
 * <p>This is {@code jdk.internal.vm.Continuation}, on which the JDK builds its virtual threads, and the one place that uses it. It
 * needs {@code --add-exports java.base/jdk.internal.vm=org.libtorque.sim} ({@code ALL-UNNAMED} on the class path). Rejected: virtual
 * threads on a scheduler of our own, which cost twice as much to switch and keep more state each; platform threads that hand
 * over to each other, which cost ten times as much.
 */
public final class Coroutine {
    private static final MethodHandle MAKE, RUN, YIELD, DONE;

    static {
        try {
            Class<?> type = Class.forName("jdk.internal.vm.Continuation");
            Class<?> scopeType = Class.forName("jdk.internal.vm.ContinuationScope");
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            Object scope = lookup.findConstructor(scopeType, methodType(void.class, String.class)).invoke("hart");
            MAKE = lookup.findConstructor(type, methodType(void.class, scopeType, Runnable.class)).bindTo(scope)
                    .asType(methodType(Object.class, Runnable.class));
            RUN = lookup.findVirtual(type, "run", methodType(void.class)).asType(methodType(void.class, Object.class));
            YIELD = lookup.findStatic(type, "yield", methodType(boolean.class, scopeType)).bindTo(scope);
            DONE = lookup.findVirtual(type, "isDone", methodType(boolean.class)).asType(methodType(boolean.class, Object.class));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(
                    "the simulator needs --add-exports java.base/jdk.internal.vm=org.libtorque.sim (or =ALL-UNNAMED)", e);
        } catch (Throwable e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Object continuation;

    /** @param body what {@link #resume} runs; must not let exceptions out */
    public Coroutine(Runnable body) {
        try {
            continuation = (Object) MAKE.invokeExact(body);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Runs until the body {@linkplain #suspend suspends} itself or ends. */
    public void resume() {
        try {
            RUN.invokeExact(continuation);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Tells whether the body has ended. */
    public boolean isDone() {
        try {
            return (boolean) DONE.invokeExact(continuation);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Returns to the caller of {@link #resume}; goes on when it is called again. Only from within a body. */
    public static void suspend() {
        try {
            boolean ignored = (boolean) YIELD.invokeExact();
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    private static RuntimeException impossible(Throwable e) {
        if (e instanceof RuntimeException r) return r;
        if (e instanceof Error error) throw error;
        throw new AssertionError(e);
    }
}
