package org.libtorque.bench.peer;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;

/**
 * {@link VirtualThreadServer} for skewed load: a virtual thread for each connection, blocking channels, and as much of
 * a parser as it takes to tell {@code /work?us=N} from other requests. How many carriers there are is the launcher's
 * choice ({@code -Djdk.virtualThreadScheduler.parallelism}).
 */
@Command(name = "VirtualWorkServer", description = "Blocking server on JDK virtual threads that works on request.")
public final class VirtualWorkServer extends PeerOptions {
    /** Also the longest request. */
    private static final int READ_BYTES = 8 * 1024;

    /** All of an answer but the length and the body, with the date of the start. */
    private static final String HEAD = answerHead("loom");

    private VirtualWorkServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new VirtualWorkServer(), args); }

    @Override
    public Integer call() throws IOException {
        try (var listener = ServerSocketChannel.open()) {
            listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listener.bind(address(), BACKLOG);
            ready("JDK " + Runtime.version() + " virtual threads, parallelism "
                    + System.getProperty("jdk.virtualThreadScheduler.parallelism", "as many as CPUs"));
            while (true) {
                SocketChannel channel = listener.accept();
                Thread.ofVirtual().start(() -> serve(channel));
            }
        }
    }

    private static void serve(SocketChannel channel) {
        try (channel) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer input = ByteBuffer.allocate(READ_BYTES);
            while (channel.read(input) >= 0) {
                int from = 0;
                for (int end; (end = blankLine(input, from)) >= 0; from = end) {
                    ByteBuffer answer = ByteBuffer.wrap(answerTo(target(input, from)));
                    while (answer.hasRemaining()) channel.write(answer);
                }
                input.flip().position(from);
                input.compact();
                if (!input.hasRemaining()) return;               // a request that does not fit
            }
        } catch (IOException clientGone) {
            // A reset connection is the client's affair; the load generator counts what it did not get.
        }
    }

    private static byte[] answerTo(String target) {
        String work = Work.answer(target, -1);
        String body = work != null ? work : BODY;
        return (HEAD + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns the index behind the first blank line from {@code from} on, or -1. */
    private static int blankLine(ByteBuffer input, int from) {
        for (int at = from + 3; at < input.position(); at++) {
            if (input.get(at) == '\n' && input.get(at - 1) == '\r' && input.get(at - 2) == '\n' && input.get(at - 3) == '\r') {
                return at + 1;
            }
        }
        return -1;
    }

    /** Returns what stands between the first two blanks of a request's first line. */
    private static String target(ByteBuffer input, int from) {
        int start = from;
        while (input.get(start) > ' ') start++;
        int end = ++start;
        while (input.get(end) > ' ') end++;
        return new String(input.array(), start, end - start, StandardCharsets.ISO_8859_1);
    }
}
