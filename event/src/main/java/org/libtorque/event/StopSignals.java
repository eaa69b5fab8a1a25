package org.libtorque.event;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Has SIGTERM and SIGINT stop a runtime while it is open: the first one drains, the second ends the process at once. The one user of the JDK's
 * signal handling, {@code sun.misc.Signal}, which is unsupported but exported on purpose and has no successor (JEP 260). It is reached by
 * reflection only because the compiler warns of it in a way that cannot be switched off, and warnings are errors here.
 */
final class StopSignals implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final String[] NAMES = {"TERM", "INT"};

    private final Object[] previous = new Object[NAMES.length];
    private final AtomicBoolean seen = new AtomicBoolean();
    private final Runnable stop;
    private final Duration drainTimeout;

    /**
     * @param stop         called at the first signal, on the JVM's signal thread
     * @param drainTimeout for the log
     */
    StopSignals(Runnable stop, Duration drainTimeout) {
        this.stop = stop;
        this.drainTimeout = drainTimeout;
        for (int i = 0; i < NAMES.length; i++) previous[i] = install(NAMES[i], null);
    }

    private void received(String name, int number) {
        if (!seen.compareAndSet(false, true)) java.lang.Runtime.getRuntime().halt(128 + number);
        LOG.log(System.Logger.Level.INFO, "SIG{0}: draining for up to {1} s; a second signal ends the process at once", name,
                drainTimeout.toSeconds());
        stop.run();
    }

    /** Installs {@code handler}, or ours if null; returns what was there before, or null if the signal cannot be caught. */
    private Object install(String name, Object handler) {
        try {
            Class<?> signalClass = Class.forName("sun.misc.Signal");
            Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
            Method number = signalClass.getMethod("getNumber");
            Object ours = handler != null ? handler : Proxy.newProxyInstance(StopSignals.class.getClassLoader(), new Class<?>[] {handlerClass},
                    (proxy, method, arguments) -> switch (method.getName()) {
                        case "handle" -> {
                            received(name, (int) number.invoke(arguments[0]));
                            yield null;
                        }
                        case "equals" -> proxy == arguments[0];
                        case "hashCode" -> System.identityHashCode(proxy);
                        default -> "StopSignals[" + name + "]";
                    });
            return signalClass.getMethod("handle", signalClass, handlerClass).invoke(null, signalClass.getConstructor(String.class).newInstance(name), ours);
        } catch (InvocationTargetException e) { // the JVM was started with -Xrs, or keeps the signal for itself
            LOG.log(System.Logger.Level.WARNING, "SIG{0} cannot be caught and will end the process without draining: {1}", name,
                    e.getCause().getMessage());
        } catch (ReflectiveOperationException e) {
            LOG.log(System.Logger.Level.WARNING, "this JDK has no sun.misc.Signal; SIG{0} will end the process without draining", name);
        }
        return null;
    }

    @Override public void close() {
        for (int i = 0; i < NAMES.length; i++) {
            if (previous[i] != null) install(NAMES[i], previous[i]);
        }
    }
}
