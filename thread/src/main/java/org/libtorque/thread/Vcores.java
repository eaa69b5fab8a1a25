package org.libtorque.thread;

import java.util.Objects;
import java.util.function.Consumer;
import org.libtorque.Torque;
import org.libtorque.event.Registration;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;
import org.libtorque.vcore.VcoreThread;

/**
 * The vcores of a runtime: how many there are, asking for more, giving them back, and being told when one begins to work. After parlib's vcore API (Klues 2015, 2.2.1), without its limits: a
 * number can be absolute as well as relative, a request can be taken back, and a particular CPU can be asked for.
 *
 * <p>What a vcore that is given back does otherwise moves to those that go on ({@link Vcore#park}). With {@linkplain org.libtorque.TorqueOptions#withElasticity elasticity}, load goes on from
 * what was asked for. Any thread may call any method.
 */
public final class Vcores {
    private final Torque torque;
    private final Roster roster;

    /**
     * What became of a request. What cannot be granted at once, because CPUs are gone, is granted when they are back, unless it is cancelled or another request says otherwise.
     *
     * @param vcores the vcores that were asked
     * @param wanted how many were to work
     */
    public record Request(Vcores vcores, int wanted) {
        /** Returns how many of those that were wanted work at the moment, or are about to. */
        public int granted() { return Math.min(wanted, vcores.numVcores()); }

        /** Tells whether it has not been granted in full. */
        public boolean isPending() { return granted() < wanted && vcores.roster.wanted() > vcores.numVcores(); }

        /** Takes back what has not been granted, for good. Returns whether there was anything. */
        public boolean cancel() { return isPending() && vcores.roster.withdraw() > 0; }
    }

    private Vcores(Torque torque) {
        this.torque = torque;
        roster = torque.roster();
    }

    /** Returns the vcores of a runtime. */
    public static Vcores of(Torque torque) { return torque.companion(Vcores.class, Vcores::new); }

    // ---- how many

    /** Returns how many vcores there are, working or not. */
    public int maxVcores() { return torque.vcores().size(); }

    /** Returns how many work, or are about to. Others may change it at any time. */
    public int numVcores() { return roster.working(); }

    /** Returns the vcore that carries the calling thread, or whose callback it runs; null if there is none. */
    public static Vcore currentVcore() { return Vcore.peek(); }

    // ---- asking

    /**
     * Has so many work from now on.
     *
     * @param total from 1; more than {@link #maxVcores} are not to be had
     */
    public Request request(int total) {
        roster.request(total);
        return new Request(this, Math.min(total, maxVcores()));
    }

    /** Has so many more work than do now. */
    public Request requestMore(int more) {
        if (more < 0) throw new IllegalArgumentException("not negative: " + more);
        return request(Math.clamp((long) numVcores() + more, 1, maxVcores()));
    }

    /**
     * Has the vcore of a particular CPU work.
     *
     * @return whether it works, or is about to; not if the CPU is gone
     * @throws IllegalArgumentException if the runtime has no vcore there
     */
    public boolean requestCpu(int cpu) {
        for (Vcore vcore : torque.vcores()) if (vcore.cpu() == cpu) return roster.requestVcore(vcore.index());
        throw new IllegalArgumentException("no vcore of this runtime is on CPU " + cpu);
    }

    /** Gives the vcore back that the calling thread is on, if others go on working. Returns whether it is given back; false also outside the vcores. */
    public boolean yield() {
        Vcore here = Vcore.peek();
        return here != null && here.index() < maxVcores() && torque.vcores().get(here.index()) == here && roster.tryYield(here.index());
    }

    // ---- vcore context

    /** Tells whether the calling thread is in vcore context: on a vcore's thread, in a callback or a scheduler, not in a uthread. There it must not block. */
    public static boolean inVcoreContext() { return Thread.currentThread() instanceof VcoreThread t && t.vcore() != null; }

    /**
     * For what may be called in vcore context only.
     *
     * @param what named in the complaint
     * @throws IllegalStateException if the calling thread is elsewhere
     */
    public static void checkVcoreContext(String what) {
        if (!inVcoreContext()) throw new IllegalStateException(what + " belongs into vcore context, and " + Thread.currentThread() + " is not");
    }

    /**
     * Has somebody called in vcore context for each vcore that works, soon, and each time that one begins to work again: parlib's {@code vcore_entry}. It must not block.
     *
     * @param entry given the vcore, on whose thread it is called
     */
    public Registration onEntry(Consumer<Vcore> entry) {
        Objects.requireNonNull(entry);
        Entry registration = new Entry(entry);
        for (Vcore vcore : torque.vcores()) {
            Runnable listener = registration.listeners[vcore.index()] = () -> registration.entered(vcore);
            vcore.onParking(listener);
            new Task(vcore.newColor().pin()) {
                @Override protected void run() { listener.run(); }
            }.postSurely();
        }
        return registration;
    }

    /** One who is told. */
    private final class Entry implements Registration {
        final Runnable[] listeners = new Runnable[maxVcores()];
        private final Consumer<Vcore> entry;
        private volatile boolean open = true;

        Entry(Consumer<Vcore> entry) { this.entry = entry; }

        void entered(Vcore vcore) {
            checkVcoreContext("an entry");
            if (open && !vcore.isParked()) entry.accept(vcore);
        }

        @Override public void close() {
            open = false;
            for (Vcore vcore : torque.vcores()) vcore.noMoreOnParking(listeners[vcore.index()]);
        }

        @Override public boolean isOpen() { return open; }
    }
}
