package org.libtorque.event;

import java.util.ArrayDeque;
import org.libtorque.sys.Errno;
import org.libtorque.sys.Files;
import org.libtorque.sys.NativeMemory;
import org.libtorque.vcore.Color;

/** The end of a pipe through which a child gets its input. What the pipe has no room for is kept, in the order of writing. */
final class PipeWriter extends KernelSource {
    private final ChildProcess child;
    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();
    /** Bytes of the first that have been written. */
    private int written;
    private long waitingBytes;
    private boolean closing;
    /** Told when everything has been written; set under the colour. */
    ChildHandler onWritten;

    PipeWriter(ChildProcess child, Color color, int fd) {
        super(color, fd, WRITABLE);
        this.child = child;
    }

    boolean write(byte[] data) {
        if (!isOpen() || closing) return false;
        if (data.length == 0) return true;
        waiting.add(data.clone());
        waitingBytes += data.length;
        if (waiting.size() == 1) signal(WRITABLE); // the next turn of the colour writes; together with what is still to be added
        return true;
    }

    long waitingBytes() { return waitingBytes; }

    void closeWhenWritten() {
        closing = true;
        if (waiting.isEmpty()) close();
    }

    @Override protected void run() throws Exception {
        takeReady();
        Loop loop = loop();
        boolean wrote = false;
        while (isOpen() && !waiting.isEmpty()) {
            byte[] first = waiting.peek();
            int bytes = Math.min(Loop.SCRATCH_BYTES, first.length - written);
            NativeMemory.copy(first, written, loop.scratch, bytes);
            long n = Files.write(loop.errno, fd(), loop.scratch, bytes);
            if (n == -Errno.EINTR) continue;
            if (n == -Errno.EAGAIN) return; // an edge will come
            if (n < 0) { // EPIPE: the child has closed its input or ended
                endInVain();
                return;
            }
            wrote = true;
            waitingBytes -= n;
            written += (int) n;
            if (written == first.length) {
                waiting.remove();
                written = 0;
            }
        }
        if (!isOpen()) return;
        if (closing) close();
        if (wrote && onWritten != null) onWritten.onStart(child);
    }

    /** The child has ended; others may hold its end of the pipe. */
    void giveUp() {
        try {
            if (isOpen()) endInVain();
        } catch (Throwable failure) {
            failed(failure);
        }
    }

    /** What the child has not read is nobody's. */
    private void endInVain() throws Exception {
        boolean awaited = !waiting.isEmpty();
        waiting.clear();
        waitingBytes = 0;
        close();
        if (awaited && onWritten != null) onWritten.onStart(child); // who waits for it waits for nothing
    }

    @Override protected void failed(Throwable failure) { color().home().reportFailure(child, failure); }

    @Override public String toString() { return "input of " + child; }
}
