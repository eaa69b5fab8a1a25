package org.libtorque.event;

/** Called when an outgoing connection could not be made, on the vcore that tried. */
@FunctionalInterface
public interface ConnectFailureHandler {
    /**
     * @param cause an {@link java.io.IOException}, such as {@link java.net.ConnectException}, that names the errno, or a {@link ConnectionTimeoutException}
     * @throws Exception anything; goes to the failure handler
     */
    void onConnectFailed(Throwable cause) throws Exception;
}
