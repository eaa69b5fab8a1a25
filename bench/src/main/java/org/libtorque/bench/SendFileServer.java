package org.libtorque.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.libtorque.bench.peer.NettyFileServer;
import org.libtorque.bench.peer.NioFileServer;
import org.libtorque.bench.peer.TorqueFileServer;

/** Who sends files in {@code torque bench sendfile}. */
enum SendFileServer {
    ONESHOT("oneshot", "libtorque, one request; io_uring", TorqueFileServer.class, "--how", "oneshot", "--backend", "IO_URING"),
    ONESHOT_EPOLL("oneshot-epoll", "libtorque, one request; epoll", TorqueFileServer.class, "--how", "oneshot", "--backend", "EPOLL"),
    BY_HAND("byhand", "libtorque, opened in the callback, head and file sent, closed; io_uring", TorqueFileServer.class, "--how", "byhand", "--backend", "IO_URING"),
    BY_HAND_EPOLL("byhand-epoll", "the same; epoll", TorqueFileServer.class, "--how", "byhand", "--backend", "EPOLL"),
    NIO_SENDFILE("nio-sendfile", "JDK selector, FileChannel.transferTo", NioFileServer.class, "--how", "sendfile"),
    NIO_READ_WRITE("nio-readwrite", "JDK selector, read and write through a direct buffer of 256 KiB", NioFileServer.class, "--how", "readwrite"),
    NETTY("netty-epoll", "Netty, DefaultFileRegion; native epoll", NettyFileServer.class, "--transport", "epoll"),
    NETTY_NIO("netty-nio", "Netty, DefaultFileRegion; NIO", NettyFileServer.class, "--transport", "nio");

    final String id;
    final String title;
    private final Class<?> program;
    private final List<String> arguments;

    SendFileServer(String id, String title, Class<?> program, String... arguments) {
        this.id = id;
        this.title = title;
        this.program = program;
        this.arguments = List.of(arguments);
    }

    static List<String> ids() { return Arrays.stream(values()).map(s -> s.id).toList(); }

    static SendFileServer byId(String id) { return Arrays.stream(values()).filter(s -> s.id.equals(id)).findFirst().orElse(null); }

    /** Returns the command that starts it on a CPU. */
    List<String> command(int port, String cpu, String root) {
        var command = new ArrayList<>(List.of(Commands.javaBinary()));
        command.addAll(Peers.JVM_FLAGS);
        command.addAll(Peers.NETTY_FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName(), "--port", String.valueOf(port), "--root", root));
        command.addAll(arguments);
        return Commands.pinned(cpu, command);
    }
}
