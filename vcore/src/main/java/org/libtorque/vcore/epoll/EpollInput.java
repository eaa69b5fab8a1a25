package org.libtorque.vcore.epoll;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * What epoll has reported of a stream's input, handed from home to the runner: a count of edges, of which the runner remembers the last that it has
 * answered by emptying the socket. Neither waits for the other, and neither needs an atomic read-modify-write.
 *
 * <p>The runner reads the count before it receives. An edge that comes later is counted later, so it is answered later, at the price of a call that
 * may find nothing; none is lost. Counts wrap; the runner would have to sleep through 2³¹ edges to take one for another.
 */
final class EpollInput {
    /** Whether the end of the stream or an error was announced, beside the count. Sticky. */
    private static final int END_ANNOUNCED = 1;
    private static final int EDGE = 2;

    private static final VarHandle EDGES = Handles.field(MethodHandles.lookup(), "edges", int.class);

    /** Written with release by whoever harvests home's queue, one at a time; read by the runner with acquire. */
    private int edges;
    /** The runner's. */
    private int answered;

    /** Home, or who harvests for it: counts an edge. */
    void note(boolean end) { EDGES.setRelease(this, (end ? edges | END_ANNOUNCED : edges) + EDGE); }

    /** Runner: returns the count, to be given to the methods below. */
    int edges() { return (int) EDGES.getAcquire(this); }

    /** Runner: tells whether there may be more to receive. */
    boolean unanswered(int edges) { return edges != answered; }

    /** Runner: notes that a receive after the count was read has found the socket empty. */
    void answer(int edges) { answered = edges; }

    /** Tells whether an end or error had been announced, which a short receive may hide. */
    static boolean endAnnounced(int edges) { return (edges & END_ANNOUNCED) != 0; }
}
