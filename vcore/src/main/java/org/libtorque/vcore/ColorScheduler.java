package org.libtorque.vcore;

/**
 * The default scheduler: a first-in first-out run queue of colours, each given a quantum of tasks. Home vcore only.
 *
 * <p>Invariants: a colour is in the run queue exactly if its state is QUEUED; a colour with tasks is QUEUED or
 * RUNNING; at most one colour is RUNNING, since one thread runs them.
 */
final class ColorScheduler implements Scheduler {
    /** Tasks of one colour run in a row before others get their turn; small, so that no colour delays the rest for long. */
    static final int QUANTUM = 16;

    private Color head;
    private Color tail;

    @Override public void taskReady(Task task) {
        Color color = task.color();
        color.add(task);
        if (color.state == Color.IDLE) enqueue(color);
    }

    @Override public boolean hasWork() { return head != null; }

    @Override public int schedEntry(int budget) {
        int ran = 0;
        while (ran < budget && head != null) {
            Color color = dequeue();
            color.state = Color.RUNNING;
            for (int quantum = Math.min(QUANTUM, budget - ran); quantum > 0; quantum--) {
                Task task = color.poll();
                if (task == null) break;
                task.queued = false;
                ran++;
                try {
                    task.run();
                } catch (Throwable failure) { // whatever a callback lets out, the loop lives
                    fail(task, failure);
                }
            }
            if (color.hasTasks()) enqueue(color);
            else color.state = Color.IDLE;
        }
        return ran;
    }

    private static void fail(Task task, Throwable failure) {
        try {
            task.failed(failure);
        } catch (Throwable again) {
            task.color().home().reportFailure(task, again);
        }
    }

    private void enqueue(Color color) {
        color.state = Color.QUEUED;
        color.next = null;
        if (head == null) head = color;
        else tail.next = color;
        tail = color;
    }

    private Color dequeue() {
        Color color = head;
        head = color.next;
        if (head == null) tail = null;
        color.next = null;
        return color;
    }

    /** Walks the run queue; for tests. */
    void checkInvariants() {
        Color last = null;
        for (Color color = head; color != null; color = color.next) {
            if (color.state != Color.QUEUED || !color.hasTasks()) throw new IllegalStateException("in run queue: " + color);
            last = color;
        }
        if (last != tail) throw new IllegalStateException("tail is not the last colour");
    }
}
