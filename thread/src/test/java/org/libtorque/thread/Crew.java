package org.libtorque.thread;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;

/** Threads of one kind that a test starts; what goes wrong on them fails the test, and none outlives it. */
final class Crew implements AutoCloseable {
    /** What threads a contract is tested with. */
    enum Kind {
        PLATFORM, VIRTUAL, UTHREAD;

        Thread unstarted(Runnable body) {
            return switch (this) {
                case PLATFORM -> Thread.ofPlatform().daemon().unstarted(body);
                case VIRTUAL -> Thread.ofVirtual().unstarted(body);
                case UTHREAD -> uthreads().newThread(body);
            };
        }
    }

    /** The runtime of the uthreads of a test class. */
    private static Torque runtime;

    private static synchronized Uthreads uthreads() {
        if (runtime == null) runtime = Runtimes.open(2);
        Uthreads uthreads = Uthreads.of(runtime);
        if (uthreads.problem() != null) throw new AssertionError(uthreads.problem());
        return uthreads;
    }

    /** Ends the runtime if uthreads have been asked for. To be called when a test class is done. */
    static synchronized void endRuntime() {
        if (runtime != null) runtime.close();
        runtime = null;
    }

    @FunctionalInterface
    interface Body {
        void run() throws Exception;
    }

    private final Kind kind;
    private final List<Thread> threads = new ArrayList<>();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    Crew(Kind kind) { this.kind = kind; }

    /** Starts a thread. */
    Thread start(Body body) {
        Thread thread = kind.unstarted(() -> {
            try {
                body.run();
            } catch (Throwable t) {
                failures.add(t);
            }
        });
        threads.add(thread);
        thread.start();
        return thread;
    }

    /** Starts a thread and waits until a condition holds, which it will bring about. */
    Thread start(Body body, BooleanSupplier until) {
        Thread thread = start(body);
        Eventually.await(() -> "the thread has come so far; failures: " + failures, Eventually.DEFAULT_LIMIT, until);
        return thread;
    }

    /** Waits until all threads have ended. */
    void join() {
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        threads.clear();
        for (Throwable failure : failures) throw new AssertionError("on another thread", failure);
    }

    @Override public void close() {
        for (Thread thread : threads) thread.interrupt();
        join();
    }
}
