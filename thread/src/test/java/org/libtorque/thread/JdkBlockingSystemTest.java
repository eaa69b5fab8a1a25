package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;

/** The JDK's own blocking calls in uthreads: they work, and while one that can wait does, the one vcore runs others. */
class JdkBlockingSystemTest {
    @TempDir Path folder;

    /** Runs a call that has to wait, and what ends the wait only when the vcore has been seen to run a callback meanwhile. */
    private static <T> T waiting(Runtimes.Body<T> call, Runtimes.Body<?> ending) throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            CompletableFuture<T> result = new CompletableFuture<>();
            Thread thread = torque.spawn(() -> {
                try {
                    result.complete(call.run());
                } catch (Throwable e) {
                    result.completeExceptionally(e);
                }
            });
            Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING
                    || result.isDone()); // a sleep that was over before this thread had the CPU again
            CompletableFuture<Boolean> callback = new CompletableFuture<>();
            torque.post(() -> callback.complete(true));
            assertTrue(callback.get(Eventually.limitSeconds(), TimeUnit.SECONDS), "the vcore is held");
            ending.run();
            return result.get(Eventually.limitSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test void socketsOfJavaNetWaitWithoutTheVcore() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress()); Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                Socket accepted = server.accept()) {
            InputStream in = client.getInputStream();
            assertEquals(Integer.valueOf(7), waiting(in::read, () -> {
                accepted.getOutputStream().write(7);
                return null;
            }));
            Socket[] second = new Socket[1];
            try (Socket late = waiting(server::accept, () -> second[0] = new Socket(server.getInetAddress(), server.getLocalPort()))) {
                assertEquals(second[0].getLocalPort(), late.getPort());
            } finally {
                second[0].close();
            }
        }
    }

    @Test void channelsOfJavaNioWaitWithoutTheVcore() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            try (SocketChannel client = SocketChannel.open(server.getLocalAddress()); SocketChannel accepted = server.accept()) {
                ByteBuffer buffer = ByteBuffer.allocate(10);
                assertEquals(Integer.valueOf(3), waiting(() -> client.read(buffer), () -> accepted.write(ByteBuffer.wrap(new byte[] {1, 2, 3}))));
                assertArrayEquals(new byte[] {1, 2, 3}, Arrays.copyOf(buffer.array(), 3));
            }
        }
        Pipe pipe = Pipe.open();
        ByteBuffer one = ByteBuffer.allocate(1);
        assertEquals(Integer.valueOf(1), waiting(() -> pipe.source().read(one), () -> pipe.sink().write(ByteBuffer.wrap(new byte[1]))));
        pipe.source().close();
        pipe.sink().close();
    }

    @Test void sleepingAndQueuesWaitWithoutTheVcore() throws Exception {
        long start = System.nanoTime();
        waiting(() -> {
            Thread.sleep(1_000);
            return null;
        }, () -> null);
        assertTrue(System.nanoTime() - start >= 1_000_000_000);
        var queue = new SynchronousQueue<String>();
        assertEquals("handed over", waiting(queue::take, () -> queue.offer("handed over", Eventually.limitSeconds(), TimeUnit.SECONDS)));
        Object monitor = new Object();
        boolean[] set = new boolean[1];
        waiting(() -> {
            synchronized (monitor) {
                while (!set[0]) monitor.wait();
            }
            return null;
        }, () -> {
            synchronized (monitor) {
                set[0] = true;
                monitor.notifyAll();
            }
            return null;
        });
    }

    @Test void processesAreWaitedForWithoutTheVcore() throws Exception {
        Process cat = new ProcessBuilder("cat").start();
        try {
            assertEquals(Integer.valueOf(0), waiting(cat::waitFor, () -> {
                cat.getOutputStream().close();
                return null;
            }));
        } finally {
            cat.destroyForcibly();
        }
    }

    @Test void filesAndPipesOfProcessesWork() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Runtimes.on(torque, () -> {
                Path file = folder.resolve("f");
                Files.writeString(file, "text");
                assertEquals("text", Files.readString(file));
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                    channel.write(ByteBuffer.wrap(new byte[] {'n'}), 0);
                    channel.force(true);
                    ByteBuffer buffer = ByteBuffer.allocate(4);
                    assertEquals(4, channel.read(buffer, 0));
                }
                assertEquals("next", Files.readString(file));
                Process cat = new ProcessBuilder("cat").start();
                try (OutputStream out = cat.getOutputStream()) {
                    out.write("through a pipe".getBytes());
                }
                assertEquals("through a pipe", new String(cat.getInputStream().readAllBytes()));
                assertEquals(0, cat.waitFor());
                assertSame(Uthread.current().thread(), Thread.currentThread(), "it is still a uthread");
                return null;
            });
        }
    }
}
