package org.libtorque.bench.peer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import picocli.CommandLine.Option;

/** Sends files by hand from one loop over the JDK's selector: with sendfile(2) ({@code transferTo}), or by reading and writing. What has to wait for the disk waits in the loop. */
public final class NioFileServer extends PeerOptions {
    enum How { sendfile, readwrite }

    private static final int CHUNK_BYTES = 256 << 10;

    @Option(names = "--how", defaultValue = "sendfile", description = "sendfile or readwrite")
    How how;

    @Option(names = "--root", required = true, description = "folder of the files")
    Path folder;

    private final ArrayDeque<Runnable> due = new ArrayDeque<>();
    private final LoopWatch watch = new LoopWatch(due::add);
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);

    private NioFileServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new NioFileServer(), args); }

    @Override public Integer call() throws IOException {
        try (Selector selector = Selector.open(); ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(address(), BACKLOG).configureBlocking(false);
            server.register(selector, SelectionKey.OP_ACCEPT);
            ready("NIO " + how);
            while (true) {
                if (due.isEmpty()) selector.select(this::serve);
                else selector.selectNow(this::serve);
                Runnable next = due.poll();
                if (next != null) next.run();
            }
        }
    }

    private void serve(SelectionKey key) {
        try {
            if (key.isAcceptable()) {
                SocketChannel socket = ((ServerSocketChannel) key.channel()).accept();
                socket.configureBlocking(false);
                socket.socket().setTcpNoDelay(true);
                socket.register(key.selector(), SelectionKey.OP_READ, new Peer(socket));
            } else {
                ((Peer) key.attachment()).serve(key);
            }
        } catch (IOException e) {
            key.cancel();
            try {
                key.channel().close();
            } catch (IOException gone) {
                e.addSuppressed(gone);
            }
        }
    }

    /** One connection. */
    private final class Peer {
        private final SocketChannel socket;
        private final ByteBuffer request = ByteBuffer.allocateDirect(FileProtocol.REQUEST_BYTES);
        private ByteBuffer head;
        private FileChannel file;
        private long position;
        private long size;

        Peer(SocketChannel socket) { this.socket = socket; }

        void serve(SelectionKey key) throws IOException {
            if (key.isReadable()) {
                int n = socket.read(request);
                if (n < 0) throw new IOException("the end");
                if (request.hasRemaining()) return;
                int number = request.flip().getInt();
                request.clear();
                begin(number);
            }
            boolean done = send();
            key.interestOps(done ? SelectionKey.OP_READ : SelectionKey.OP_WRITE);
        }

        private void begin(int number) throws IOException {
            if (number == FileProtocol.WATCH) {
                watch.start();
                head = ByteBuffer.wrap(FileProtocol.head(0));
            } else if (number == FileProtocol.REPORT) {
                byte[] report = watch.report();
                head = ByteBuffer.allocate(FileProtocol.HEAD_BYTES + report.length).put(FileProtocol.head(report.length)).put(report).flip();
            } else {
                file = FileChannel.open(FileProtocol.file(folder, number), StandardOpenOption.READ);
                position = 0;
                size = file.size();
                head = ByteBuffer.wrap(FileProtocol.head(size));
            }
        }

        /** Returns whether all has been sent. */
        private boolean send() throws IOException {
            while (head.hasRemaining()) if (socket.write(head) == 0) return false;
            if (file == null) return true;
            while (position < size) {
                long n = how == How.sendfile ? file.transferTo(position, size - position, socket) : copy();
                if (n == 0) return false;
                position += n;
            }
            file.close();
            file = null;
            return true;
        }

        private long copy() throws IOException {
            chunk.clear();
            file.read(chunk, position);
            return socket.write(chunk.flip()); // what it does not take is read again
        }
    }
}
