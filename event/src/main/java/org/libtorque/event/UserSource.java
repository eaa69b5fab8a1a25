package org.libtorque.event;

import org.libtorque.vcore.Color;

/**
 * What events that the program makes itself share: a source without a descriptor, which any thread signals. The signalled bits of the source are what coalesces wake-ups: whoever sets
 * the first one queues the source in the inbox of its vcore, and nobody allocates.
 */
abstract class UserSource extends KernelSource {
    UserSource(Color color) {
        super(color, -1, READABLE);
        runAtHome(false); // nothing of it is home's, so it may be run wherever its colour is
    }

    /** Has it run, unless it is about to anyway. After what is told was written; the run that takes the bits sees it. */
    final void wake() { signal(READABLE); }
}
