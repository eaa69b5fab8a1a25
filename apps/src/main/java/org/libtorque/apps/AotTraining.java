package org.libtorque.apps;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.cli.TorqueCommand;
import org.libtorque.apps.kweb.Kweb;
import org.libtorque.hardware.Topology;

/**
 * What the JVM watches when it makes the ahead-of-time cache that lies beside {@code torque.jar} (JEP 483, 514): a little of what the
 * commands do first, so that their classes need not be found, checked and linked again in every start. Prints nothing; fails
 * if what it tries does not work here, and then there is no cache.
 */
final class AotTraining {
    private AotTraining() {}

    public static void main(String[] arguments) throws IOException {
        PrintStream out = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        int code = TorqueCommand.run("topology");
        for (String format : new String[] {"json", "svg", "dot"}) code |= TorqueCommand.run("topology", "--format", format);
        code |= TorqueCommand.run("--version");
        // Ends when the process has. On a very busy machine that may be before it is watched, and an error, which is as good here.
        TorqueCommand.run("watch", "--quiet", "--json", "--pid", Long.toString(new ProcessBuilder("sleep", "1").start().pid()));
        for (String backend : new String[] {"auto", "epoll"}) {
            try (Kweb server = Kweb.start(ServeOptions.parse("--port", "0", "--address", "127.0.0.1", "--backend", backend, "--quiet"));
                    var client = new Socket(server.address().getAddress(), server.address().getPort())) {
                client.getOutputStream().write("GET /plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                if (client.getInputStream().readAllBytes().length == 0) code |= 1;
            }
        }
        // Root's discovery may have needed no native call and no thread; everybody else's does, with the same cache.
        if (Topology.discover().hartCount() < 1) code |= 1;
        System.setOut(out);
        System.exit(code);
    }
}
