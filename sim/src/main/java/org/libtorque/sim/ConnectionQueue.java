package org.libtorque.sim;

/** A run queue of a rival: connections, first in first out, linked through themselves. */
final class ConnectionQueue {
    private Connection head;
    private Connection tail;
    private int size;

    int size() { return size; }

    boolean isEmpty() { return head == null; }

    /** Appends a connection that is in no run queue. */
    void add(Connection connection) {
        assert !connection.queued;
        connection.queued = true;
        connection.nextRun = null;
        if (head == null) head = connection;
        else tail.nextRun = connection;
        tail = connection;
        size++;
    }

    /** Takes the first, or null. */
    Connection poll() {
        Connection connection = head;
        if (connection != null) {
            head = connection.nextRun;
            connection.nextRun = null;
            connection.queued = false;
            size--;
        }
        return connection;
    }
}
