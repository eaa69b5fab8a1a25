package org.libtorque.vcore;

/** Told of exceptions that a task or callback let out. Called on the vcore where it happened; must not block. */
@FunctionalInterface
public interface FailureHandler {
    /**
     * @param where   what failed: a task, a timer, a connection
     * @param failure what was thrown
     */
    void onFailure(Object where, Throwable failure);
}
