package org.libtorque.event;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;

/**
 * What registrations with a descriptor of the library's own share: registering at the colour's home, closing from anywhere, moving with the colour, and ending with the runtime.
 *
 * <pre>{@code
 *   NEW -register (any thread)-> on its way home -started at home-> REGISTERED -close-> ENDED
 *                                                                   REGISTERED -the colour moves-> REGISTERED elsewhere
 *   close before it has started: it starts as ENDED and gives the descriptor back
 * }</pre>
 *
 * <p>{@code closed} is set first, by whoever closes, and everything that calls back looks at it; the rest happens at home as a task of the colour. The generation tags that
 * keep late kernel events from the next tenant of a slot are the event queue's.
 *
 * <p><em>Owns</em> the descriptor, from construction on. A subclass without one passes -1.
 */
abstract class KernelSource extends EventSource implements Registration {
    private static final int OPEN = 0, CLOSED = 1;

    private final AtomicInteger state = new AtomicInteger(OPEN);
    private final int interest;
    private final int descriptor;
    /** Where it is registered; home's. */
    private Loop loop;
    /** Home's, and of the task that starts it: whether the descriptor has been given back. */
    private boolean ended;

    private final LoopSource membership = new LoopSource() {
        @Override void drain() { }

        @Override void endNow() {
            if (state.compareAndSet(OPEN, CLOSED)) closing();
            end();
        }
    };

    /**
     * @param color    what events are serialised with
     * @param fd       non-blocking, close-on-exec; or -1 for none
     * @param interest bits of what to watch for
     */
    KernelSource(Color color, int fd, int interest) {
        super(color, fd);
        this.interest = interest;
        descriptor = fd;
    }

    /**
     * Has it registered at home. Any thread, once.
     *
     * @throws RejectedExecutionException if the colour's vcore has stopped; the descriptor has been closed then
     */
    final void register() {
        if (!HomeTask.start(color(), this::start, this::neverStarted)) throw new RejectedExecutionException(color().home() + " has stopped");
    }

    /** Its vcore has ended before it was registered there. Any thread, once. */
    private void neverStarted() {
        if (state.compareAndSet(OPEN, CLOSED)) closing();
        ended = true;
        if (fd() >= 0) Files.close(ErrnoSlot.current(), fd());
        released();
    }

    private void start() {
        if (ended) return;
        Loop here = homeLoop();
        if (here.over() && state.compareAndSet(OPEN, CLOSED)) closing();
        if (!isOpen()) {
            end();
            return;
        }
        if (fd() >= 0) {
            int result = here.queue.watch(this, interest);
            if (result < 0) {
                state.set(CLOSED);
                closing();
                end();
                here.vcore.reportFailure(this, IoErrors.ofRegistration(result, fd()));
                return;
            }
        } else {
            settle();
        }
        loop = here;
        here.add(membership);
        started();
    }

    /** Home, the colour being held. */
    private void end() {
        if (ended) return;
        ended = true;
        if (loop != null) {
            loop.remove(membership);
            loop = null;
        }
        if (fd() >= 0) homeLoop().queue.close(this, false);
        else unsettle();
        released();
    }

    private Loop homeLoop() { return Loop.of(color().home()); }

    /** Returns the loop of the vcore that runs this; inside {@link #run}. */
    final Loop loop() { return homeLoop(); }

    @Override public final void close() {
        if (!state.compareAndSet(OPEN, CLOSED)) return;
        closing();
        if (color().home().isCurrent() && org.libtorque.vcore.Vcore.currentColor() == color()) {
            end();
            return;
        }
        new HomeTask(color()) {
            @Override protected void run() { end(); }
        }.postSurely();
    }

    @Override public final boolean isOpen() { return state.get() == OPEN; }

    /** Ends it because nothing can come any more, and says why. Under its colour. */
    final void fail(Throwable why) {
        if (!isOpen()) return;
        close();
        color().home().reportFailure(this, why);
    }

    /** A handler's failure: told, and what is left is gone on with. */
    @Override protected void failed(Throwable failure) {
        color().home().reportFailure(this, failure);
        if (isOpen()) signal(READABLE);
    }

    // ---- for subclasses

    /** It is registered and nothing has been signalled. Home, under the colour. */
    void started() { }

    /** It has just been closed; called once, by whoever closes, on any thread. */
    void closing() { }

    /** The descriptor is closed: memory of the source's may go. Home, the colour being held, or before it was ever registered. */
    void released() { }

    @Override protected final void closeElsewhere() { homeLoop().files.closeLater(descriptor); }

    // ---- moving

    @Override protected boolean canMove() { return loop != null; }

    @Override protected void depart() {
        loop.remove(membership);
        loop = null;
        if (fd() < 0) departed();
        else super.depart();
    }

    @Override protected void arrive() {
        loop = homeLoop();
        boolean attached = true;
        if (fd() < 0) loop.add(membership);
        else attached = loop.attach(this, membership, this);
        if (!attached || loop.over()) membership.endNow();
    }
}
