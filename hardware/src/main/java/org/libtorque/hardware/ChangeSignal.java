package org.libtorque.hardware;

import java.lang.foreign.Arena;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.EventFd;
import org.libtorque.sys.Files;
import org.libtorque.sys.Inotify;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Poll;

/**
 * Tells a {@link TopologyWatcher} at once that somebody has written to a file that decides over CPUs. The kernel reports writes to
 * the files of sysfs and of control groups through inotify(7) as those to any other, when the write is done: after the CPU is
 * offline, after the cpuset has changed. That a value read from such a file is another than before, because of something else
 * (firmware, a group that is not visible here, sched_setaffinity), it does not report; so this saves waiting, not looking.
 *
 * <p>Owns an inotify instance, an eventfd and a little memory. Made, used and closed by one thread; {@link #wake} may be called
 * by any. Where the kernel has no inotify instance to give, it just waits.
 */
final class ChangeSignal implements AutoCloseable {
    private static final int EVENTS_BYTES = 4096;

    private final ErrnoSlot errno = ErrnoSlot.current();
    private final Arena arena = Arena.ofShared();
    private final long polled = arena.allocate(2 * Poll.Pollfd.SIZE, 8).address();
    private final long events = arena.allocate(EVENTS_BYTES, 8).address();
    private final int inotify = Inotify.init1(errno, Inotify.IN_NONBLOCK | Inotify.IN_CLOEXEC);
    private final Set<String> watched = new HashSet<>();
    /** Negative once closed, or if there is none; guarded by this, so that nobody wakes what has that number next. */
    private int wakeUp = EventFd.create(errno, 0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC);

    /** Watches the files in these folders, too; those that are gone, or too many for the kernel, are left out. */
    void watch(Collection<String> folders) {
        if (inotify < 0) return;
        for (String folder : folders) {
            if (!watched.add(folder)) continue;
            try (Arena path = Arena.ofConfined()) {
                int mask = Inotify.IN_MODIFY | Inotify.IN_ONLYDIR;
                if (Inotify.addWatch(errno, inotify, CStrings.allocate(folder, path), mask) < 0) watched.remove(folder);
            }
        }
    }

    /** Waits until something that matters was written to a file of the folders, {@link #wake} was called, or the time has passed. */
    void await(long nanos) {
        long deadline = System.nanoTime() + nanos;
        do {
            long left = Math.max(0, deadline - System.nanoTime());
            poll(polled, inotify);
            poll(polled + Poll.Pollfd.SIZE, wakeUp);
            // Descriptors that are negative poll(2) leaves alone.
            int ready = Poll.poll(errno, polled, 2, (int) Math.min(Integer.MAX_VALUE, (left + 999_999) / 1_000_000));
            if (ready > 0 && (NativeMemory.getShort(polled + Poll.Pollfd.SIZE + Poll.Pollfd.REVENTS) != 0 || matters())) return;
        } while (System.nanoTime() < deadline);
    }

    private static void poll(long at, int fd) {
        NativeMemory.putInt(at + Poll.Pollfd.FD, fd);
        NativeMemory.putShort(at + Poll.Pollfd.EVENTS, (short) Poll.POLLIN);
        NativeMemory.putShort(at + Poll.Pollfd.REVENTS, (short) 0);
    }

    /** Takes all events, and tells whether one of them is about a file that matters. */
    private boolean matters() {
        boolean matters = false;
        for (;;) {
            long bytes = Files.read(errno, inotify, events, EVENTS_BYTES);
            if (bytes <= 0) return matters;
            for (long at = events; at < events + bytes; ) {
                int length = NativeMemory.getInt(at + Inotify.Event.LEN);
                boolean lost = (NativeMemory.getInt(at + Inotify.Event.MASK) & Inotify.IN_Q_OVERFLOW) != 0;
                matters |= lost || matters(CStrings.get(at + Inotify.Event.NAME, length));
                at += Inotify.Event.SIZE + length;
            }
        }
    }

    /** The folders hold other files too, of which the kernel itself reports some all the time, such as {@code memory.events}. */
    private static boolean matters(String name) {
        return name.startsWith("cpu") || name.equals("mems") || name.equals("online") || name.equals("control") || name.equals("cgroup.procs")
                || name.equals("cgroup.subtree_control") || name.equals("tasks") || name.equals("memory.max") || name.equals("memory.limit_in_bytes");
    }

    /** Ends a wait, the next one if there is none now. Any thread. */
    synchronized void wake() {
        if (wakeUp >= 0) EventFd.write(ErrnoSlot.current(), wakeUp, 1);
    }

    @Override public synchronized void close() {
        if (wakeUp >= 0) Files.close(errno, wakeUp);
        wakeUp = -1;
        if (inotify >= 0) Files.close(errno, inotify);
        arena.close();
    }
}
