package org.libtorque.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The processes this run has started, so that all of them end when it does: normally, on a fault or on Ctrl-C. Nothing
 * else is ever ended. Any thread may call it.
 */
final class Children implements AutoCloseable {
    private static final long GRACE_MILLIS = 2_000;

    private final List<Process> running = new ArrayList<>();     // guarded by this
    private boolean closed;                                      // guarded by this

    /** Starts a process. After {@link #close()} nothing starts any more. */
    synchronized Process start(ProcessBuilder builder) throws IOException {
        if (closed) throw new IOException("the run is being stopped");
        Process process = builder.start();
        running.add(process);
        return process;
    }

    synchronized boolean isClosed() { return closed; }

    /** Asks a process to end, and its own children (nginx's worker) with it; insists after two seconds. */
    void stop(Process process) {
        synchronized (this) {
            running.remove(process);
        }
        end(List.of(process));
    }

    @Override
    public void close() {
        List<Process> left;
        synchronized (this) {
            closed = true;
            left = List.copyOf(running);
            running.clear();
        }
        end(left);
    }

    private static void end(List<Process> processes) {
        var handles = new ArrayList<ProcessHandle>();
        for (Process process : processes) {
            process.descendants().forEach(handles::add);      // before their parent's end hides them
            handles.add(process.toHandle());
        }
        handles.forEach(ProcessHandle::destroy);
        if (awaitAll(handles)) return;
        handles.forEach(ProcessHandle::destroyForcibly);      // does nothing to those that have ended
        awaitAll(handles);
    }

    private static boolean awaitAll(List<ProcessHandle> handles) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(GRACE_MILLIS);
        boolean all = true;
        for (ProcessHandle handle : handles) {
            try {
                handle.onExit().get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            } catch (TimeoutException | ExecutionException late) {
                all = false;
            }
        }
        return all;
    }
}
