package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Topology;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.Epoll;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.sys.SyscallException;
import org.libtorque.sys.TimerSlack;
import org.libtorque.sys.Uninterruptibly;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.FailureHandler;
import org.libtorque.vcore.Monitor;
import org.libtorque.vcore.Placement;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.SharedTask;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;

/**
 * What is behind {@link org.libtorque.Torque}; programs use that.
 *
 * <p>{@code RUNNING -stop-> DRAINING -every vcore's last connection ended, or the drain timeout-> ENDED}. Each vcore drains for itself and ends its own
 * loop; {@code ended} counts them down. A fault of the runtime's own on one vcore stops all of them.
 */
public final class TorqueRuntime implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final long SMALL_BLOCK_MEMORY = 64L << 20;
    /** A colour that has had no break for so many times as long as a callback may take is reported too: with the usual tenth of a second, 10 s. */
    private static final int NEVER_IDLE_OVERSTAYS = 100;
    private static final long SLICE_NANOS = 100_000;
    private static final long SHUTDOWN_NANOS = 2_000_000_000L;

    /** Numbers of the runtimes that are open. Guarded by itself. */
    private static final BitSet NUMBERS = new BitSet();

    private final Vcore[] vcores;
    private final Loop[] loops;
    /** The watches of the program's descriptors that nobody has closed: epoll has each descriptor once, so if a second watch came, or moved, to where the first is, it would end. */
    private final ConcurrentHashMap<Integer, Watch> watches = new ConcurrentHashMap<>();
    private final Backend.Choice choice;
    private final Duration drainTimeout;
    private final FailureHandler failures;
    private final CountDownLatch started;
    private final CountDownLatch ended;
    /** Counts vcores that run nothing any more. */
    private final CountDownLatch halted;
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final AtomicReference<Throwable> fault = new AtomicReference<>();
    private final Color defaultColor;
    private final Scoreboard board;
    private final Monitor monitor;
    private final CpuKeeper keeper;
    private final Roster roster;
    /** Which one it is among those that are open, from 1. */
    private final int number;
    /** Threads that have not ended. */
    private final AtomicInteger left;
    private final KernelClocks clocks;
    /** Null until somebody wants it. Guarded by the lock. */
    private ClockWatch clockWatch;
    private final Object clockWatchLock = new Object();
    private final AsyncFiles files;
    /** To be closed when all vcores have ended. */
    private final AtEnd atEnd = new AtEnd();
    private final Set<EventRing> rings = ConcurrentHashMap.newKeySet();
    private final List<Spare> spares = new ArrayList<>(); // guarded by itself
    private final int spareBlockBytes, sparePostLimit;
    private final long spareMemory;

    private TorqueRuntime(TorqueOptions options, Backend.Choice choice, KernelClocks clocks) {
        this.clocks = clocks;
        int[] cpus = options.cpus().toArray();
        left = new AtomicInteger(cpus.length);
        this.choice = choice;
        drainTimeout = options.drainTimeout();
        failures = options.failureHandler();
        vcores = new Vcore[cpus.length];
        loops = new Loop[cpus.length];
        started = new CountDownLatch(cpus.length);
        ended = new CountDownLatch(cpus.length);
        halted = new CountDownLatch(cpus.length);
        // How near two CPUs are to each other does not matter; to find out takes some tens of milliseconds.
        board = cpus.length <= 2 ? Scoreboard.flat(cpus.length) : Scoreboard.of(cpus, Topology.discover().universe());
        for (int i = 0; i < cpus.length; i++) {
            vcores[i] = new Vcore(i, cpus[i], Clock.SYSTEM, new BlockPool(options.bufferBlockBytes(), options.bufferMemory()), options.postLimit(), failures, board,
                    options.balance());
        }
        spareBlockBytes = options.bufferBlockBytes();
        spareMemory = options.bufferMemory();
        sparePostLimit = options.postLimit();
        defaultColor = vcores[0].newColor();
        roster = new Roster(board, options.minVcores());
        keeper = new CpuKeeper(cpus, roster);
        files = new AsyncFiles(loops, vcores, options.cpus(), options.fileThreads(), options.fileWaiting());
        monitor = options.overstay().isZero() ? null
                : new Monitor(List.of(vcores), Clock.SYSTEM, new MistakeLog(), options.overstay(), options.overstay().multipliedBy(NEVER_IDLE_OVERSTAYS));
        number = takeNumber(); // last: nothing can fail between this and the threads, which give it back
    }

    /** See {@link org.libtorque.Torque#open(org.libtorque.TorqueOptions)}. */
    public static TorqueRuntime open(TorqueOptions options) { return open(options, KernelClocks.SYSTEM); }

    static TorqueRuntime open(TorqueOptions options, KernelClocks clocks) {
        CpuSet cpus = options.cpus();
        CpuSet forbidden = cpus.minus(CpuSet.allowed());
        if (!forbidden.isEmpty()) {
            throw new IllegalArgumentException("this process may not run on CPU " + forbidden + "; allowed: " + CpuSet.allowed());
        }
        Backend.Choice choice = options.backend().choose();
        TorqueRuntime runtime = new TorqueRuntime(options, choice, clocks);
        runtime.start();
        if (options.keepCpus()) runtime.keeper.start();
        if (runtime.monitor != null) runtime.monitor.start();
        LOG.log(System.Logger.Level.INFO, "{0} on CPUs {1}: {2}", choice.backend().optionName(), cpus, choice.reason());
        return runtime;
    }

    private static int takeNumber() {
        synchronized (NUMBERS) {
            int free = NUMBERS.nextClearBit(1);
            NUMBERS.set(free);
            return free;
        }
    }

    private void giveBackNumber() {
        synchronized (NUMBERS) {
            NUMBERS.clear(number);
        }
    }

    private void start() {
        files.open();
        for (int i = 0; i < vcores.length; i++) {
            int index = i;
            var thread = new VcoreThread(vcores[i], () -> run(index));
            if (number > 1) thread.setName("torque" + number + "-vcore-" + i); // 15 bytes are what the kernel keeps of it
            thread.start();
        }
        Uninterruptibly.await(started::await); // it takes milliseconds; a half-started runtime would be nobody's
        Throwable cause = fault.get();
        if (cause != null) {
            close();
            throw new IllegalStateException("the runtime could not start: " + cause.getMessage(), cause);
        }
    }

    /** The body of a vcore's thread. */
    private void run(int index) {
        Vcore vcore = vcores[index];
        Loop loop = null;
        try {
            keeper.enter(index);
            // Whoever shares the CPU gets in between soon, and so does this vcore. Where the kernel knows no slices or forbids them, it stays as it is.
            Affinity.setSlice(ErrnoSlot.current(), SLICE_NANOS);
            TimerSlack.set(ErrnoSlot.current(), 1); // the wheel has had what expires together expire together already
            vcore.bind(choice.opener().apply(vcore.blocks()));
            loop = new Loop(vcore, SMALL_BLOCK_MEMORY, failures, vcore::requestStop);
            loop.files = files;
            loops[index] = loop;
            started.countDown();
            vcore.runLoop();
        } catch (Throwable cause) {
            fault.compareAndSet(null, cause);
            LOG.log(System.Logger.Level.ERROR, vcore + " failed; the runtime stops", cause);
            stop();
        } finally {
            started.countDown(); // more often than needed does no harm
            end(vcore, loop, halted);
            keeper.leave(index);
            if (left.decrementAndGet() == 0) {
                files.close();
                giveBackNumber();
                atEnd.run();
            }
            ended.countDown();
            if (ended.getCount() == 0) rings.forEach(EventRing::close);
        }
    }

    /** @param halts counted down when this vcore runs nothing any more */
    private void end(Vcore vcore, Loop loop, CountDownLatch halts) {
        if (vcore.queue() == null) { // it could not be opened
            halts.countDown();
            vcore.blocks().close();
            return;
        }
        boolean[] waited = new boolean[1];
        try {
            if (loop != null) loop.abortAll();
            int left = vcore.shutDown(SHUTDOWN_NANOS, () -> {
                waited[0] = true;
                halts.countDown();
                awaitOthers();
            });
            if (left > 0) LOG.log(System.Logger.Level.WARNING, "{0}: {1} sources would not close; their memory is not given back", vcore, left);
            else if (loop != null) loop.close();
        } catch (Throwable cause) {
            LOG.log(System.Logger.Level.ERROR, vcore + " could not shut down", cause);
            if (!waited[0]) halts.countDown();
        }
    }

    /** Waits until no vcore runs anything any more: they borrow from each other's buffers. */
    private void awaitOthers() {
        Uninterruptibly.await(halted::await); // each of them ends in bounded time
        List<Spare> all;
        synchronized (spares) {
            all = List.copyOf(spares);
        }
        for (Spare spare : all) Uninterruptibly.await(spare.halted::await);
    }

    /** Returns the calling vcore if it is one of this runtime's, else null. */
    private Vcore mine() {
        Vcore vcore = Vcore.current();
        return vcore != null && vcore.index() < loops.length && vcores[vcore.index()] == vcore ? vcore : null;
    }

    private void checkRunning() {
        if (stopping.get()) throw new IllegalStateException("the runtime is stopping");
    }

    /** See {@link org.libtorque.Torque#listen}. */
    public Listener listen(SocketAddress address, ListenOptions options, ConnectionHandler handler) throws IOException {
        checkRunning();
        Vcore here = mine();
        Loop[] allowed = Arrays.stream(loops).filter(loop -> roster.allows(options.placement(), loop.vcore, here)).toArray(Loop[]::new);
        return Listener.open(allowed, address, options, handler, roster);
    }

    /** See {@link org.libtorque.Torque#connect}. */
    public void connect(SocketAddress address, ConnectOptions options, ConnectionHandler handler, ConnectFailureHandler onFailure) {
        checkRunning();
        Color color = options.color() != null ? options.color() : newColor(options.placement());
        new Connector(color, address, options, handler, onFailure).post();
    }

    /** See {@link org.libtorque.Torque#receive}. */
    public DatagramListener receive(SocketAddress address, DatagramHandler handler) throws IOException {
        checkRunning();
        return DatagramListener.open(loops, address, handler);
    }

    /** See {@link org.libtorque.Torque#watch}. */
    public Watch watch(int fd, int interest, Placement placement, WatchHandler handler) {
        checkRunning();
        Watch.checkInterest(interest);
        checkWatchable(fd);
        Color color = newColor(placement);
        Watch watch = new Watch(loops[color.home().index()], color, fd, interest, handler, watches);
        if (watches.putIfAbsent(fd, watch) != null) throw new IllegalStateException("descriptor " + fd + " is watched already; a watch can have several interests, and a dup(2) one of its own");
        try {
            new HomeTask(watch.color()) {
                @Override protected void run() { watch.start(); }
            }.post();
        } catch (RuntimeException e) {
            watches.remove(fd, watch);
            throw e;
        }
        return watch;
    }

    /** See {@link org.libtorque.Torque#watchDirectories}. */
    public DirectoryWatcher watchDirectories(DirectoryWatcher.Handler handler) throws IOException {
        checkRunning();
        Vcore here = mine();
        if (here == null) throw new IllegalStateException("a directory watcher belongs to a vcore: call from one of its callbacks");
        return DirectoryWatcher.open(loops[here.index()], handler);
    }

    /** See {@link org.libtorque.Torque#onSignal(Signal, Color, SignalHandler)}. */
    public Registration onSignal(Signal signal, Color color, SignalHandler handler) throws IOException {
        checkRunning();
        return SignalRegistration.open(signal, color, handler);
    }

    /** See {@link org.libtorque.Torque#onExit(int, Color, ExitHandler)}. */
    public Registration onExit(int pid, Process process, Color color, ExitHandler handler) throws IOException {
        checkRunning();
        return ExitSource.open(pid, process, color, handler);
    }

    /** See {@link org.libtorque.Torque#start(Command, Color, ChildHandler)}. */
    public ChildProcess start(Command command, Color color, ChildHandler handler) throws IOException {
        checkRunning();
        return ChildProcess.start(command, color, handler);
    }

    /** See {@link org.libtorque.Torque#onNetwork(java.util.Set, Color, NetworkHandler)}. */
    public Registration onNetwork(Set<NetworkObject.Kind> kinds, Color color, NetworkHandler handler) throws IOException {
        checkRunning();
        return NetworkSource.open(kinds, color, handler);
    }

    /** See {@link org.libtorque.Torque#onPath(java.nio.file.Path, PathScope, Color, PathHandler)}. */
    public Registration onPath(java.nio.file.Path path, PathScope scope, Color color, PathHandler handler) throws IOException {
        checkRunning();
        return PathSource.open(path, scope, color, handler);
    }

    /** See {@link org.libtorque.Torque#files}. */
    public AsyncFiles files() { return files; }

    /** See {@link org.libtorque.Torque#onPressure(PressureTrigger, Color, PressureHandler)}. */
    public Registration onPressure(PressureTrigger trigger, Color color, PressureHandler handler) throws IOException {
        checkRunning();
        return PressureSource.open(trigger, color, handler);
    }

    /** See {@link org.libtorque.Torque#onCounters(java.nio.file.Path, Color, CounterHandler)}. */
    public Registration onCounters(java.nio.file.Path file, Color color, CounterHandler handler) throws IOException {
        checkRunning();
        return CounterSource.open(file, color, handler);
    }

    /** See {@link org.libtorque.Torque#condition}. */
    public <T> Condition<T> condition(Color color, PayloadHandler<? super T> handler) {
        Condition<T> condition = new Condition<>(color, handler);
        condition.register();
        return condition;
    }

    /** See {@link org.libtorque.Torque#counter}. */
    public EventCounter counter(Color color, CountHandler handler) {
        EventCounter counter = new EventCounter(color, handler);
        counter.register();
        return counter;
    }

    /** See {@link org.libtorque.Torque#mailbox}. */
    public <T> Mailbox<T> mailbox(int capacity, Color color, PayloadHandler<? super T> handler) {
        Mailbox<T> mailbox = new Mailbox<>(capacity, color, handler);
        mailbox.register();
        return mailbox;
    }

    /** See {@link org.libtorque.Torque#ring}. */
    public EventRing ring(int capacity) {
        EventRing ring = new EventRing(this, capacity);
        rings.add(ring);
        if (ended.getCount() == 0) ring.close(); // nobody would
        return ring;
    }

    void forget(EventRing ring) { rings.remove(ring); }

    /** Asks epoll, whatever the backend: to io_uring, what cannot be polled is ready for ever. */
    static void checkWatchable(int fd) {
        ErrnoSlot errno = ErrnoSlot.current();
        if (Files.fcntl(errno, fd, Files.F_GETFD, 0) < 0) throw new IllegalArgumentException("descriptor " + fd + " is not open");
        int efd = SyscallException.check(Epoll.create1(errno, Epoll.EPOLL_CLOEXEC), "epoll_create1", "EPOLL_CLOEXEC");
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = Epoll.ctl(errno, efd, Epoll.EPOLL_CTL_ADD, fd, arena.allocate(Epoll.Event.SIZE, 8).address()); // no events
        }
        Files.close(errno, efd);
        switch (-result) {
            case 0 -> { }
            case Errno.EPERM -> throw new IllegalArgumentException("descriptor " + fd + " is a file, directory or device that is always ready: the kernel cannot watch it; just read and write it");
            default -> throw SyscallException.of(result, "epoll_ctl", "op=ADD, fd={}", fd);
        }
    }

    /** See {@link org.libtorque.Torque#timer(TimerOptions, Color, TimerHandler)}. */
    public TimerRegistration timer(TimerOptions options, Color color, TimerHandler handler) {
        return ColorTimer.start(options, color, handler, clocks, options.clock() == TimerClock.MONOTONIC ? null : clockWatch());
    }

    /** See {@link org.libtorque.Torque#onClockChange(Color, ClockHandler)}. */
    public Registration onClockChange(Color color, ClockHandler handler) {
        checkRunning();
        return ClockRegistration.open(color, handler, clocks, clockWatch());
    }

    /** Returns what learns of changes of the clocks, and makes it if nobody has wanted to know of any before. */
    ClockWatch clockWatch() {
        synchronized (clockWatchLock) {
            if (clockWatch == null) clockWatch = ClockWatch.open(newColor(Placement.solitary()));
            return clockWatch;
        }
    }

    /** See {@link org.libtorque.Torque#post(Color, Runnable)}. */
    public void post(Color color, Runnable action) {
        new Task(color) {
            @Override protected void run() { action.run(); }

            @Override protected Object subject() { return action; }
        }.post();
    }

    /** See {@link org.libtorque.Torque#postShared}. */
    public void postShared(Color color, Runnable action) {
        new SharedTask(color) {
            @Override protected void run() { action.run(); }

            @Override protected Object subject() { return action; }
        }.post();
    }

    /** See {@link org.libtorque.Torque#callback}. */
    public Runnable callback(Color color, Runnable action) { return new ColorCallback(color, action); }

    /** Returns the colour that serialises everything that names none. */
    public Color defaultColor() { return defaultColor; }

    /** See {@link org.libtorque.Torque#newColor}. */
    public Color newColor(Placement placement) { return roster.newColor(placement, mine()); }

    // ---- spares

    /** A vcore more than asked for, on the CPU of another one, which it stands in for at times. */
    private final class Spare {
        final Vcore vcore;
        final CountDownLatch ready = new CountDownLatch(1), halted = new CountDownLatch(1);

        Spare(Vcore vcore) { this.vcore = vcore; }

        void run(Consumer<Vcore> body) {
            Loop loop = null;
            try {
                SyscallException.check(CpuKeeper.run(CpuSet.of(vcore.cpu())), "sched_setaffinity", "cpu={}", vcore.cpu());
                Affinity.setSlice(ErrnoSlot.current(), SLICE_NANOS);
                vcore.bind(choice.opener().apply(vcore.blocks()));
                loop = new Loop(vcore, SMALL_BLOCK_MEMORY, failures, vcore::requestStop);
                ready.countDown();
                body.accept(vcore);
            } catch (Throwable cause) {
                LOG.log(System.Logger.Level.ERROR, "spare " + vcore + " failed", cause);
            } finally {
                ready.countDown();
                end(vcore, loop, halted);
            }
        }
    }

    /** See {@link org.libtorque.Torque#spareVcore}. */
    public Vcore spareVcore(Vcore beside, Consumer<Vcore> body) {
        Spare spare;
        synchronized (spares) {
            checkRunning();
            int index = vcores.length + spares.size();
            spare = new Spare(new Vcore(index, beside.cpu(), Clock.SYSTEM, new BlockPool(spareBlockBytes, spareMemory), sparePostLimit, failures));
            new VcoreThread(spare.vcore, () -> spare.run(body)).start();
            spares.add(spare);
        }
        Uninterruptibly.await(spare.ready::await);
        return spare.vcore;
    }

    /** Returns the vcores. */
    public List<Vcore> vcores() { return List.of(vcores); }

    /** Returns who of the vcores works. */
    public Roster roster() { return roster; }

    /** Returns the backend in use. */
    public Backend backend() { return choice.backend(); }

    /** See {@link org.libtorque.Torque#stop}. */
    public void stop() {
        if (!stopping.compareAndSet(false, true)) return;
        LOG.log(System.Logger.Level.DEBUG, "stopping");
        board.close();
        if (monitor != null) monitor.close();
        synchronized (spares) {
            for (Spare spare : spares) spare.vcore.requestStop();
        }
        for (int i = 0; i < vcores.length; i++) {
            Loop loop = loops[i];
            if (loop == null) { // it never started, or is just failing to
                vcores[i].requestStop();
                continue;
            }
            Vcore vcore = vcores[i];
            Color color = vcore.newColor().pin();
            new Task(color) {
                @Override protected void run() { loop.drain(); }
            }.postSurely();
            timer(TimerOptions.UNARMED, color, (_, _) -> vcore.requestStop()).rearm(drainTimeout); // which refuses nothing, should it have ended already
        }
    }

    /** See {@link org.libtorque.Torque#atEnd}. */
    public void atEnd(Runnable action) { atEnd.add(action); }

    /** Who is to be told of the end. */
    private final class AtEnd {
        private final List<Runnable> actions = new ArrayList<>(); // guarded by this
        private boolean over; // guarded by this

        void add(Runnable action) {
            synchronized (this) {
                if (!over) {
                    actions.add(action);
                    return;
                }
            }
            tell(action);
        }

        void run() {
            List<Runnable> all;
            synchronized (this) {
                over = true;
                all = List.copyOf(actions);
                actions.clear();
            }
            all.forEach(this::tell);
        }

        private void tell(Runnable action) {
            try {
                action.run();
            } catch (Throwable failure) {
                LOG.log(System.Logger.Level.ERROR, "at the end of the runtime: " + action, failure);
            }
        }
    }

    /** Tells whether {@link #stop} has been called. */
    public boolean isStopping() { return stopping.get(); }

    /** See {@link org.libtorque.Torque#block(Runnable)}. */
    public void block(Runnable whenReady) throws InterruptedException {
        StopSignals signals = new StopSignals(this::stop, drainTimeout);
        try {
            whenReady.run();
            ended.await();
        } finally {
            signals.close();
        }
        Throwable cause = fault.get();
        if (cause != null) throw new IllegalStateException("the runtime failed: " + cause, cause);
    }

    /** Stops, and waits for the end. */
    @Override public void close() {
        for (Vcore vcore : vcores) {
            if (vcore.isCurrent()) throw new IllegalStateException("close() waits for the vcores and must not be called on one; call stop()");
        }
        stop();
        Uninterruptibly.await(ended::await);
    }
}
