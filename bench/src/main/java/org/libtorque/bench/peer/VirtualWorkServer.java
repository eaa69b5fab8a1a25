package org.libtorque.bench.peer;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@link VirtualThreadServer} for skewed load: a virtual thread for each connection, blocking channels, and as much of
 * a parser as it takes to tell {@code /work?us=N} from other requests; with a root also {@code /}, which is its {@code index.html}, and files of the folder {@code cold} in it, sent by
 * {@link FileChannel#transferTo}. How many carriers there are is the launcher's choice ({@code -Djdk.virtualThreadScheduler.parallelism}).
 */
@Command(name = "VirtualWorkServer", description = "Blocking server on JDK virtual threads that works on request.")
public final class VirtualWorkServer extends PeerOptions {
    /** Also the longest request. */
    private static final int READ_BYTES = 8 * 1024;

    /** All of an answer but the length and the body, with the date of the start. */
    private static final String HEAD = answerHead("loom");

    @Option(names = "--root", description = "Folder of files to serve")
    private Path root;

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

    private void serve(SocketChannel channel) {
        try (channel) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer input = ByteBuffer.allocate(READ_BYTES);
            while (channel.read(input) >= 0) {
                int from = 0;
                for (int end; (end = blankLine(input, from)) >= 0; from = end) {
                    String target = target(input, from);
                    if (root != null && target.equals("/")) send(root.resolve("index.html"), channel);
                    else if (root != null && target.startsWith("/cold/")) send(root.resolve(target.substring(1)), channel);
                    else write(answerTo(target), channel);
                }
                input.flip().position(from);
                input.compact();
                if (!input.hasRemaining()) return;               // a request that does not fit
            }
        } catch (IOException clientGone) {
            // A reset connection is the client's affair; the load generator counts what it did not get.
        }
    }

    private static void send(Path path, SocketChannel channel) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            long size = file.size();
            write((HEAD + size + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII), channel);
            for (long sent = 0; sent < size; ) sent += file.transferTo(sent, size - sent, channel);
        }
    }

    private static void write(byte[] bytes, SocketChannel channel) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(bytes);
        while (left.hasRemaining()) channel.write(left);
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
