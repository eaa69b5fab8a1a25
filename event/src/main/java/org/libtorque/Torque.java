package org.libtorque;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.libtorque.event.AsyncFiles;
import org.libtorque.event.ChildHandler;
import org.libtorque.event.ChildProcess;
import org.libtorque.event.ClockHandler;
import org.libtorque.event.Command;
import org.libtorque.event.Condition;
import org.libtorque.event.ConnectFailureHandler;
import org.libtorque.event.ConnectOptions;
import org.libtorque.event.ConnectionHandler;
import org.libtorque.event.CountHandler;
import org.libtorque.event.CounterHandler;
import org.libtorque.event.DatagramHandler;
import org.libtorque.event.DatagramListener;
import org.libtorque.event.DirectoryWatcher;
import org.libtorque.event.EventCounter;
import org.libtorque.event.EventRing;
import org.libtorque.event.ExitHandler;
import org.libtorque.event.ListenOptions;
import org.libtorque.event.Listener;
import org.libtorque.event.Mailbox;
import org.libtorque.event.NetworkHandler;
import org.libtorque.event.NetworkObject;
import org.libtorque.event.PathHandler;
import org.libtorque.event.PathScope;
import org.libtorque.event.PayloadHandler;
import org.libtorque.event.PressureHandler;
import org.libtorque.event.PressureTrigger;
import org.libtorque.event.Registration;
import org.libtorque.event.Signal;
import org.libtorque.event.SignalHandler;
import org.libtorque.event.Spawner;
import org.libtorque.event.TimerHandler;
import org.libtorque.event.TimerOptions;
import org.libtorque.event.TimerRegistration;
import org.libtorque.event.TorqueRuntime;
import org.libtorque.event.Watch;
import org.libtorque.event.WatchHandler;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Vcore;

/**
 * The runtime: one vcore, a pinned thread with its event loop, on each CPU that it was given. Register what is to be served, then {@link #block}.
 *
 * <pre>{@code
 *   try (var torque = Torque.open()) {
 *       torque.listen(new InetSocketAddress(8080), connection ->
 *               connection.onRead((c, data) -> c.write(data)));   // echo, on every core
 *       torque.block();                                           // until SIGTERM or SIGINT, then drains
 *   }
 * }</pre>
 *
 * <p>All methods may be called from any thread. Callbacks run on vcores and must not block.
 *
 * <p><b>Several runtimes</b> may be open in a process, one inside the other's callbacks too, on CPUs of their own or on the same ones, opened and closed in any order. They
 * share nothing but what is the process's: CPUs, which the kernel divides among the threads that are pinned to them, as it does with other processes; descriptors; and
 * signals. Each has its own vcores, colours, timers, limits and failure handler, and a colour, connection or timer stays in its runtime, whoever posts to it, arms it or
 * closes it. A signal is told to whoever has registered for it in any of them, and what it did before comes back when the last of them has let go; while several {@link
 * #block}, the first SIGTERM or SIGINT stops all that do, the second ends the process. A child's status is told to the runtime that started it, and the end of a process to
 * everybody who watches it. Stopping one leaves the others alone, waits for no work of theirs, and may be done by a callback of theirs ({@link #close} too, which waits, so
 * nothing else of that vcore goes on meanwhile). Threads of a second runtime, while the first is open, are named {@code torque2-vcore-0} and so on.
 */
public final class Torque implements AutoCloseable {
    private final TorqueRuntime runtime;
    private final ConcurrentHashMap<Class<?>, Object> companions = new ConcurrentHashMap<>();
    private volatile Spawner spawner;

    private Torque(TorqueRuntime runtime) { this.runtime = runtime; }

    /** Opens a runtime with {@link TorqueOptions#defaults()}. */
    public static Torque open() { return open(TorqueOptions.defaults()); }

    /**
     * Opens a runtime. Its vcores run when this returns.
     *
     * @throws UnsupportedOperationException if the backend that was asked for does not work here
     * @throws IllegalArgumentException      if a CPU was asked for that this process may not use
     */
    public static Torque open(TorqueOptions options) {
        return new Torque(TorqueRuntime.open(options));
    }

