package org.libtorque.vcore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.libtorque.sys.Handles;

/** The platform thread of a vcore; knowing its vcore, it saves a thread-local look-up. */
public final class VcoreThread extends Thread {
    /** Address space, not memory. Virtual threads run on the stacks of their carriers; elsewhere they have as much. */
    private static final long STACK_BYTES = 1 << 20;

    private static final VarHandle MOUNTED = Handles.field(MethodHandles.lookup(), "mounted", Object.class);

    private Vcore vcore;
    private Object mounted;
    private Object relayed;

    /**
     * @param vcore what this thread will own
     * @param body  runs on this thread; pins it, binds the vcore, runs the loop
     */
    public VcoreThread(Vcore vcore, Runnable body) {
        super(null, body, "torque-vcore-" + vcore.index(), STACK_BYTES);
        this.vcore = vcore;
    }

    /** Returns what this thread owns; null while it owns none. For this thread and whom it carries. */
    public Vcore vcore() { return vcore; }

    /** Called by this thread alone. */
    void vcore(Vcore other) { vcore = other; }

    /** Returns what a higher layer runs on this thread at the moment: for the user-level thread that is mounted; null for none. For this thread and whom it carries. */
    public Object mounted() { return mounted; }

    /** See {@link #mounted()}. */
    public void mounted(Object occupant) { MOUNTED.setOpaque(this, occupant); }

    /** Returns what {@link #relay} was last given. For this thread. */
    public Object relayed() { return relayed; }

    /** Keeps something that a higher layer hands from one of its methods to another on this thread, through code that is not its own. For this thread. */
    public void relay(Object what) { relayed = what; }

    /** Any thread. */
    Object mountedOpaque() { return MOUNTED.getOpaque(this); }
}
