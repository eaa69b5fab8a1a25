package org.libtorque.event;

/** Called when a process has ended. */
@FunctionalInterface
public interface ExitHandler {
    /**
     * @param pid    which
     * @param status how
     * @throws Exception anything; goes to the failure handler
     */
    void onExit(int pid, ExitStatus status) throws Exception;
}
