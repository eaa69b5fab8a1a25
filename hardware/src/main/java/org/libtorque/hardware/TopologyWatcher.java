package org.libtorque.hardware;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.libtorque.sys.Affinity;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;

/**
 * Follows what can change in a machine at run time: CPUs that go offline or come back, an edited cpuset or affinity, CPU
 * and memory limits of control groups (a container resized in place).
 *
 * <p>What is written to the files that decide over these, inotify tells at once, and a change is seen within milliseconds.
 * Not everything is a write that can be seen here (an affinity set from outside, a control group above this namespace, firmware
 * that takes a CPU). So the watcher also looks, every 40 ms by default: it reads the few files that told them, compares the bytes,
 * and reads the machine anew only if they differ. A look takes 100 to 300 µs, less than a percent of one CPU.
 *
 * <p>Every change makes a new generation. The listener is called on the watcher's thread; what it throws is logged.
 */
public final class TopologyWatcher implements AutoCloseable {
    /** How often to look, unless told otherwise. */
    public static final Duration INTERVAL = Duration.ofMillis(40);

    private static final Logger LOG = System.getLogger(TopologyWatcher.class.getName());

    /**
     * A change.
     *
     * @param generation 1 for the first change, then rising by 1
     * @param before     the topology until now
     * @param now        the topology from now on
     * @param online     CPUs that came online
     * @param offline    CPUs that went offline
     * @param gained     CPUs that this process may use now and might not before
     * @param lost       CPUs that this process might use and may not any more
     */
    public record Change(long generation, Topology before, Topology now, CpuSet online, CpuSet offline, CpuSet gained,
                         CpuSet lost) {
        static Change between(long generation, Topology before, Topology now) {
            return new Change(generation, before, now, now.online().minus(before.online()),
                    before.online().minus(now.online()), now.usable().minus(before.usable()),
                    before.usable().minus(now.usable()));
        }

        /** Tells whether a limit on CPU time or memory has changed. */
        public boolean limitsChanged() { return !before.limits().groups().equals(now.limits().groups()); }

        /** Tells whether other memory may be used than before. */
        public boolean nodesChanged() { return !before.usableNodes().equals(now.usableNodes()); }

        boolean isNothing() {
            return online.isEmpty() && offline.isEmpty() && gained.isEmpty() && lost.isEmpty() && !limitsChanged()
                    && !nodesChanged();
        }

        /** Returns a line such as {@code generation 3: offline 1; lost 1}. */
        @Override public String toString() {
            var text = new StringBuilder("generation ").append(generation).append(':');
            String[] names = {"online", "offline", "gained", "lost"};
            CpuSet[] sets = {online, offline, gained, lost};
            String separator = " ";
            for (int i = 0; i < sets.length; i++) {
                if (sets[i].isEmpty()) continue;
                text.append(separator).append(names[i]).append(' ').append(sets[i]);
                separator = "; ";
            }
            if (limitsChanged()) {
                double cpus = now.limits().quotaCpus();
                long memory = now.limits().memoryBytes();
                text.append(separator).append("limits: CPU time ").append(Double.isInfinite(cpus) ? "unlimited" : cpus + " CPUs")
                        .append(", memory ").append(memory == Long.MAX_VALUE ? "unlimited" : Sizes.format(memory) + "B");
                separator = "; ";
            }
            if (nodesChanged()) text.append(separator).append("memory of nodes ").append(now.usableNodes());
            return text.toString();
        }
    }

    private final Discovery discovery;
    private final Path root;
    private final long intervalNanos;
    private final Consumer<? super Change> listener;
    private final Runnable afterLook;
    private final Thread thread;
    /** Written by the watcher's thread (or that of {@link #pollOnce}), read by all. */
    private volatile Topology topology;
    private volatile boolean closed;
    /** Made by the watcher's thread; others only wake it. */
    private volatile ChangeSignal signal;
    /** The watcher's thread only: what was seen last, and how many changes there have been. */
    private List<String> paths = List.of();
    private List<String> fingerprint = List.of();
    private long generation;
    /** The last failure that was logged, so that one that stays is logged once. */
    private String complaint;

    private TopologyWatcher(Path root, Duration interval, Consumer<? super Change> listener, Runnable afterLook) {
        this.root = root;
        this.listener = Objects.requireNonNull(listener, "listener");
        this.afterLook = Objects.requireNonNull(afterLook, "afterLook");
        intervalNanos = interval.toNanos();
        if (intervalNanos <= 0) throw new IllegalArgumentException("interval " + interval + ": must be above 0");
        discovery = new Discovery(root, false);
        look();
        topology = discovery.read();
        thread = Thread.ofPlatform().name("torque-topology-watcher").daemon().unstarted(this::run);
    }

    /**
     * Reads the running machine and starts to watch it.
     *
     * @param interval how often to look
     * @param listener called on the watcher's thread for each change
     */
    public static TopologyWatcher start(Duration interval, Consumer<? super Change> listener) {
        return start(Path.of("/"), interval, listener);
    }

    /**
     * Reads the running machine and starts to watch it.
     *
     * @param interval  how often to look
     * @param listener  called on the watcher's thread for each change
     * @param afterLook called on the watcher's thread after each look, and after the listener, whether there was a change or not: for
     *                  what can be disturbed without a change that stays, such as the affinity of a thread whose CPU was offline for
     *                  less time than it takes to look
     */
    public static TopologyWatcher start(Duration interval, Consumer<? super Change> listener, Runnable afterLook) {
        var watcher = new TopologyWatcher(Path.of("/"), interval, listener, afterLook);
        watcher.thread.start();
        return watcher;
    }

