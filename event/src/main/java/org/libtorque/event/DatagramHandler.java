package org.libtorque.event;

import org.libtorque.memory.ByteView;

/** Called with each datagram. */
@FunctionalInterface
public interface DatagramHandler {
    /**
     * @param socket where it arrived; {@link DatagramEndpoint#sender} and {@link DatagramEndpoint#reply} refer to this datagram until this returns
     * @param data   what it holds, perhaps nothing; valid until this returns
     * @throws Exception anything; goes to the failure handler, and the socket lives on
     */
    void onDatagram(DatagramEndpoint socket, ByteView data) throws Exception;
}
