package org.libtorque.thread;

import java.net.SocketException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Task;

/**
 * Does something under a colour for a thread that does not have it, and waits until it is done: two posts, and two switches of threads. What it does must not wait; so it takes no
 * longer than the colour takes to have its turn.
 *
 * @param <T> what it returns
 */
final class ColorCall<T> extends Task {
    /** What is to be done. */
    @FunctionalInterface
    interface Body<T> {
        /** Runs under the colour. Must not wait. */
        T run() throws Exception;
    }

    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Thread caller = Thread.currentThread();
    private final Body<T> body;
    private T result;
    private Throwable failure;
    /** Written when the rest has been. */
    private volatile boolean done;

    private ColorCall(Color color, Body<T> body) {
        super(color);
        this.body = body;
    }

    @Override protected void run() {
        try {
            result = body.run();
        } catch (Throwable e) {
            failure = e;
        }
        done = true;
        LockSupport.unpark(caller);
    }

    /**
     * Runs a body under a colour, and waits for its end, whatever interrupts come. Not to be called by callbacks.
     *
     * @throws SocketException if the runtime has stopped
     * @throws Exception       what the body throws
     */
    static <T> T call(Color color, Body<T> body) throws Exception {
        ColorCall<T> call = new ColorCall<>(color, body);
        if (!call.postSurely()) throw stopped();
        boolean interrupted = false;
        while (!call.done) {
            Uthread.parkNanos(call, LOOK_NANOS);
            interrupted |= Thread.interrupted();
            if (color.home().hasStopped() && !call.done) throw stopped();
        }
        if (interrupted) call.caller.interrupt();
        switch (call.failure) {
            case null -> {
                return call.result;
            }
            case Exception e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(call.failure);
        }
    }

    static SocketException stopped() { return new SocketException("the runtime has stopped"); }
}
