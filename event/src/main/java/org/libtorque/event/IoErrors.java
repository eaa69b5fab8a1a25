package org.libtorque.event;

import java.io.IOException;
import java.net.ConnectException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.SyscallException;

/** Makes the exceptions that this layer's users see of failed calls: the JDK's types, with the call and errno in the message and as cause. */
final class IoErrors {
    private IoErrors() {}

    static IOException of(long result, String call, String template, Object... values) {
        SyscallException cause = SyscallException.of(result, call, template, values);
        IOException e = switch (cause.errno()) {
            case Errno.ECONNREFUSED, Errno.ETIMEDOUT, Errno.EHOSTUNREACH, Errno.ENETUNREACH ->
                    call.equals("connect") ? new ConnectException(cause.getMessage()) : new IOException(cause.getMessage());
            case Errno.EADDRINUSE, Errno.EADDRNOTAVAIL -> new java.net.BindException(cause.getMessage());
            default -> new IOException(cause.getMessage());
        };
        e.initCause(cause);
        return e;
    }

    /** Of a connection that comes to nothing, or to its end, because the runtime does. */
    static IOException stopping() { return new IOException("the runtime is stopping"); }

    /** Of a descriptor that the vcore's event queue would not take. */
    static IOException ofRegistration(int result, int fd) { return of(result, "epoll_ctl", "op=ADD, fd={}", fd); }
}
