package org.libtorque.event;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * The one user of the JDK's signal handling, {@code sun.misc.Signal}, which is unsupported but exported on purpose and has no successor (JEP 260). It is reached by
 * reflection only because the compiler warns of it in a way that cannot be switched off, and warnings are errors here.
 */
final class JdkSignals {
    private JdkSignals() {}

    /**
     * Has {@code action} called at each {@code signal}, on a thread of the JVM's.
     *
     * @return what was there before, for {@link #restore}
     * @throws UnsupportedOperationException if the JVM does not let it be caught; the message says why, in the JDK's words
     */
    static Object install(Signal signal, Runnable action) {
        try {
            // The JDK resets SIGCHLD to its default when it first looks at the environment or starts a process, which would silently undo this: have it done before.
            if (signal.equals(Signal.CHLD)) Class.forName("java.lang.ProcessImpl");
            Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
            Object handler = Proxy.newProxyInstance(JdkSignals.class.getClassLoader(), new Class<?>[] {handlerClass}, (proxy, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    action.run();
                    yield null;
                }
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "handler of " + signal;
            });
            return handle(signal, handler);
        } catch (ClassNotFoundException e) {
            throw new UnsupportedOperationException("this JDK has no sun.misc.Signal", e);
        }
    }

    /** Puts back what {@link #install} returned. */
    static void restore(Signal signal, Object previous) { handle(signal, previous); }

    private static Object handle(Signal signal, Object handler) {
        try {
            Class<?> signalClass = Class.forName("sun.misc.Signal");
            Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
            Method handle = signalClass.getMethod("handle", signalClass, handlerClass);
            return handle.invoke(null, signalClass.getConstructor(String.class).newInstance(signal.name()), handler);
        } catch (InvocationTargetException e) {
            throw new UnsupportedOperationException(e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new UnsupportedOperationException("this JDK has no sun.misc.Signal", e);
        }
    }
}
