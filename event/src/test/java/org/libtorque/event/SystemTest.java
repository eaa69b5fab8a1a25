package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.Parameter;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/**
 * What system tests share: a runtime of the {@link Setup} at hand, which must stop in time and leave no descriptor; and a list of what reached the
 * failure handler, which must be what the test took from it.
 */
@ExtendWith(LeakCheck.class)
abstract class SystemTest {
    static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);

    /** Far above {@link #STOP_LIMIT}: a stop that hangs on somebody who does not come to an end is told from one that a busy machine delays. */
    private static final Duration DRAIN_TIMEOUT = Eventually.scaled(Duration.ofSeconds(150)), STOP_LIMIT = Duration.ofSeconds(60);

    /** The smallest blocks there are. */
    static final int SMALL_BLOCK = 4096;

    @Parameter Setup setup;

    final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private Torque torque;

    /** The JDK opens descriptors of its own with the first sockets. */
    @BeforeAll static void warmUpTheJdk() throws IOException {
        try (var server = new ServerSocket(0); var client = Client.to(server.getLocalSocketAddress()); var accepted = server.accept()) {
            accepted.shutdownOutput();
            client.expectEnd();
        }
    }

    final TorqueOptions options() {
        return TorqueOptions.defaults().withCpus(setup.cpus()).withBackend(setup.backend()).withDrainTimeout(DRAIN_TIMEOUT)
                .withFailureHandler((where, failure) -> failures.add(failure));
    }

    final synchronized Torque torque() {
        if (torque == null) open(options());
        return torque;
    }

    final Torque open(TorqueOptions options) {
        torque = Torque.open(options);
        assertEquals(setup.backend(), torque.backend());
        assertEquals(setup.vcores(), torque.vcores().size());
        return torque;
    }

    /** As {@link #options}, with the smallest blocks, so that little data fills many. */
    final void openWithSmallBlocks(int blocks) { open(options().withBuffers(SMALL_BLOCK, (long) blocks * SMALL_BLOCK)); }

    final Listener serve(ConnectionHandler handler) throws IOException { return torque().listen(ANY_PORT, handler); }

    final Listener serveInOneColour(ConnectionHandler handler) throws IOException {
        return torque().listen(ANY_PORT, ListenOptions.DEFAULT.withColor(torque().newColor()), handler);
    }

    final Listener echo() throws IOException { return serve(c -> c.onRead(Connection::write)); }

    /** Takes the one failure there must be. */
    final Throwable takeFailure() {
        Eventually.await("a failure is reported", () -> !failures.isEmpty());
        assertEquals(1, failures.size(), failures::toString);
        return failures.removeFirst();
    }

    /** Stops the runtime and waits for its end, which must come well before the drain timeout. */
    final void stop() {
        if (torque == null) return;
        long start = System.nanoTime();
        torque.close();
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        torque = null;
        assertTrue(took.compareTo(Eventually.scaled(STOP_LIMIT)) < 0, "stopping took " + took);
    }

    @AfterEach void stopAndLookForFailures() {
        stop();
        assertEquals(List.of(), failures);
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(Eventually.scaled(Eventually.DEFAULT_LIMIT).toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("timed out\n" + Eventually.stacks(), e);
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Runs something on a vcore, under the default colour, and returns what it returns. */
    final <T> T onVcore(java.util.function.Supplier<T> body) {
        var result = new CompletableFuture<T>();
        torque().post(() -> {
            try {
                result.complete(body.get());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return get(result);
    }

    /** Keeps a colour from running until the latch is released, or for five minutes. */
    final CountDownLatch hold(Color color) throws InterruptedException {
        var held = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        torque().post(color, () -> {
            held.countDown();
            try {
                release.await(5 * Eventually.limitSeconds(), TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        held.await();
        return release;
    }

    /** Runs something under a connection's colour, and returns what it returns. */
    static <T> T on(Connection connection, java.util.function.Supplier<T> body) {
        var result = new CompletableFuture<T>();
        connection.execute(() -> {
            try {
                result.complete(body.get());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return get(result);
    }

    static Thread start(String name, Body body, List<Throwable> thrown) {
        return Thread.ofPlatform().name(name).start(() -> {
            try {
                body.run();
            } catch (Throwable t) {
                thrown.add(t);
            }
        });
    }

    interface Body {
        void run() throws Exception;
    }

    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    static byte[] ascii(String text) { return text.getBytes(StandardCharsets.US_ASCII); }

    static Vcore current() { return Vcore.current(); }
}
