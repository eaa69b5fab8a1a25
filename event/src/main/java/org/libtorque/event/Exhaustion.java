package org.libtorque.event;

import org.libtorque.sys.Errno;

/**
 * Says that a listener cannot accept, and that it can again: each once, whichever vcores find out, and not again for {@link #QUIET_NANOS} where load goes to and
 * fro around the limit. Any thread.
 */
final class Exhaustion {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    static final long QUIET_NANOS = 60_000_000_000L;

    private final Object who;
    // Guarded by this: no hot path comes here.
    private int vcores;
    private boolean said;
    private boolean ever;
    private long saidNanos;

    /** @param who named in what is said */
    Exhaustion(Object who) { this.who = who; }

    /** A vcore cannot accept, and could before. */
    synchronized void begins(int errno) {
        if (vcores++ > 0) return;
        long now = System.nanoTime();
        said = !ever || now - saidNanos >= QUIET_NANOS;
        if (!said) return;
        ever = true;
        saidNanos = now;
        LOG.log(System.Logger.Level.WARNING, "{0} cannot accept: {1}; connections wait in the backlog until something is free (raise ''ulimit -n'' for more)",
                who, Errno.describe(errno));
    }

    /** A vcore has accepted all that waited. */
    synchronized void isOver() {
        if (--vcores == 0 && said) LOG.log(System.Logger.Level.INFO, "{0} accepts again", who);
    }
}
