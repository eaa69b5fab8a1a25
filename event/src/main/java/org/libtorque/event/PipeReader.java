package org.libtorque.event;

import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.Errno;
import org.libtorque.sys.Files;
import org.libtorque.vcore.Color;

/** The end of a pipe from which a child's output is read. */
final class PipeReader extends KernelSource {
    private static final int BUDGET = 16;

    private final ChildProcess child;
    private final String name;
    private final RawView view = new RawView();
    /** Set under the colour. */
    OutputHandler handler;
    private boolean paused;
    /** Bytes read, since ever. */
    private long taken;

    PipeReader(ChildProcess child, Color color, int fd, String name) {
        super(color, fd, READABLE);
        this.child = child;
        this.name = name;
    }

    void pause(boolean yes) {
        paused = yes;
        if (!yes && isOpen()) signal(READABLE);
    }

    @Override protected void run() throws Exception {
        takeReady();
        if (!paused && read(BUDGET) && isOpen() && !paused) signal(READABLE); // behind the other colours
    }

    /**
     * The child has ended: what it has written is in the pipe, and comes before the news of the end, whatever the handler throws. No more than the pipe holds is read, for others may
     * write into it as fast as it is read.
     */
    void readWhatIsThere() {
        if (!isOpen()) return;
        long end = taken + Math.max(0, Files.fcntl(loop().errno, fd(), Files.F_GETPIPE_SZ, 0));
        while (isOpen() && !paused && taken <= end) {
            try {
                if (!read(1)) return;
            } catch (Throwable failure) {
                failed(failure);
            }
        }
    }

    /** Returns whether there may be more. */
    private boolean read(int budget) throws Exception {
        Loop loop = loop();
        long block = loop.blocks.acquire();
        long memory = block != 0 ? block : loop.scratch; // small bites when the vcore's buffers are used up
        int capacity = block != 0 ? loop.blocks.blockBytes() : Loop.SCRATCH_BYTES;
        try {
            while (isOpen() && !paused && budget-- > 0) {
                long n = Files.read(loop.errno, fd(), memory, capacity);
                if (n == -Errno.EAGAIN) return false;
                if (n == -Errno.EINTR) continue;
                if (n <= 0) {
                    close();
                    if (n < 0) throw IoErrors.of(n, "read", "fd={}", fd());
                    if (handler != null) handler.onEnd(child);
                    return false;
                }
                taken += n;
                if (handler == null) continue; // nobody wants it, but the child shall not wait for that
                view.point(memory, (int) n);
                handler.onOutput(child, view);
            }
            return true;
        } finally {
            if (block != 0) loop.blocks.release(block);
        }
    }

    @Override protected void failed(Throwable failure) {
        color().home().reportFailure(child, failure);
        if (isOpen()) signal(READABLE);
    }

    @Override public String toString() { return name + " of " + child; }
}
