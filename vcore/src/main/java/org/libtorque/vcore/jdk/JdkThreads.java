package org.libtorque.vcore.jdk;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.sys.Uninterruptibly;

/**
 * What we need of the JDK's virtual threads and it does not offer: a scheduler of one's own, and the thread that carries the calling one. The one class with such access; it needs
 * {@code --add-opens java.base/java.lang=} this module (on the class path {@code =ALL-UNNAMED}; in the manifest of an executable jar {@code Add-Opens: java.base/java.lang}).
 *
 * <p>Taken from JDK 25: the constructor {@code ThreadBuilders.VirtualThreadBuilder(Executor)}, which the JDK's own tests use, {@code Thread.currentCarrierThread()}, and the field {@code
 * VirtualThread.scheduler}. The
 * executor is given a runnable each time that the virtual thread can go on, the same one for the life of the thread; running it on a platform thread mounts the virtual
 * thread there until it parks, yields or ends. As this may change with any release, {@link #problem} tries it all, once.
 */
public final class JdkThreads {
    private static final String FLAG = "java.base/java.lang";
    private static final MethodHandle NEW_BUILDER;
    private static final MethodHandle CURRENT_CARRIER;
    private static final MethodHandle SCHEDULER;
    private static final String PROBLEM;

    static {
        MethodHandle newBuilder = null;
        MethodHandle currentCarrier = null;
        MethodHandle scheduler = null;
        String problem;
        try {
            MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup());
            Class<?> builder = Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder");
            newBuilder = MethodHandles.privateLookupIn(builder, MethodHandles.lookup()).findConstructor(builder, MethodType.methodType(void.class, Executor.class))
                    .asType(MethodType.methodType(Thread.Builder.OfVirtual.class, Executor.class));
            currentCarrier = lookup.findStatic(Thread.class, "currentCarrierThread", MethodType.methodType(Thread.class));
            Class<?> virtual = Class.forName("java.lang.VirtualThread");
            scheduler = MethodHandles.privateLookupIn(virtual, MethodHandles.lookup()).findGetter(virtual, "scheduler", Executor.class)
                    .asType(MethodType.methodType(Executor.class, Thread.class));
            problem = null;
        } catch (IllegalAccessException e) {
            problem = Thread.class.getModule().isOpen("java.lang", JdkThreads.class.getModule()) ? "this JDK forbids it: " + e
                    : "the JVM was started without --add-opens " + FLAG + "=" + user();
        } catch (ReflectiveOperationException | RuntimeException e) {
            problem = "this JDK (" + Runtime.version() + ") has other virtual threads than are known here: " + e;
        }
        NEW_BUILDER = newBuilder;
        CURRENT_CARRIER = currentCarrier;
        SCHEDULER = scheduler;
        PROBLEM = problem;
    }

    /** The self-test, run when somebody asks for it first. */
    private static final class SelfTest {
        static final String RESULT = PROBLEM != null ? PROBLEM : test();

        /** Starts a thread, has it park and go on, and looks each time at who is asked to run what, and where it runs. */
        private static String test() {
            ArrayDeque<Runnable> queue = new ArrayDeque<>();
            Thread here = Thread.currentThread();
            if (here.isVirtual()) return onPlatformThread();
            Thread[] carriers = new Thread[2];
            try {
                Executor scheduler = queue::add;
                Thread thread = builder(scheduler).name("torque-self-test").unstarted(() -> {
                    carriers[0] = carrier();
                    LockSupport.park();
                    carriers[1] = carrier();
                });
                if (schedulerOf(thread) != scheduler) return "a thread does not know its scheduler";
                thread.start();
                Runnable first = queue.poll();
                if (first == null || !queue.isEmpty()) return "a thread that starts is not given to its scheduler";
                first.run();
                if (carriers[0] != here || !queue.isEmpty()) return "a thread that was started does not run where its scheduler runs it";
                LockSupport.unpark(thread);
                Runnable second = queue.poll();
                if (second != first) return "a thread that goes on is given to its scheduler as something else than before";
                second.run();
                if (carriers[1] != here || thread.isAlive()) return "a thread that was parked does not go on where its scheduler runs it";
                return null;
            } catch (RuntimeException | LinkageError e) {
                return "virtual threads of this JDK (" + Runtime.version() + ") cannot be scheduled: " + e;
            }
        }

        /** Virtual threads do not run on virtual threads. */
        private static String onPlatformThread() {
            String[] result = {"the self-test ended early"};
            Thread tester = Thread.ofPlatform().name("torque-self-test").start(() -> result[0] = test());
            Uninterruptibly.await(tester::join); // it takes less than a millisecond
            return result[0];
        }
    }

    private JdkThreads() {}

    private static String user() {
        Module module = JdkThreads.class.getModule();
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }

    /** Returns null if virtual threads can be scheduled here, else why not and what to do about it. Any thread; the first call tries it. */
    public static String problem() { return SelfTest.RESULT; }

    /**
     * Returns a builder of virtual threads that run when {@code scheduler} runs what it is given. Its {@code execute} is called by whoever makes the thread runnable; if that is
     * a virtual thread, it is pinned meanwhile: it must neither block nor wait for a lock.
     *
     * @throws UnsupportedOperationException if there is a {@link #problem} of access
     */
    public static Thread.Builder.OfVirtual builder(Executor scheduler) {
        if (NEW_BUILDER == null) throw new UnsupportedOperationException(PROBLEM);
        try {
            return (Thread.Builder.OfVirtual) NEW_BUILDER.invokeExact(scheduler);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // the constructor declares none
        }
    }

    /** Returns the platform thread that carries the calling thread, or is it; the calling thread where there is no access. */
    public static Thread carrier() {
        if (CURRENT_CARRIER == null) return Thread.currentThread();
        try {
            return (Thread) CURRENT_CARRIER.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e); // it throws nothing
        }
    }

    /**
     * Returns what runs a virtual thread when it can go on: what was given to {@link #builder}, for its own threads and for those that they start without saying on what; null where there is no
     * access.
     *
     * @param thread a virtual one
     */
    public static Executor schedulerOf(Thread thread) {
        if (SCHEDULER == null) return null;
        try {
            return (Executor) SCHEDULER.invokeExact(thread);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e); // it throws nothing
        }
    }

    /**
     * Has the JDK set up the threads that watch the sockets of virtual threads. They are virtual threads themselves, and run where the first thread that needs them runs: so that
     * this is not a vcore, it is done by a platform thread beforehand.
     */
    public static void startPollers() {
        Thread starter = Thread.ofPlatform().daemon().name("torque-start-pollers").unstarted(() -> {
            try {
                Class.forName("sun.nio.ch.Poller", true, null);
            } catch (ClassNotFoundException | LinkageError e) {
                System.getLogger("org.libtorque").log(System.Logger.Level.DEBUG, "this JDK has no socket pollers to start", e);
            }
        });
        starter.start();
    }
}
