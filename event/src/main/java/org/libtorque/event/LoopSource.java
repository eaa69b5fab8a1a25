package org.libtorque.event;

/** A source other than a connection that a {@link Loop} must know to drain and close it: a node of its list. */
abstract class LoopSource {
    LoopSource nextSource;
    LoopSource previousSource;

    /** The runtime is stopping: take in nothing new. */
    abstract void drain();

    /** The runtime has stopped: give the descriptor back. */
    abstract void endNow();

    /** A connection's descriptor has become free. */
    void descriptorFreed() {}
}
