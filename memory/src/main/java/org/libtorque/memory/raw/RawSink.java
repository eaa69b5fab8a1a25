package org.libtorque.memory.raw;

import org.libtorque.memory.ByteSink;

/** The library's side of a {@link ByteSink}: subclasses say where blocks come from. */
public abstract non-sealed class RawSink extends ByteSink {
    /** For subclasses. */
    protected RawSink() {}
}
