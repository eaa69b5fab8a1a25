package org.libtorque.vcore;

/** The platform thread of a vcore; knowing its vcore, it saves a thread-local look-up. */
public final class VcoreThread extends Thread {
    private Vcore vcore;

    /**
     * @param vcore what this thread will own
     * @param body  runs on this thread; pins it, binds the vcore, runs the loop
     */
    public VcoreThread(Vcore vcore, Runnable body) {
        super(null, body, "torque-vcore-" + vcore.index(), 512 * 1024);
        this.vcore = vcore;
    }

    Vcore vcore() { return vcore; }

    /** Called by this thread alone. */
    void vcore(Vcore other) { vcore = other; }
}
