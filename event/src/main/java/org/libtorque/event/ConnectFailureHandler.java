package org.libtorque.event;

/** Called when an outgoing connection could not be made, on the vcore that tried. */
@FunctionalInterface
public interface ConnectFailureHandler {
    /**
     * @param cause a {@link org.libtorque.sys.SyscallException} with the errno (ECONNREFUSED and the like), or a {@link ConnectionTimeoutException}
     * @throws Exception anything; goes to the failure handler
     */
    void onConnectFailed(Throwable cause) throws Exception;
}
