package org.libtorque.thread;

import java.io.IOException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.libtorque.event.Registration;
import org.libtorque.event.Signal;
import org.libtorque.event.SignalInfo;
import org.libtorque.vcore.jdk.JdkThreads;

/**
 * Signals to uthreads, after parlib's signal service (Klues 2015, 2.4.3) and pthread_kill(3): a signal is sent to a thread, and its {@linkplain SignalAction action} runs on that
 * thread, with its thread-locals, free to wait and to yield.
 *
 * <p><b>When.</b> When the thread is scheduled next, or comes by a {@link Uthread#checkpoint}: a thread that waits in this library ({@link Uthread#park}, {@code sleep}, synchronisers, sockets, files,
 * processes) is woken, runs the handler, and goes on waiting; one that yields runs it when it has its turn; one that computes, at its next checkpoint. Nothing can interrupt code of
 * the JVM from outside, so one that computes without checkpoints, or waits in code that parks by the JDK's means, gets to it afterwards. Lower numbers go first.
 *
 * <p><b>What a handler may do.</b> It runs in the middle of what the thread was waiting for. So it must not use what that needs: wait for a lock that the thread holds, or is queued for; read
 * from the socket that the thread is reading from. After it a {@link Uthread#park} returns, as if for no reason. What it throws goes to the runtime's failure handler.
 *
 * <p><b>Pending and blocked.</b> A standard signal that is pending for a thread is not counted twice; of real-time signals up to {@value #MOST_QUEUED} are queued for a thread, with their values, in
 * order. Blocked signals stay pending. As long as a signal is pending anywhere, every thread's waits and checkpoints cost a look into a hash table. A new thread blocks nothing.
 *
 * <p><b>Signals to the process</b> are taken with {@link #takeFromProcess}: a uthread is made for each that comes, and runs its action.
 *
 * <p>Actions are the runtime's; masks and pending signals are each thread's. Any thread may call any method that does not say otherwise. Allocates when a thread is sent a signal for the first time, for
 * each real-time signal, and for each handler that runs.
 */
public final class UthreadSignals {
    /** Real-time signals that can be pending for one thread. */
    public static final int MOST_QUEUED = 1024;
    /** How often what was sent meanwhile, such as by the actions themselves, is delivered at once; then the thread goes on, and is told of the rest at its next look. */
    private static final int ROUNDS = 16;

    private static final int NUMBERS = 64;
    /** The kernel's {@code SI_TKILL}: sent to one thread. */
    private static final int TO_ONE_THREAD = -6;
    private static final Set<Signal> IGNORED_BY_DEFAULT = Set.of(Signal.CHLD, Signal.CONT, Signal.WINCH, Signal.of("URG"));
    private static final long UNSTOPPABLE = bit(Signal.of("KILL").number()) | bit(Signal.of("STOP").number());

    private final Uthreads uthreads;
    private final AtomicReferenceArray<SignalAction> actions = new AtomicReferenceArray<>(NUMBERS + 1);
    private final ConcurrentHashMap<Thread, State> states = new ConcurrentHashMap<>();

    UthreadSignals(Uthreads uthreads) {
        this.uthreads = uthreads;
        for (int i = 0; i <= NUMBERS; i++) actions.set(i, SignalAction.DEFAULT);
    }

    /**
     * What a thread was sent. A bit of {@code pending} is set after its information is in the queue and cleared before that is taken, so it is never clear while there is something. Each set bit
     * is counted in {@link Preemption#countSignals}, so that threads look. When the thread has ended all bits are set and none is counted.
     */
    private static final class State {
        static final long ENDED = -1L;

        final AtomicLong pending = new AtomicLong();
        final AtomicInteger queued = new AtomicInteger();
        /** Made by the first sender of a real-time signal. */
        final AtomicReferenceArray<ConcurrentLinkedQueue<SignalInfo>> queues = new AtomicReferenceArray<>(NUMBERS + 1);
        /** The thread's own. */
        long blocked;

        ConcurrentLinkedQueue<SignalInfo> queue(int number) {
            var queue = queues.get(number);
            if (queue != null) return queue;
            queues.compareAndSet(number, null, new ConcurrentLinkedQueue<>());
            return queues.get(number);
        }

        /** Returns false if the thread has ended. */
        boolean mark(long bit) {
            while (true) {
                long p = pending.get();
                if (p == ENDED) return false;
                if ((p & bit) != 0) return true;
                Preemption.countSignals(1); // first: it is never taken back before it was counted
                if (pending.compareAndSet(p, p | bit)) return true;
                Preemption.countSignals(-1);
            }
        }