    // ---- what to serve

    /** Listens on an address, on all vcores; see {@link Listener}. A {@link java.net.UnixDomainSocketAddress} will do too. */
    public Listener listen(SocketAddress address, ConnectionHandler handler) throws IOException {
        return listen(address, ListenOptions.DEFAULT, handler);
    }

    /**
     * Listens on an address, on all vcores.
     *
     * @throws IOException if the address is in use, may not be used, or descriptors are out
     */
    public Listener listen(SocketAddress address, ListenOptions options, ConnectionHandler handler) throws IOException {
        return runtime.listen(address, Objects.requireNonNull(options), Objects.requireNonNull(handler));
    }

    /** Connects, from the calling vcore or, elsewhere, from one that is not busy. Exactly one of the two handlers is called, on that vcore. */
    public void connect(SocketAddress address, ConnectionHandler handler, ConnectFailureHandler onFailure) {
        connect(address, ConnectOptions.DEFAULT, handler, onFailure);
    }

    /** Connects, from the calling vcore or, elsewhere, from one that is not busy. Exactly one of the two handlers is called, on that vcore. */
    public void connect(SocketAddress address, ConnectOptions options, ConnectionHandler handler, ConnectFailureHandler onFailure) {
        runtime.connect(address, Objects.requireNonNull(options), Objects.requireNonNull(handler), Objects.requireNonNull(onFailure));
    }

    /** Receives datagrams (UDP) for an address, on all vcores. */
    public DatagramListener receive(SocketAddress address, DatagramHandler handler) throws IOException {
        return runtime.receive(address, Objects.requireNonNull(handler));
    }

    /**
     * Watches a descriptor of the caller's for readiness, edge-triggered, on the calling vcore or, elsewhere, on one that is not busy. The
     * descriptor should be non-blocking.
     *
     * @param interest bits of {@link Watch#READABLE}, {@link Watch#WRITABLE} and {@link Watch#PRIORITY}
     * @throws IllegalArgumentException if the descriptor is not open, or the kernel cannot watch it: regular files, directories and some devices are always ready
     * @throws IllegalStateException    if this runtime watches it already, by a watch that has not been closed
     */
    public Watch watch(int fd, int interest, WatchHandler handler) {
        return watch(fd, interest, Placement.near(), handler);
    }

    /** As {@link #watch(int, int, WatchHandler)}, on a vcore that the placement says. */
    public Watch watch(int fd, int interest, Placement placement, WatchHandler handler) {
        return runtime.watch(fd, interest, Objects.requireNonNull(placement), Objects.requireNonNull(handler));
    }

    /**
     * Watches the entries of directories, on the calling vcore.
     *
     * @throws IllegalStateException if the calling thread is not a vcore of this runtime
     * @throws IOException           if descriptors or inotify instances are used up
     */
    public DirectoryWatcher watchDirectories(DirectoryWatcher.Handler handler) throws IOException {
        return runtime.watchDirectories(Objects.requireNonNull(handler));
    }

    // ---- files

    /** Returns what makes operations on files that hold no vcore. */
    public AsyncFiles files() { return runtime.files(); }

    // ---- signals

    /** Calls a handler with each signal of a kind, under the default colour; see {@link #onSignal(Signal, Color, SignalHandler)}. */
    public Registration onSignal(Signal signal, SignalHandler handler) throws IOException { return onSignal(signal, defaultColor(), handler); }

