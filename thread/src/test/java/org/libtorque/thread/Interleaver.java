package org.libtorque.thread;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.sim.Coroutine;

/**
 * Runs the actors of a {@link Scenario} in an order that a seed decides, switching between atomic steps. Actors are continuations on one thread; the code under test is woven ({@link Weaver}) so
 * that before each atomic access of shared memory it comes by here, and so that parking, time, interrupts and the identity of threads are this class's. What one seed has found, it finds
 * again.
 *
 * <p>Memory is sequentially consistent here. What weaker orders do is for the stress tests.
 */
public final class Interleaver {
    private static final int MAX_STEPS = 200_000;
    private static Interleaver running;

    private static final class Actor {
        final Thread identity;
        final Coroutine coroutine;
        Throwable failure;
        boolean parked, permit, interrupted;
        long deadline = Long.MAX_VALUE;

        Actor(String name, Scenario.Body body) {
            identity = new Thread(name); // never started
            coroutine = new Coroutine(() -> {
                try {
                    body.run();
                } catch (Throwable t) {
                    failure = t;
                }
            });
        }

        boolean mayRun() { return !coroutine.isDone() && (!parked || permit || interrupted); }
    }

    private final SplittableRandom random;
    private final List<Actor> actors = new ArrayList<>();
    /** Of 64 steps, how many are switches. */
    private final int switches;
    private Actor current;
    private long now = 1_000_000;
    private int steps;
    private long trace;

    private Interleaver(long seed) {
        random = new SplittableRandom(seed);
        switches = 1 << random.nextInt(7);
    }

    /**
     * Runs a scenario to its end.
     *
     * @return a number that two runs have in common if they took the same course
     * @throws AssertionError with the seed, if an actor or the check failed, or some can never go on
     */
    static long run(Scenario scenario, long seed) {
        var run = new Interleaver(seed);
        running = run;
        try {
            var bodies = new ArrayList<Scenario.Body>();
            scenario.actors(new SplittableRandom(seed), bodies);
            for (Scenario.Body body : bodies) run.actors.add(new Actor("actor " + run.actors.size(), body));
            run.play();
            for (Actor a : run.actors) if (a.failure != null) throw a.failure;
            scenario.check();
        } catch (Throwable t) {
            throw new AssertionError("seed " + seed + ", step " + run.steps + ": " + t.getMessage(), t);
        } finally {
            running = null;
        }
        return run.trace;
    }

    private void play() {
        var ready = new ArrayList<Actor>();
        for (;;) {
            ready.clear();
            boolean left = false;
            Actor earliest = null;
            for (Actor a : actors) {
                if (a.coroutine.isDone()) continue;
                left = true;
                if (a.mayRun()) ready.add(a);
                else if (a.deadline != Long.MAX_VALUE && (earliest == null || a.deadline < earliest.deadline)) earliest = a;
            }
            if (!left) return;
            if (earliest != null && (ready.isEmpty() || random.nextInt(16) == 0)) { // time passes
                now = Math.max(now, earliest.deadline);
                resume(earliest);
            } else if (ready.isEmpty()) {
                throw new AssertionError("all who are left are parked for ever: " + actors.stream().filter(a -> !a.coroutine.isDone()).map(a -> a.identity.getName()).toList());
            } else if (random.nextInt(128) == 0) { // parks may return for nothing
                Actor any = actors.get(random.nextInt(actors.size()));
                if (!any.coroutine.isDone()) resume(any);
            } else {
                resume(ready.get(random.nextInt(ready.size())));
            }
        }
    }

    private void resume(Actor a) {
        current = a;
        a.parked = false;
        trace = trace * 31 + actors.indexOf(a) + 1;
        a.coroutine.resume();
        current = null;
    }

    private Actor actor(Thread identity) {
        for (Actor a : actors) if (a.identity == identity) return a;
        throw new AssertionError(identity + " is none of this run's");
    }

    private static Interleaver inActor() { return running != null && running.current != null ? running : null; }

    // -------------------------------------------------------------------------------------------------- called by woven code

    /** Before an atomic step: others may come first. */
    public static void step() {
        Interleaver r = inActor();
        if (r == null) return;
        if (++r.steps > MAX_STEPS) throw new AssertionError("no end in sight");
        r.now += 7;
        if (r.random.nextInt(64) < r.switches) Coroutine.suspend();
    }

    public static void yield() {
        if (inActor() == null) return;
        step();
        Coroutine.suspend();
    }

    public static void onSpinWait() { Interleaver.yield(); }

    public static Thread currentThread() {
        Interleaver r = inActor();
        return r == null ? Thread.currentThread() : r.current.identity;
    }

    public static long nanoTime() {
        Interleaver r = inActor();
        return r == null ? System.nanoTime() : r.now;
    }

    public static boolean interrupted() {
        step();
        Actor a = running.current;
        boolean was = a.interrupted;
        a.interrupted = false;
        return was;
    }

    public static boolean isInterrupted(Thread thread) { return running.actor(thread).interrupted; }

    public static void interrupt(Thread thread) {
        step();
        running.actor(thread).interrupted = true;
    }

    public static void park(Object blocker) { parkUntil(Long.MAX_VALUE); }

    public static void parkNanos(Object blocker, long nanos) { parkUntil(running.now + nanos); }

    private static void parkUntil(long deadline) {
        step();
        Actor a = running.current;
        if (!a.permit && !a.interrupted) {
            a.parked = true;
            a.deadline = deadline;
            Coroutine.suspend();
            a.deadline = Long.MAX_VALUE;
        }
        a.permit = false;
    }

    public static void unpark(Thread thread) {
        step();
        if (inActor() == null) LockSupport.unpark(thread);
        else running.actor(thread).permit = true;
    }

    /** A planted mistake: a compare-and-set in two steps. */
    public static boolean tornCompareAndSet(VarHandle handle, Object holder, int expected, int value) {
        step();
        if ((int) handle.getVolatile(holder) != expected) return false;
        step();
        handle.setVolatile(holder, value);
        return true;
    }

    /** The same for a compare-and-exchange. */
    public static int tornCompareAndExchange(VarHandle handle, Object holder, int expected, int value) {
        step();
        int seen = (int) handle.getVolatile(holder);
        step();
        if (seen == expected) handle.setVolatile(holder, value);
        return seen;
    }
}