        /** By the thread. */
        void clear(long bit) {
            pending.getAndUpdate(p -> p & ~bit);
            Preemption.countSignals(-1);
        }

        void end() { Preemption.countSignals(-Long.bitCount(pending.getAndSet(ENDED))); }
    }

    private static long bit(int number) { return 1L << number - 1; }

    private static long bits(Set<Signal> signals) {
        long bits = 0;
        for (Signal signal : signals) bits |= bit(signal.number());
        return bits & ~UNSTOPPABLE;
    }

    private static Set<Signal> signals(long bits) {
        Set<Signal> signals = new HashSet<>();
        for (long rest = bits; rest != 0; rest &= rest - 1) signals.add(new Signal(Long.numberOfTrailingZeros(rest) + 1));
        return signals;
    }

    private static void requireMeantForThreads(Signal signal) {
        if ((bit(signal.number()) & UNSTOPPABLE) != 0) throw new IllegalArgumentException(signal + " is for processes: a thread can neither be sent it nor do anything about it");
    }

    // ---- actions

    /** Returns what is done about a signal. */
    public SignalAction action(Signal signal) { return actions.get(signal.number()); }

    /**
     * Says what is to be done about a signal from now on.
     *
     * @return what was
     * @throws IllegalArgumentException if it is {@code KILL} or {@code STOP}
     */
    public SignalAction action(Signal signal, SignalAction action) {
        requireMeantForThreads(signal);
        return actions.getAndSet(signal.number(), Objects.requireNonNull(action));
    }

    /**
     * Has each signal of a kind that is sent to the process run its action on a uthread that is made for it. The conditions are those of
     * {@link org.libtorque.Torque#onSignal(Signal, org.libtorque.event.SignalHandler)}.
     *
     * @return what ends that when it is closed
     * @throws UnsupportedOperationException if the signal cannot be taken; the message says why and what to do
     * @throws IOException                   if descriptors are out
     */
    public Registration takeFromProcess(Signal signal) throws IOException {
        requireMeantForThreads(signal);
        return uthreads.torque().onSignal(signal, uthreads.torque().newColor(), info -> uthreads.builder().name("signal " + signal.name()).start(() -> {
            State state = stateOf(Thread.currentThread());
            run(state, info);
        }));
    }

    // ---- sending

    /**
     * Sends a thread a signal; see above for when its action runs. Never waits.
     *
     * @return false if the thread has ended
     * @throws UnsupportedOperationException if uthreads are plain virtual threads here ({@link Uthreads#problem})
     * @throws IllegalArgumentException if it is no uthread of this runtime, such as a virtual thread that was started by the JDK's means, or the signal is {@code KILL} or {@code STOP}
     */
    public boolean send(Thread target, Signal signal) { return send(target, signal, 0); }

    /**
     * As {@link #send(Thread, Signal)}, with a value, as sigqueue(3): what is sent of a real-time signal is queued, and each value arrives; of others, the value is lost.
     *
     * @throws RejectedExecutionException if {@value #MOST_QUEUED} wait for that thread: nothing was sent
     */
    public boolean send(Thread target, Signal signal, long value) {
        requireMeantForThreads(signal);
        if (uthreads.problem() != null) throw new UnsupportedOperationException("threads cannot be sent signals here: " + uthreads.problem());
        if (!isOurs(target)) throw new IllegalArgumentException(target + " is no uthread of this runtime: nobody would deliver the signal");
        if (target.getState() == Thread.State.TERMINATED) return false;
        State state = stateOf(target);
        if (signal.isRealTime()) {
            if (state.queued.incrementAndGet() > MOST_QUEUED) {
                state.queued.decrementAndGet();
                throw new RejectedExecutionException(MOST_QUEUED + " real-time signals wait for " + target);
            }
            state.queue(signal.number()).add(info(signal, value));
        }
        boolean sent = state.mark(bit(signal.number()));
        if (target.getState() == Thread.State.TERMINATED) { // perhaps before it had something to forget
            forget(target);
            return false;
        }
        if (target != Thread.currentThread()) LockSupport.unpark(target);
        else deliver();
        return sent;
    }

    private static SignalInfo info(Signal signal, long value) { return new SignalInfo(signal, TO_ONE_THREAD, (int) ProcessHandle.current().pid(), -1, value, 0); }

    /** Tells whether a thread is a uthread of this runtime, and so looks for its signals, and forgets them when it ends. */
    private boolean isOurs(Thread thread) {
        if (!thread.isVirtual()) return false;
        Uthread uthread = switch (JdkThreads.schedulerOf(thread)) {
            case ColoredUthread colored -> colored.uthread();
            case ScheduledUthread.Entry entry -> entry.thread;
            case null, default -> null;
        };
        return uthread != null && uthread.thread() == thread && uthread.uthreads() == uthreads;
    }