    /**
     * Calls a handler with each signal of a kind, under a colour. What the signal did before, such as ending the process, it does no longer as long as somebody is registered for
     * it, in whichever runtime of this process; all of them are told.
     *
     * <p>Where every thread of the process blocks the signal, as {@code ./torque} has it for commands that need it, it comes by signalfd(2), with sender and value. Elsewhere the JDK's
     * handler takes it: then only its number is known, and real-time signals, and with {@code -Xrs} HUP, INT and TERM, cannot be had.
     *
     * @throws UnsupportedOperationException if the signal cannot be taken; the message says why and what to do
     * @throws IOException                   if descriptors are out
     */
    public Registration onSignal(Signal signal, Color color, SignalHandler handler) throws IOException {
        return runtime.onSignal(Objects.requireNonNull(signal), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    // ---- processes

    /** Starts a program, under a colour of its own; see {@link #start(Command, Color, ChildHandler)}. */
    public ChildProcess start(Command command, ChildHandler handler) throws IOException { return start(command, newColor(), handler); }

    /**
     * Starts a program in a child process. The calling thread waits until the child has its program, some hundred microseconds.
     *
     * @param handler called first, to say what is to be called
     * @throws IOException if there is no such program, or descriptors or processes are out
     */
    public ChildProcess start(Command command, Color color, ChildHandler handler) throws IOException {
        return runtime.start(Objects.requireNonNull(command), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /** Tells of the end of a process, once, under the default colour; see {@link #onExit(int, Color, ExitHandler)}. */
    public Registration onExit(int pid, ExitHandler handler) throws IOException { return onExit(pid, defaultColor(), handler); }

    /**
     * Tells of the end of any process, once, under a colour. The process is only looked at: whoever waits for it gets its status. How it ended is known of children of this process,
     * and of others as far as the kernel and the permissions allow ({@link org.libtorque.event.ExitStatus#UNKNOWN}).
     *
     * @throws IOException if there is no such process, or descriptors are out
     */
    public Registration onExit(int pid, Color color, ExitHandler handler) throws IOException {
        return runtime.onExit(pid, null, Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /** Tells of the end of a process that the JDK started, once, under a colour; the JDK waits for it as ever. */
    public Registration onExit(Process process, Color color, ExitHandler handler) throws IOException {
        return runtime.onExit((int) process.pid(), process, Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    // ---- files and directories

    /** Tells what there is under a path and how it changes, under the default colour; see {@link #onPath(Path, PathScope, Color, PathHandler)}. */
    public Registration onPath(Path path, PathScope scope, PathHandler handler) throws IOException { return onPath(path, scope, defaultColor(), handler); }

    /**
     * Tells what there is under a path, then how it changes, under a colour. When the directory that was asked for is deleted, moved or unmounted, that is told as its deletion, and the
     * registration has ended.
     *
     * @throws java.nio.file.NoSuchFileException    if the directory does not exist
     * @throws java.nio.file.NotDirectoryException  if it is none
     * @throws IOException                          if it may not be read, or descriptors, inotify instances or watches are used up
     */
    public Registration onPath(Path path, PathScope scope, Color color, PathHandler handler) throws IOException {
        return runtime.onPath(Objects.requireNonNull(path), Objects.requireNonNull(scope), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    // ---- pressure

    /** Tells when tasks stall for want of a resource, under the default colour; see {@link #onPressure(PressureTrigger, Color, PressureHandler)}. */
    public Registration onPressure(PressureTrigger trigger, PressureHandler handler) throws IOException { return onPressure(trigger, defaultColor(), handler); }

    /**
     * Tells when tasks stall for want of CPU time, memory or input and output for longer than a threshold, under a colour. At most once in each window.
     *
     * @throws IOException if the kernel has none of that or refuses it; the message says what to do
     */
    public Registration onPressure(PressureTrigger trigger, Color color, PressureHandler handler) throws IOException {
        return runtime.onPressure(Objects.requireNonNull(trigger), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /** Tells of changes of a control group's counters, under the default colour; see {@link #onCounters(Path, Color, CounterHandler)}. */
    public Registration onCounters(Path file, CounterHandler handler) throws IOException { return onCounters(file, defaultColor(), handler); }

    /**
     * Tells of changes of a control group's counters, under a colour: {@code memory.events} (low, high, max, oom, oom_kill), {@code pids.events}, {@code cgroup.events} and others of
     * that form, of version 2.
     *
     * @param file such as {@code /sys/fs/cgroup/system.slice/memory.events}
     * @throws java.nio.file.NoSuchFileException if there is no such control group or its controller is not enabled
     * @throws IllegalArgumentException          if the file tells of no changes
     * @throws IOException                       if it may not be read or is not of that form, or descriptors are out
     */
    public Registration onCounters(Path file, Color color, CounterHandler handler) throws IOException {
        return runtime.onCounters(Objects.requireNonNull(file), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    // ---- events of the program's own

    /** Makes a condition that any thread may signal; the handler is called under a colour, once for all signals since the last call. See {@link Condition}. */
    public <T> Condition<T> condition(Color color, PayloadHandler<? super T> handler) { return runtime.condition(Objects.requireNonNull(color), Objects.requireNonNull(handler)); }

    /** Makes a counter that any thread may add to; the handler is told under a colour how much was added since the last call. See {@link EventCounter}. */
    public EventCounter counter(Color color, CountHandler handler) { return runtime.counter(Objects.requireNonNull(color), Objects.requireNonNull(handler)); }

    /**
     * Makes a mailbox that any thread may send to; the handler is called under a colour, once for each payload. See {@link Mailbox}.
     *
     * @param capacity how many payloads may wait, 1 to {@link Mailbox#MAX_CAPACITY}
     */
    public <T> Mailbox<T> mailbox(int capacity, Color color, PayloadHandler<? super T> handler) {
        return runtime.mailbox(capacity, Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /**
     * Makes a ring into which sources deliver events instead of calling back. When the runtime has stopped, it is closed. See {@link EventRing}.
     *
     * @param capacity how many events it may hold, 1 to {@link EventRing#MAX_CAPACITY}
     */
    public EventRing ring(int capacity) { return runtime.ring(capacity); }

    // ---- the network

    /** Tells what the network consists of and how it changes, all of it, under the default colour; see {@link #onNetwork(Set, Color, NetworkHandler)}. */
    public Registration onNetwork(NetworkHandler handler) throws IOException { return onNetwork(EnumSet.allOf(NetworkObject.Kind.class), defaultColor(), handler); }

    /**
     * Tells what the network consists of, then how it changes, under a colour: links, addresses, routes, neighbours of the calling thread's network namespace.
     *
     * @param kinds what to tell of
     * @throws IOException if descriptors are out
     */
    public Registration onNetwork(Set<NetworkObject.Kind> kinds, Color color, NetworkHandler handler) throws IOException {
        return runtime.onNetwork(Objects.requireNonNull(kinds), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    // ---- time and tasks

    /** Runs an action once after a delay, under the default colour. */
    public TimerRegistration after(Duration delay, Runnable action) { return after(delay, defaultColor(), action); }

    /** Runs an action once after a delay, under a colour. Never early; late by up to about a millisecond, and by what the vcore is busy with. */
    public TimerRegistration after(Duration delay, Color color, Runnable action) {
        Objects.requireNonNull(action);
        return timer(TimerOptions.after(delay), color, (_, _) -> action.run());
    }

    /** Runs an action again and again, under the default colour. */
    public TimerRegistration every(Duration period, Runnable action) { return every(period, defaultColor(), action); }

    /** Runs an action again and again, under a colour. The period does not drift; runs that would be missed are left out. */
    public TimerRegistration every(Duration period, Color color, Runnable action) {
        Objects.requireNonNull(action);
        return timer(TimerOptions.every(period), color, (_, _) -> action.run());
    }

    /** Runs an action once when the wall clock shows a time, under the default colour. If that has passed, soon. */
    public TimerRegistration at(Instant time, Runnable action) { return at(time, defaultColor(), action); }

    /** Runs an action once when the wall clock shows a time, under a colour. If the clock is set meanwhile, it runs when the clock as set shows that time. */
    public TimerRegistration at(Instant time, Color color, Runnable action) {
        Objects.requireNonNull(action);
        return timer(TimerOptions.at(time), color, (_, _) -> action.run());
    }

    /** Makes a timer, under the default colour. */
    public TimerRegistration timer(TimerOptions options, TimerHandler handler) { return timer(options, defaultColor(), handler); }

    /**
     * Makes a timer, under a colour; what the other methods make are simple ones of these.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the runtime has stopped
     * @throws java.io.UncheckedIOException if it is the first one by another clock than the monotonic, and descriptors are out
     */
    public TimerRegistration timer(TimerOptions options, Color color, TimerHandler handler) {
        return runtime.timer(Objects.requireNonNull(options), Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /** Tells, under the default colour, when somebody has set the wall clock, and when the machine was suspended. */
    public Registration onClockChange(ClockHandler handler) { return onClockChange(defaultColor(), handler); }

    /**
     * Tells, under a colour, when somebody has set the wall clock, and when the machine was suspended. Timers follow by themselves.
     *
     * @throws java.io.UncheckedIOException if descriptors are out
     */
    public Registration onClockChange(Color color, ClockHandler handler) {
        return runtime.onClockChange(Objects.requireNonNull(color), Objects.requireNonNull(handler));
    }

    /** Runs an action soon, under the default colour. */
    public void post(Runnable action) { post(defaultColor(), action); }

    /**
     * Runs an action soon, under a colour. Actions that one thread posts with one colour run in that order.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the calling thread is not a vcore's and {@link TorqueOptions#postLimit} tasks wait in the
     *         colour, or if the runtime has stopped
     */
    public void post(Color color, Runnable action) { runtime.post(color, Objects.requireNonNull(action)); }

    /**
     * Runs an action soon, taking a colour <em>shared</em>: in parallel with others that do so, never with what {@link #post(Color, Runnable)} or the colour's sources run.
     * See {@link org.libtorque.vcore.SharedTask}.
     *
     * @throws java.util.concurrent.RejectedExecutionException as {@link #post(Color, Runnable)}
     */
    public void postShared(Color color, Runnable action) { runtime.postShared(color, Objects.requireNonNull(action)); }

    /**
     * Makes a callback that runs an action under a colour, whoever calls it and on whatever thread: for modules that take callbacks and know nothing of colours. It may be
     * given away and called any number of times, however many calls wait; each call runs the action once, later, in line with what else is posted to the colour. Calling allocates
     * nothing unless more calls wait than ever before, or than 64, or several threads call at once. It throws {@link java.util.concurrent.RejectedExecutionException} if the runtime has
     * stopped.
     */
    public Runnable callback(Color color, Runnable action) { return runtime.callback(Objects.requireNonNull(color), Objects.requireNonNull(action)); }

    /** Returns the colour that serialises everything that names none. */
    public Color defaultColor() { return runtime.defaultColor(); }

    /** Makes a new colour, at home on the calling vcore or, elsewhere, on one that is far from the last one and not busy. */
    public Color newColor() { return newColor(Placement.near()); }

    /** Makes a new colour, for tasks and timers, whose home is as the placement says. */
    public Color newColor(Placement placement) { return runtime.newColor(Objects.requireNonNull(placement)); }

    // ---- threads

    /**
     * Starts a user-level thread, with a colour of its own: plain blocking Java, on the vcores. While it waits its vcore does something else. Needs module {@code
     * org.libtorque.thread}, which has more of it ({@code Uthreads.of(torque)}).
     *
     * @throws UnsupportedOperationException if that module is not there
     */
    public Thread spawn(Runnable action) { return spawner().spawn(Objects.requireNonNull(action)); }

    /**
     * Starts a user-level thread of a colour: it never runs in parallel with what else has that colour, but that runs while the thread waits.
     *
     * @throws UnsupportedOperationException if module {@code org.libtorque.thread} is not there, or this JVM does not let it run threads on vcores
     */
    public Thread spawn(Color color, Runnable action) { return spawner().spawn(Objects.requireNonNull(color), Objects.requireNonNull(action)); }

    private Spawner spawner() {
        Spawner known = spawner;
        return known != null ? known : (spawner = Spawner.load(this)); // whoever else loads it gets the same
    }

    /**
     * Returns what a higher layer keeps for this runtime; the first call for a type makes it. If it can be closed it is, when {@link #close} has waited for the end.
     *
     * @param maker called at most once for a type; must neither block nor ask for a companion
     */
    public <T> T companion(Class<T> type, Function<Torque, ? extends T> maker) {
        Object present = companions.get(type); // without the lock that computeIfAbsent may take
        return type.cast(present != null ? present : companions.computeIfAbsent(type, t -> maker.apply(this)));
    }

    // ---- how many vcores work

    /**
     * Has this many vcores work from now on; the others are parked: what can move moves to those that work, and their CPUs are free for others. Without
     * {@linkplain TorqueOptions#withElasticity elasticity} that is how many work until the next request; with it, load goes on from there. Returns at once; vcores follow
     * within milliseconds, those that are parked as fast as their sources can move.
     *
     * @param total at least 1; more than there are vcores with a CPU are not to be had
     * @return how many work, or are about to
     */
    public int requestVcores(int total) { return runtime.roster().request(total); }

    /** As {@link #requestVcores}, so many more than work now. Returns how many work, or are about to. */
    public int requestMoreVcores(int more) {
        if (more < 0) throw new IllegalArgumentException("not negative: " + more);
        return runtime.roster().requestMore(more);
    }

    /** As {@link #requestVcores}, so many fewer than work now; one goes on at any rate. Returns how many work, or are about to. */
    public int yieldVcores(int fewer) {
        if (fewer < 0) throw new IllegalArgumentException("not negative: " + fewer);
        return runtime.roster().requestMore(-fewer);
    }

    /** Returns who of the vcores works, and how often that has changed. */
    public Roster roster() { return runtime.roster(); }

    // ---- life

    /**
     * Waits until the runtime has stopped. Meanwhile SIGTERM and SIGINT {@linkplain #stop stop} it, and a second one ends the process at once with
     * status 128 plus the signal's number.
     *
     * @throws IllegalStateException if the runtime stopped because of a fault of its own, which is the cause
     * @throws InterruptedException  if the calling thread is interrupted; the runtime then goes on
     */
    public void block() throws InterruptedException { block(() -> { }); }

    /**
     * As {@link #block()}, and first says when signals are taken care of: whoever starts the process and may stop it again must not be told that
     * it is ready before that.
     *
     * @param whenReady called once, on the calling thread, before waiting
     */
    public void block(Runnable whenReady) throws InterruptedException { runtime.block(Objects.requireNonNull(whenReady)); }

    /**
     * Stops: no connection is accepted any more, those that are open come to their end ({@link org.libtorque.event.Connection#onDrain}) until the drain timeout, then vcores end. Returns
     * at once; a second call does nothing.
     */
    public void stop() { runtime.stop(); }

    /** Tells whether {@link #stop} has been called. */
    public boolean isStopping() { return runtime.isStopping(); }

    /**
     * Has something done when the runtime has ended: no vcore runs anything any more, and {@link #block} and {@link #close} have not returned yet. On the thread of the vcore that was
     * the last to end; by the calling thread if it has ended already. It must not block. What it lets out is logged.
     */
    public void atEnd(Runnable action) { runtime.atEnd(Objects.requireNonNull(action)); }

    /** {@linkplain #stop Stops} and waits for the end. */
    @Override public void close() {
        runtime.close();
        for (Object companion : companions.values()) {
            if (!(companion instanceof AutoCloseable c)) continue;
            try {
                c.close();
            } catch (Exception e) {
                throw new IllegalStateException("closing " + c, e);
            }
        }
    }

    // ---- what it is

    /** Returns the vcores, in order of their index. */
    public List<Vcore> vcores() { return runtime.vcores(); }

    /**
     * Starts one more vcore, on the CPU of another one, for a layer above that has it stand in for that one at times. It takes no part in balancing and serves no sockets, and is not among
     * {@link #vcores}.
     *
     * @param beside one of {@link #vcores}
     * @param body   runs on its thread, and turns its loop; returns when the vcore has been told to stop. Then the vcore ends
     * @throws IllegalStateException if the runtime is stopping
     */
    public Vcore spareVcore(Vcore beside, Consumer<Vcore> body) { return runtime.spareVcore(beside, body); }

    /** Returns the backend in use, {@link Backend#EPOLL} or {@link Backend#IO_URING}. */
    public Backend backend() { return runtime.backend(); }
}
