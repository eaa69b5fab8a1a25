package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;

/** Receives the bytes of a request body as they arrive. */
@FunctionalInterface
public interface BodyConsumer {
    /** Lets the body go by. */
    BodyConsumer DISCARD = (in, index, count) -> {};

    /**
     * Called with the next bytes of the body.
     *
     * @param in    the view that holds them; not to be consumed, and not valid any longer when this returns
     * @param index where they begin
     * @param count how many there are, at least one
     */
    void body(ByteView in, int index, int count);
}