    private State stateOf(Thread thread) { return states.computeIfAbsent(thread, t -> new State()); }

    /** The thread has ended, or is just ending: then again when it has, since somebody may be sending meanwhile. */
    void forget(Thread thread) {
        if (states.isEmpty()) return;
        State state = states.remove(thread);
        if (state != null) state.end();
    }

    // ---- the calling thread's

    /** Returns which signals the calling uthread blocks. */
    public Set<Signal> blocked() { return signals(own().blocked); }

    /**
     * Blocks signals for the calling uthread: those that are sent stay pending.
     *
     * @param signals {@code KILL} and {@code STOP} are passed over
     * @return what was blocked before, for {@link #blockOnly}
     */
    public Set<Signal> block(Set<Signal> signals) { return blocked(own().blocked | bits(signals)); }

    /** Blocks signals no longer for the calling uthread; what is pending of them is delivered before this returns. Returns what was blocked before. */
    public Set<Signal> unblock(Set<Signal> signals) { return blocked(own().blocked & ~bits(signals)); }

    /** Has the calling uthread block these signals and no others; what is pending and no longer blocked is delivered before this returns. Returns what was blocked before. */
    public Set<Signal> blockOnly(Set<Signal> signals) { return blocked(bits(signals)); }

    /** Returns which signals the calling uthread was sent and has not been told of, since it blocks them. */
    public Set<Signal> pending() { return signals(own().pending.get()); }

    private Set<Signal> blocked(long bits) {
        State state = own();
        long before = state.blocked;
        state.blocked = bits;
        deliver(state);
        return signals(before);
    }

    private State own() {
        Thread self = Thread.currentThread();
        if (!self.isVirtual() || uthreads.problem() == null && !isOurs(self)) throw new IllegalStateException(self + " is no uthread of this runtime, and has no signals");
        return stateOf(self);
    }

    /** Runs what the calling thread was sent, if it is a uthread and was sent something. */
    static void deliver() {
        if (!Preemption.somebodyHasSignals()) return;
        Uthread self = Uthread.current();
        if (self == null || self.uthreads() == null) return;
        UthreadSignals signals = self.uthreads().signals();
        State state = signals.states.get(Thread.currentThread());
        if (state != null) signals.deliver(state);
    }

    /** Some rounds at most: senders, however many, must not keep the thread from going on. */
    private void deliver(State state) {
        for (int round = 0; round < ROUNDS; round++) {
            long ready = state.pending.get() & ~state.blocked;
            if (ready == 0) return;
            deliver(state, ready);
        }
    }

    /** Each kind once, by number, and of real-time ones as many as wait now. */
    private void deliver(State state, long ready) {
        int values = state.queued.get();
        for (long rest = ready; rest != 0; rest &= rest - 1) {
            int number = Long.numberOfTrailingZeros(rest) + 1;
            Signal signal = new Signal(number);
            if (!signal.isRealTime()) {
                if (take(state, number)) run(state, info(signal, 0));
                continue;
            }
            while (values > 0 && take(state, number)) {
                SignalInfo info = state.queue(number).poll();
                if (!state.queue(number).isEmpty()) state.mark(bit(number));
                if (info == null) break; // what marked it was taken with the one before
                state.queued.decrementAndGet();
                values--;
                run(state, info);
            }
        }
    }

    /** Tells whether a signal is still to be delivered, after what the actions of others have done, and has it pending no longer then. */
    private static boolean take(State state, int number) {
        if ((state.pending.get() & ~state.blocked & bit(number)) == 0) return false;
        state.clear(bit(number));
        return true;
    }

    private void run(State state, SignalInfo info) {
        int number = info.signal().number();
        SignalAction action = actions.get(number);
        if (action.once()) actions.compareAndSet(number, action, SignalAction.DEFAULT);
        if (action.handler() == null) {
            if (IGNORED_BY_DEFAULT.contains(info.signal())) return;
            failed(new IllegalStateException("there is no action for " + info.signal() + ", which was sent to " + Thread.currentThread() + ": the runtime stops"));
            uthreads.torque().stop();
            return;
        }
        long before = state.blocked;
        state.blocked = before | bits(action.blocked()) | (action.nested() ? 0 : bit(number));
        try {
            action.handler().onSignal(info);
        } catch (Throwable failure) {
            failed(failure);
        } finally {
            state.blocked = before;
        }
    }

    private void failed(Throwable failure) { uthreads.torque().vcores().getFirst().reportFailure(this, failure); }

    @Override public String toString() { return "UthreadSignals of " + uthreads; }
}
