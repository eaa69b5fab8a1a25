package org.libtorque.event;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.vcore.Roster;

/**
 * Listens on an address, on all vcores (that its placement allows) at once: each has a socket of its own in the kernel's group for the address (SO_REUSEPORT) and accepts for
 * itself, so that accepting scales and a connection is served where it was accepted. A Unix socket, which knows no such groups, is shared by all.
 */
public final class Listener implements Registration {
    private static final Runnable TOLD = () -> { };

    private final SocketAddress address;
    private final Acceptor[] acceptors;
    private final AtomicInteger connections = new AtomicInteger();
    private final Exhaustion exhaustion = new Exhaustion(this);
    private volatile boolean open = true;
    private volatile boolean held;
    /** Told of the end; replaced by {@link #TOLD} when that has been done. */
    private final AtomicReference<Runnable> onClose = new AtomicReference<>();

    private Listener(SocketAddress address, Acceptor[] acceptors) {
        this.address = address;
        this.acceptors = acceptors;
    }

    /** Opens the sockets on the calling thread and has the vcores of {@code loops} start accepting. */
    static Listener open(Loop[] loops, SocketAddress wanted, ListenOptions options, ConnectionHandler handler, Roster roster) throws IOException {
        int[] fds = ListenSockets.open(wanted, options, loops.length);
        ErrnoSlot errno = ErrnoSlot.current();
        SocketAddress actual;
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            actual = SocketNames.local(errno, fds[0], arena.allocate(512, 8).address());
        }
        Acceptor[] acceptors = new Acceptor[loops.length];
        Listener listener = new Listener(actual, acceptors);
        for (int i = 0; i < loops.length; i++) acceptors[i] = new Acceptor(loops[i], fds[i], listener, options, handler, roster);
        for (Acceptor acceptor : acceptors) HomeTask.start(acceptor.color(), acceptor::start, acceptor::neverStarted); // the runtime may have stopped since it was asked
        return listener;
    }

    /** Returns the address, with the port that the kernel chose if 0 was asked for. Any thread. */
    public SocketAddress address() { return address; }

    /** Returns how many connections it has open. Any thread. */
    public int connections() { return connections.get(); }

    AtomicInteger connectionCounter() { return connections; }

    Exhaustion exhaustion() { return exhaustion; }

    /**
     * Holds accepting, or goes on with it: for whoever cannot take more at the moment. Connections that come meanwhile wait in the kernel's backlog. Those that vcores are just
     * accepting, at most one each, still come. Any thread.
     */
    public void hold(boolean yes) {
        held = yes;
        if (yes) return;
        for (Acceptor acceptor : acceptors) {
            new HomeTask(acceptor.color()) {
                @Override protected void run() { acceptor.goOn(); }
            }.postSurely();
        }
    }

    /** Has an action run once, when this stops listening, because it is closed or the runtime stops; at once if it has. On any thread: must not block. Called at most once. */
    public void onClose(Runnable action) {
        if (!onClose.compareAndSet(null, action)) action.run();
    }

    private void tellOfEnd() {
        Runnable action = onClose.getAndSet(TOLD);
        if (action != null) action.run();
    }

    boolean isHeld() { return held; }

    /** Stops listening. Connections that the kernel has completed are still accepted and served. Any thread. */
    @Override public void close() {
        if (!open) return;
        open = false;
        tellOfEnd();
        for (Acceptor acceptor : acceptors) {
            new HomeTask(acceptor.color()) {
                @Override protected void run() { acceptor.stop(); }
            }.postSurely();
        }
        removeSocketFile();
    }

    /** Called when the runtime drains: the acceptors stop by themselves. */
    void drained() {
        open = false;
        tellOfEnd();
        removeSocketFile();
    }

    private void removeSocketFile() {
        if (address instanceof UnixDomainSocketAddress unix && !unix.getPath().toString().isEmpty()) {
            try {
                Files.deleteIfExists(unix.getPath());
            } catch (IOException e) {
                System.getLogger("org.libtorque").log(System.Logger.Level.WARNING, "cannot remove socket " + unix.getPath(), e);
            }
        }
    }

    @Override public boolean isOpen() { return open; }

    @Override public String toString() { return "Listener[" + address + "]"; }
}
