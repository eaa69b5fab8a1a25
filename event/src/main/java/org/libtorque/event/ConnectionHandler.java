package org.libtorque.event;

/** Called with each new connection, on its vcore, before anything is read. Sets the connection's own handlers. */
@FunctionalInterface
public interface ConnectionHandler {
    /**
     * @param connection the new connection
     * @throws Exception anything; closes the connection
     */
    void onOpen(Connection connection) throws Exception;
}
