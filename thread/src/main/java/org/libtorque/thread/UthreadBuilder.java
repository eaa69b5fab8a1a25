package org.libtorque.thread;

import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicLong;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;

/** Says what a uthread is to be like, and makes it. Belongs to one thread; the factories that it makes may be used by any. From {@link Uthreads#builder()}. */
public final class UthreadBuilder implements Cloneable {
    private final Uthreads uthreads;
    private String name;
    private long counter = -1;
    private boolean inherit = true;
    Thread.UncaughtExceptionHandler handler;
    Color color;
    Scheduler scheduler;
    int affinity = -1;
    Placement placement = Placement.near();

    UthreadBuilder(Uthreads uthreads) { this.uthreads = uthreads; }

    /** Names the thread. Without, it has an empty name, like any virtual thread. */
    public UthreadBuilder name(String value) {
        name = Objects.requireNonNull(value);
        counter = -1;
        return this;
    }

    /** Names threads with a prefix and a number that counts up from {@code start}, at least 0. */
    public UthreadBuilder name(String prefix, long start) {
        if (start < 0) throw new IllegalArgumentException("numbers must not be negative: " + start);
        name = Objects.requireNonNull(prefix);
        counter = start;
        return this;
    }

    /** Gives it a colour: it never runs in parallel with callbacks, tasks and other threads of that colour, and they run while it waits. Without, it has one of its own. */
    public UthreadBuilder color(Color value) {
        color = Objects.requireNonNull(value);
        return this;
    }

    /** Has a scheduler run it, instead of its colour; the scheduler is then this runtime's. Without {@link Uthreads#problem access} it does not count. */
    public UthreadBuilder scheduler(Scheduler value) {
        scheduler = Objects.requireNonNull(value);
        return this;
    }

    /**
     * Says where it is to run if its {@link #scheduler} cares, as those that ship do.
     *
     * @param vcore number among the runtime's vcores, from 0
     */
    public UthreadBuilder affinity(int vcore) {
        Objects.checkIndex(vcore, uthreads.torque().vcores().size());
        affinity = vcore;
        return this;
    }

    /** Says where a colour of its own is at home. The default is {@link Placement#near}. */
    public UthreadBuilder placement(Placement value) {
        placement = Objects.requireNonNull(value);
        return this;
    }

    /** Says whether it inherits inheritable thread-locals, which is the JDK's default. */
    public UthreadBuilder inheritInheritableThreadLocals(boolean value) {
        inherit = value;
        return this;
    }

    /** Says who is told of an exception that the thread lets out; by default the runtime's failure handler. */
    public UthreadBuilder uncaughtExceptionHandler(Thread.UncaughtExceptionHandler value) {
        handler = Objects.requireNonNull(value);
        return this;
    }

    /**
     * Makes a thread that is not started.
     *
     * @throws IllegalStateException                           if it has a colour and a scheduler, or the scheduler serves another runtime
     * @throws java.util.concurrent.RejectedExecutionException if the runtime has stopped
     * @throws UnsupportedOperationException                   if it was given a colour and {@link Uthreads#problem} says why that is not possible
     */
    public Thread unstarted(Runnable action) { return uthreads.newThread(this, counter < 0 ? name : name + counter++, action); }

    /** Makes and starts a thread; see {@link #unstarted}. */
    public Thread start(Runnable action) {
        Thread thread = unstarted(action);
        thread.start();
        return thread;
    }

    /** Returns a factory of such threads, for executors, structured concurrency, and the like. */
    public ThreadFactory factory() {
        UthreadBuilder copy = copy();
        if (counter < 0) return action -> uthreads.newThread(copy, copy.name, action);
        AtomicLong next = new AtomicLong(counter);
        return action -> uthreads.newThread(copy, copy.name + next.getAndIncrement(), action);
    }

    private UthreadBuilder copy() {
        try {
            return (UthreadBuilder) clone();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    Thread.Builder.OfVirtual apply(Thread.Builder.OfVirtual builder, String threadName) {
        if (threadName != null) builder.name(threadName);
        if (!inherit) builder.inheritInheritableThreadLocals(false);
        if (handler != null) builder.uncaughtExceptionHandler(handler);
        return builder;
    }
}
