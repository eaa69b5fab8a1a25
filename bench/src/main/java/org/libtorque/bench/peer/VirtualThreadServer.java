package org.libtorque.bench.peer;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import picocli.CommandLine.Command;

/**
 * The least server on the JDK's virtual threads: one of them per connection, blocking channels, no parser. A blank line
 * ends a request; all requests found in one read are answered with one write of fixed bytes.
 */
@Command(name = "VirtualThreadServer", description = "Minimal blocking server on JDK virtual threads.")
public final class VirtualThreadServer extends PeerOptions {
    /** Holds a batch of 100 requests of 242 bytes. */
    private static final int READ_BYTES = 32 * 1024;
    private static final int ANSWER_COPIES = 256;

    private VirtualThreadServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new VirtualThreadServer(), args); }

    @Override
    public Integer call() throws IOException {
        byte[] one = answers("loom", 1);
        byte[] many = answers("loom", ANSWER_COPIES);
        ByteBuffer block = ByteBuffer.allocateDirect(many.length).put(many).flip();
        try (var listener = ServerSocketChannel.open()) {
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listener.bind(address(), BACKLOG);
            ready("JDK " + Runtime.version() + " virtual threads");
            while (true) {
                SocketChannel channel = listener.accept();
                Thread.ofVirtual().start(() -> serve(channel, block.duplicate(), one.length));
            }
        }
    }

    private static void serve(SocketChannel channel, ByteBuffer answers, int answerBytes) {
        try (channel) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer input = ByteBuffer.allocateDirect(READ_BYTES);
            var blankLines = new BlankLines();
            while (channel.read(input) >= 0) {
                input.flip();
                for (int owed = blankLines.count(input); owed > 0;) {
                    int batch = Math.min(owed, ANSWER_COPIES);
                    answers.position(0).limit(batch * answerBytes);
                    while (answers.hasRemaining()) channel.write(answers);
                    owed -= batch;
                }
                input.clear();
            }
        } catch (IOException clientGone) {
            // A reset connection is the client's affair; the load generator counts what it did not get.
        }
    }
}
