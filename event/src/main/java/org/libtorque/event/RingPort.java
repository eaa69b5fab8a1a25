package org.libtorque.event;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/**
 * The way of one source's events into an {@link EventRing}: a handler of every kind, to be given to whatever takes one, such as {@code torque.onSignal(Signal.HUP, color, ring.port("hup"))}
 * or {@code torque.every(period, color, ring.port("tick"))}. One port serves one registration, or several under one colour, of which the program then cannot tell whose an event is.
 *
 * <p>While the ring is full, events wait here, and the port sees to it that they do not become more and more. What can be told later just as well is added up: expiries of timers,
 * counts, readiness, pressure. Everything else comes from sources that stop until there is room again; what they have not taken yet stays in the kernel or in the mailbox.
 *
 * <p>All of it belongs to the colour, except {@link #resume}.
 */
public final class RingPort implements SignalHandler, PathHandler, NetworkHandler, ExitHandler, WatchHandler, PressureHandler, CounterHandler, CountHandler,
        PayloadHandler<Object>, TimerHandler, ClockHandler, FileHandler, Runnable, EventRing.Waiter {
    /** An event that waits for room. */
    private static final class Waiting {
        Object event;
        long count;

        Waiting(Object event, long count) {
            this.event = event;
            this.count = count;
        }
    }

    private interface Merge {
        /** Returns whether the new event is in the old one now. */
        boolean into(Waiting old);
    }

    private final EventRing ring;
    private final Object tag;
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
    /** Sources that have stopped. */
    private final List<EventSource> held = new ArrayList<>(1);
    private boolean queued;
    /** Puts what waits into the ring; made under the colour that is the port's from then on, and before {@link #resume} can be called. */
    private Task flush;

    RingPort(EventRing ring, Object tag) {
        this.ring = ring;
        this.tag = tag;
    }

    /** Returns what events are marked with. */
    public Object tag() { return tag; }

    /** Asked by sources before they take anything: whether they are to stop. If so, the source is signalled when they need not any more. Under its colour. */
    static boolean holds(Object handler, EventSource source) { return handler instanceof RingPort port && port.holds(source); }

    private boolean holds(EventSource source) {
        if (waiting.isEmpty() || ring.isClosed()) return false;
        if (!held.contains(source)) held.add(source);
        return true;
    }

    // ---- events

    @Override public void onSignal(SignalInfo info) { tell(info); }

    @Override public void onChange(PathChange change) { tell(change); }

    @Override public void onChange(NetworkChange change) { tell(change); }

    @Override public void onChange(CounterChange change) { tell(change); }

    @Override public void onComplete() { tell(RingEvent.Mark.COMPLETE); }

    @Override public void onLost() { tell(RingEvent.Mark.LOST); }

    @Override public void onExit(int pid, ExitStatus status) { tell(new RingEvent.ProcessExit(pid, status)); }

    @Override public void onPayload(Object payload) { tell(payload); }

    @Override public void onClockChange(ClockChange change) { tell(change); }

    @Override public void onDone(FileOperation operation) { tell(operation); }

    @Override public void onCount(long count) {
        tell(null, count, old -> {
            if (old.event != null) return false;
            old.count += count;
            return true;
        });
    }

    @Override public void onTimer(TimerRegistration timer, long expirations) { onCount(expirations); }

    /** An expiry of a timer that knows no more than that. */
    @Override public void run() { onCount(1); }

    @Override public void onReady(Watch watch, int ready) {
        int fd = watch.fd();
        tell(new RingEvent.Readiness(fd, ready), 1, old -> {
            if (!(old.event instanceof RingEvent.Readiness before) || before.fd() != fd) return false;
            old.event = new RingEvent.Readiness(fd, before.ready() | ready);
            return true;
        });
    }

    @Override public void onPressure(Pressure pressure) {
        tell(pressure, 1, old -> {
            if (!(old.event instanceof Pressure)) return false;
            old.event = pressure;
            old.count++;
            return true;
        });
    }

    // ---- into the ring

    private void tell(Object event) { tell(event, 1, null); }

    private void tell(Object event, long count, Merge merge) {
        if (waiting.isEmpty() && ring.put(tag, event, count) || ring.isClosed()) return;
        if (merge != null) {
            for (Waiting old : waiting) {
                if (merge.into(old)) return;
            }
        }
        if (flush == null) flush = newFlush();
        if (flush.color() != Vcore.currentColor()) throw new IllegalStateException("a port of an event ring serves one colour; make a port for each registration");
        waiting.add(new Waiting(event, count));
        queue();
    }

    private Task newFlush() {
        Color color = Vcore.currentColor();
        if (color == null) throw new IllegalStateException("a port of an event ring is called by callbacks only");
        return new Task(color) {
            @Override protected void run() { flush(); }
        };
    }

    private void queue() {
        if (queued) return;
        queued = true;
        ring.enqueue(this);
    }

    private void flush() {
        queued = false;
        while (!waiting.isEmpty() && !ring.isClosed()) {
            Waiting first = waiting.peek();
            if (!ring.put(tag, first.event, first.count)) {
                queue();
                return;
            }
            waiting.poll();
        }
        waiting.clear();
        for (int i = 0; i < held.size(); i++) held.get(i).signal(EventSource.READABLE);
        held.clear();
    }

    /** For the ring. Not, if the vcore has stopped. */
    @Override public boolean resume() { return flush.postSurely(); }

    @Override public String toString() { return "RingPort[" + tag + "]"; }
}
