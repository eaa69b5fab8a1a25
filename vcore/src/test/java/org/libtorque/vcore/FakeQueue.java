package org.libtorque.vcore;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** An event queue without a kernel: harvests are scripted, and what the vcore asks for is written down. */
class FakeQueue extends IdleQueue {
    /** What the next harvests do and return; when empty, they return 0. */
    final ArrayDeque<Harvest> script = new ArrayDeque<>();
    final List<Integer> windows = new ArrayList<>();
    final List<Long> timeouts = new ArrayList<>();
    final AtomicInteger wakes = new AtomicInteger();
    boolean deferredWork;
    int sources;
    boolean closed;

    interface Harvest {
        int take(int window);
    }

    @Override public int harvest(int window, long timeoutNanos) {
        windows.add(window);
        timeouts.add(timeoutNanos);
        Harvest next = script.poll();
        return next == null ? 0 : next.take(window);
    }

    int lastWindow() { return windows.getLast(); }

    long lastTimeout() { return timeouts.getLast(); }

    @Override public String name() { return "fake"; }

    @Override public boolean hasDeferredWork() { return deferredWork; }

    @Override public void wake() { wakes.incrementAndGet(); }

    @Override public int sourceCount() { return sources; }

    @Override public void close() { closed = true; }
}
