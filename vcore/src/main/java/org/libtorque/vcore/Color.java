package org.libtorque.vcore;

/**
 * A mutual-exclusion class of tasks (Zeldovich et al. 2003): tasks of one colour never run in parallel and run in the
 * order they were made ready; tasks of different colours may run in parallel.
 *
 * <p>A colour is a queue with a state and a home vcore. The vcore's run queue holds colours, not tasks:
 * {@code IDLE -first task-> QUEUED -its turn-> RUNNING -queue empty-> IDLE}, or {@code -tasks left-> QUEUED} behind the
 * others, so that a busy colour cannot starve them. All fields are touched by the home vcore's thread alone; other
 * threads reach a colour through the home's inbox ({@link Vcore#post}). The home never changes yet is always asked for
 * through {@link #home()}: moving a colour will move nothing else.
 */
public final class Color {
    static final int IDLE = 0, QUEUED = 1, RUNNING = 2;

    private final Vcore home;
    private final long id;
    private Task head;
    private Task tail;
    int state;
    /** Link in the run queue while QUEUED. */
    Color next;

    /**
     * @param home the vcore that runs this colour's tasks
     * @param id   identifies the colour in reports
     */
    Color(Vcore home, long id) {
        this.home = home;
        this.id = id;
    }

    /** Returns the vcore that runs this colour's tasks. Any thread may ask. */
    public Vcore home() { return home; }

    /** Returns the number that identifies this colour within its runtime. */
    public long id() { return id; }

    void add(Task task) {
        task.next = null;
        if (head == null) head = task;
        else tail.next = task;
        tail = task;
    }

    Task poll() {
        Task task = head;
        if (task != null) {
            head = task.next;
            if (head == null) tail = null;
            task.next = null;
        }
        return task;
    }

    boolean hasTasks() { return head != null; }

    @Override public String toString() { return "Color[" + id + " of " + home + "]"; }
}
