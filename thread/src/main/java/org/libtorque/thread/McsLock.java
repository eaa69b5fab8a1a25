package org.libtorque.thread;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/**
 * A first-in, first-out spin lock for vcore context in which each waiter looks at a word of its own, so that giving it up disturbs one of them and not all (Mellor-Crummey and Scott
 * 1991). Neither recursive nor aware of preemption: who is next but has lost its CPU holds up all behind it.
 *
 * <p>Each use needs a {@link Node}, made once for each vcore and lock held at a time; nothing else allocates. Memory order: taking it acquires, giving it up releases.
 */
public final class McsLock {
    private static final VarHandle TAIL = Handles.field(MethodHandles.lookup(), "tail", Node.class);
    private static final VarHandle NEXT = Handles.field(MethodHandles.lookup(), Node.class, "next", Node.class);
    private static final VarHandle WAITS = Handles.field(MethodHandles.lookup(), Node.class, "waits", boolean.class);

    /** A place in the queue: of one thread from {@code lock} to {@code unlock}, then free for the next use. */
    public static final class Node {
        /** Written by who comes behind. */
        private Node next;
        /** Set by the owner, cleared by who was in front. */
        private boolean waits;

        /** Makes a node that is in no queue. */
        public Node() {}
    }

    /** The last one in the queue, whose first is the holder; null if the lock is free. */
    @SuppressWarnings("unused") private Node tail;

    /** Makes a lock that is free. */
    public McsLock() {}

    /** Takes the lock; spins until all who came before have given it up. */
    public void lock(Node node) {
        node.next = null;
        node.waits = true;
        Node before = (Node) TAIL.getAndSet(this, node);
        if (before == null) return;
        NEXT.setRelease(before, node); // publishes waits; pairs with unlock
        while ((boolean) WAITS.getAcquire(node)) Thread.onSpinWait(); // pairs with unlock
    }

    /** Takes the lock if nobody holds it. */
    public boolean tryLock(Node node) {
        node.next = null;
        return TAIL.compareAndSet(this, null, node);
    }

    /** Gives the lock up. {@code node} is the one it was taken with. */
    public void unlock(Node node) {
        Node next = (Node) NEXT.getAcquire(node);
        if (next == null) {
            if (TAIL.compareAndSet(this, node, null)) return;
            while ((next = (Node) NEXT.getAcquire(node)) == null) Thread.onSpinWait(); // somebody is between his exchange and his link
        }
        WAITS.setRelease(next, false);
    }

    /** Tells whether somebody holds it; out of date as soon as it is read. */
    public boolean isLocked() { return TAIL.getOpaque(this) != null; }
}