    /** Watches a tree that stands for {@code /}; see {@link #start(Duration, Consumer)}. */
    public static TopologyWatcher start(Path root, Duration interval, Consumer<? super Change> listener) {
        TopologyWatcher watcher = unstarted(root, interval, listener);
        watcher.thread.start();
        return watcher;
    }

    static TopologyWatcher unstarted(Path root, Duration interval, Consumer<? super Change> listener) {
        return new TopologyWatcher(root, interval, listener, () -> { });
    }

    /** Returns the newest topology. Any thread. */
    public Topology topology() { return topology; }

    private void run() {
        try (var own = new ChangeSignal()) {
            signal = own; // who closes either sees it and wakes it, or has set closed before this thread looks
            boolean live = root.equals(Path.of("/")); // in a copy nobody writes to what decides
            Topology armed = null;
            while (!closed) {
                if (live && armed != topology) {
                    // What happens between looking and watching is seen by the look that follows.
                    armed = topology;
                    own.watch(folders());
                } else {
                    own.await(intervalNanos);
                }
                if (closed) break;
                try {
                    if (pollOnce() != null) complaint = null;
                    afterLook.run();
                } catch (RuntimeException e) {
                    // A CPU can vanish between two reads of its files; the next look sees a consistent machine.
                    if (!e.toString().equals(complaint)) LOG.log(Level.WARNING, "topology could not be read, will try again", e);
                    complaint = e.toString();
                }
            }
        }
    }

    /** Returns the folders whose files decide: of each CPU, and of the control groups of this process and their ancestors. */
    private Set<String> folders() {
        var files = new FileTree(root);
        var folders = new TreeSet<String>();
        Topology known = topology;
        for (CpuSet cpus : List.of(known.online(), known.offline())) {
            for (int cpu = cpus.nextSetBit(0); cpu >= 0; cpu = cpus.nextSetBit(cpu + 1)) folders.add("/sys/devices/system/cpu/cpu" + cpu);
        }
        folders.add("/sys/devices/system/cpu/smt");
        for (String path : paths) {
            String folder = path;
            for (int slash = folder.lastIndexOf('/'); slash > 0; slash = folder.lastIndexOf('/')) {
                folder = folder.substring(0, slash);
                boolean group = files.exists(folder + "/cgroup.procs") || files.exists(folder + "/tasks");
                if (!group || !folders.add("/" + folder)) break;
            }
        }
        return folders;
    }

    /** Looks once; returns the change, or null if there is none. */
    Change pollOnce() {
        List<String> before = fingerprint;
        if (!look() || fingerprint.equals(before)) return null;
        Topology old = topology, now;
        try {
            now = discovery.read();
        } catch (RuntimeException e) {
            fingerprint = List.of(); // so that the next look reads again
            throw e;
        }
        Change change = Change.between(generation + 1, old, now);
        topology = now;
        if (change.isNothing()) return null;
        generation++;
        try {
            listener.accept(change);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "listener failed on " + change, e);
        }
        return change;
    }

    /**
     * Reads the files that tell what can change. Which ones those are depends on the process's control group, which can
     * change too: its path is read first, and the list is made anew if it did. Returns false, and changes nothing, if a file that
     * could be read before is there and cannot be read now: a process that is out of descriptors has not lost its CPUs.
     */
    private boolean look() {
        var files = new FileTree(root);
        String groups = files.text("proc/self/cgroup");
        if (groups == null && !fingerprint.isEmpty() && fingerprint.getFirst() != null && files.exists("proc/self/cgroup")) return false;
        if (fingerprint.isEmpty() || !Objects.equals(groups, fingerprint.getFirst())) {
            var recorder = new FileTree(root).recording();
            SysfsReader.begin(recorder);
            paths = recorder.recorded().stream().filter(p -> !p.equals("proc/self/cgroup") && !p.equals("proc/mounts")
                    && !p.equals("proc/self/status")).toList();
        }
        var seen = new ArrayList<String>(paths.size() + 2);
        seen.add(groups);
        seen.add(affinity(files));
        for (int i = 0; i < paths.size(); i++) {
            String text = files.text(paths.get(i));
            if (text == null && seen.size() < fingerprint.size() && fingerprint.get(seen.size()) != null && Objects.equals(groups, fingerprint.getFirst())
                    && files.exists(paths.get(i))) {
                return false;
            }
            seen.add(text);
        }
        fingerprint = seen;
        return true;
    }

    /**
     * Tells the process's affinity, in any form that differs if it does: of the first thread, whose mask stays the inherited
     * one. The system call takes a microsecond; of a copy the file is read, of which most would change all the time.
     */
    private static String affinity(FileTree files) {
        if (files.isLive()) {
            ErrnoSlot errno = ErrnoSlot.current();
            try (Arena arena = Arena.ofConfined()) {
                int bytes = CpuSet.LIMIT / 8;
                MemorySegment mask = arena.allocate(bytes, 8);
                int written = Affinity.getaffinity(errno, Processes.getpid(), mask.address(), bytes);
                return written < 0 ? "" : Arrays.toString(mask.asSlice(0, written).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        String status = files.text("proc/self/status");
        return status == null ? "" : String.join("\n", status.lines().filter(l -> l.contains("s_allowed_list:")).toList());
    }

    /** Stops watching and waits for the thread, unless it is the one that calls. */
    @Override public void close() {
        closed = true;
        ChangeSignal waiting = signal;
        if (waiting != null) waiting.wake();
        if (Thread.currentThread() == thread || !thread.isAlive()) return;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
