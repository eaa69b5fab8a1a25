package org.libtorque.event;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.vcore.Color;

/**
 * A file of a control group that has a name and a number in each line and tells of changes by priority events: {@code memory.events}, {@code pids.events}, {@code cgroup.events}. The
 * kernel notes for each open file which state was read last, so reading is what arms it again; it is read before it is first watched, and what changes in between
 * is an event. That a control group is removed the kernel does not tell; {@code populated} in {@code cgroup.events} of the one above it does.
 */
final class CounterSource extends KernelSource {
    private final Path file;
    private final CounterHandler handler;
    private Map<String, Long> told;

    private CounterSource(Color color, int fd, Path file, CounterHandler handler) {
        super(color, fd, PRIORITY);
        this.file = file;
        this.handler = handler;
    }

    /** See {@link org.libtorque.Torque#onCounters(Path, Color, CounterHandler)}. */
    static CounterSource open(Path file, Color color, CounterHandler handler) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = KernelFile.open(errno, file, Files.O_RDONLY);
        if (fd == -Errno.ENOENT) throw new java.nio.file.NoSuchFileException(file.toString(), null, "no such control group, or its controller is not enabled (cgroup.subtree_control of its parent)");
        if (fd < 0) throw IoErrors.of(fd, "open", "{}", file);
        boolean registered = false;
        CounterSource source = new CounterSource(color, fd, file, handler);
        try {
            TorqueRuntime.checkWatchable(fd);
            source.told = parse(file, KernelFile.read(errno, fd));
            registered = true;
        } finally {
            if (!registered) Files.close(errno, fd);
        }
        source.register();
        return source;
    }

    /** @throws IOException if it is not of that form */
    static Map<String, Long> parse(Path file, String text) throws IOException {
        Map<String, Long> counters = new LinkedHashMap<>();
        for (String line : text.split("\n")) {
            int space = line.indexOf(' ');
            try {
                if (!line.isEmpty()) counters.put(line.substring(0, space), Long.parseLong(line, space + 1, line.length(), 10));
            } catch (IndexOutOfBoundsException | NumberFormatException e) {
                throw new IOException("'" + file + "' has no counters: '" + line + "'", e);
            }
        }
        return counters;
    }

    @Override protected void run() throws Exception {
        takeReady();
        if (!isOpen() || RingPort.holds(handler, this)) return; // the file will say then how things stand
        String text;
        try {
            text = KernelFile.read(loop().errno, fd());
        } catch (IOException e) {
            fail(new IOException("'" + file + "' cannot be read any more; the control group is gone", e));
            return;
        }
        for (Map.Entry<String, Long> counter : parse(file, text).entrySet()) {
            Long before = told.put(counter.getKey(), counter.getValue()); // first: what throws was told
            if (isOpen() && !counter.getValue().equals(before)) handler.onChange(new CounterChange(file, counter.getKey(), before == null ? 0 : before, counter.getValue()));
        }
    }

    @Override public String toString() { return "Registration[" + file + "]"; }
}
