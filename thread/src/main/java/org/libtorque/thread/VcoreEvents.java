package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Objects;
import org.libtorque.Torque;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/**
 * Messages to vcores (active messages, von Eicken et al. 1992; parlib's event delivery, Klues 2015, 2.3): an event has a type and a payload; where it arrives, the handler that is
 * registered for its type is run with it, in vcore context.
 *
 * <p><b>Delivery.</b> Each vcore has a queue, a stack that any thread pushes to and the vcore takes whole and reverses, so events of one sender arrive in order. A sender then <em>notifies</em>
 * the vcore, which wakes it if it sleeps: a task of a pinned colour. It does not interrupt what runs there; it comes when that has returned to the loop. Who
 * wants events handled sooner asks for it: {@link #handleEvents}.
 *
 * <p><b>Notifications can be disabled</b> on a vcore by what runs there, nested to any depth: then events that come wait until they are enabled as often, or until {@code handleEvents} is called. To
 * disable matters to code that calls {@code handleEvents} or yields to the loop in between, and does not want events then; a uthread must not move to another vcore meanwhile,
 * so it must be pinned or not park.
 *
 * <p><b>No event is lost.</b> A sender pushes, fences, and looks at the depth: at 0 it posts the task. Who enables sets the depth to 0, fences, and looks at the queue: if anything is there it posts the
 * task. One of them sees the other (Dekker), so an event that came while notifications were disabled is notified then (parlib's {@code notif_pending}). A task that runs when they have been
 * disabled again leaves the queue as it is, for who enables.
 *
 * <p>{@link #sendEvent(Vcore, Event)} allocates nothing.
 */
public final class VcoreEvents {
    /** Types are 0 to {@value} - 1. */
    public static final int TYPES = 256;
    private static final VarHandle HANDLER = MethodHandles.arrayElementVarHandle(Handler[].class);

    /** What is done with events of a type. */
    @FunctionalInterface
    public interface Handler {
        /**
         * An event has arrived. Called on the vcore that it was sent to; must not block. What it throws goes to the runtime's failure handler.
         *
         * @param event may be sent again from here on
         */
        void onEvent(Event event);
    }

    /** A message. Belongs to whoever sends it until it is sent, and to the handler when it has arrived; in one queue at a time. */
    public static class Event {
        private final int type;
        private Object payload;
        Event next;

        /**
         * @param type    0 to {@link #TYPES} - 1
         * @param payload anything, or null
         */
        public Event(int type, Object payload) {
            this.type = Objects.checkIndex(type, TYPES);
            this.payload = payload;
        }

        /** Returns the type. */
        public final int type() { return type; }

        /** Returns what it brings along. */
        public final Object payload() { return payload; }

        /** Sets what it brings along. Not while it is on its way. */
        public final void payload(Object value) { payload = value; }
    }

    /** A vcore's queue. */
    private final class Box {
        final Vcore vcore;
        final Task delivery;
        final Mailbox mail = new Mailbox();
        /** Taken out of the mailbox and not handled yet, in order: of the vcore, which finds them also from within a handler, and when a handler has disabled notifications. */
        private Event first, last;

        Box(Vcore vcore) {
            this.vcore = vcore;
            delivery = new Task(vcore.newColor().pin()) {
                @Override protected void run() {
                    handle(false);
                }
            };
        }

        boolean send(Event event) {
            if (vcore.hasStopped()) return false;
            return !mail.put(event) || delivery.postSurely();
        }

        /**
         * Handles what is there now, and what handlers that call this have found on top of it.
         *
         * @param always whether also while notifications are disabled, be it by a handler
         */
        int handle(boolean always) {
            if (always || mail.depth() == 0) take();
            int n = 0;
            for (Event now; (always || mail.depth() == 0) && (now = first) != null; n++) {
                first = now.next;
                now.next = null;
                try {
                    Handler handler = (Handler) HANDLER.getAcquire(handlers, now.type);
                    if (handler == null) throw new IllegalStateException("no handler for events of type " + now.type);
                    handler.onEvent(now);
                } catch (Throwable failure) { // whatever a handler lets out, the loop lives
                    vcore.reportFailure(this, failure);
                }
            }
            return n;
        }

        /** Has what is in the mailbox follow what was taken before. */
        private void take() {
            Event more = mail.takeAll();
            if (more == null) return;
            if (first == null) first = more;
            else last.next = more;
            while (more.next != null) more = more.next;
            last = more;
        }

        void enable() {
            if (mail.depth() == 0) throw new IllegalStateException("notifications are not disabled on " + vcore);
            if (mail.enable() || mail.depth() == 0 && first != null) delivery.postSurely();
        }
    }

    private final Handler[] handlers = new Handler[TYPES];
    private final Box[] boxes;

    /** Makes a service for some vcores, whose indices are 0 to their number - 1 in this order. */
    public VcoreEvents(List<Vcore> vcores) {
        boxes = new Box[vcores.size()];
        for (int i = 0; i < boxes.length; i++) {
            if (vcores.get(i).index() != i) throw new IllegalArgumentException(vcores.get(i) + " is at place " + i);
            boxes[i] = new Box(vcores.get(i));
        }
    }

    /** Returns the events of a runtime, the same object each time. */
    public static VcoreEvents of(Torque torque) { return torque.companion(VcoreEvents.class, t -> new VcoreEvents(t.vcores())); }

    /**
     * Says who handles events of a type, on every vcore: instead of who did so before, or nobody if {@code handler} is null. Events without a handler are reported as a failure. Any thread.
     *
     * @throws IndexOutOfBoundsException if there is no such type
     */
    public void register(int type, Handler handler) { HANDLER.setRelease(handlers, Objects.checkIndex(type, TYPES), handler); }

    /**
     * Sends an event to a vcore. Any thread, that vcore's included; does not wait.
     *
     * @return false if the vcore has stopped; one that stops in the next moment may not handle it either
     */
    public boolean sendEvent(Vcore to, Event event) { return box(to).send(event); }

    /** As {@link #sendEvent(Vcore, Event)}, with an event made for it. */
    public boolean sendEvent(Vcore to, int type, Object payload) { return sendEvent(to, new Event(type, payload)); }

    /** Handles the events that the calling thread's vcore has in its queue, notifications being enabled or not; returns how many. */
    public int handleEvents() { return here().handle(true); }

    /** Has events to the calling thread's vcore wait until {@link #enableNotifications} is called as often. */
    public void disableNotifications() {
        here().mail.disable();
    }

    /**
     * Undoes one {@link #disableNotifications}; with the last one events that have come meanwhile are notified.
     *
     * @throws IllegalStateException if notifications are not disabled
     */
    public void enableNotifications() { here().enable(); }

    /** Returns how often notifications are disabled on the calling thread's vcore. */
    public int disabledDepth() { return here().mail.depth(); }

    private Box here() {
        Vcore vcore = Vcore.current();
        if (vcore == null) throw new IllegalStateException(Thread.currentThread() + " is not on a vcore");
        return box(vcore);
    }

    private Box box(Vcore vcore) {
        int i = vcore.index();
        if (i >= boxes.length || boxes[i].vcore != vcore) throw new IllegalArgumentException(vcore + " is not of these");
        return boxes[i];
    }
}
