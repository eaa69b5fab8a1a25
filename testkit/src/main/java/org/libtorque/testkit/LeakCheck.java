package org.libtorque.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test that leaves descriptors open: {@code @ExtendWith(LeakCheck.class)}. Compares {@code /proc/self/fd}
 * before and after each test, {@code @BeforeEach} and {@code @AfterEach} methods included, and names what is left.
 *
 * <p>A descriptor that another thread is about to close gets {@link Eventually#DEFAULT_LIMIT} to disappear. Files that the JVM opens when it
 * pleases (jars, its module image, shared libraries, random devices, what it reads of /proc and /sys) do not count.
 * The JDK's own selectors and pollers look like anybody's: a test that makes the JDK create them does so once in
 * {@code @BeforeAll}. Tests that run beside each other in one JVM see each other's descriptors.
 */
public final class LeakCheck implements BeforeEachCallback, AfterEachCallback {
    private static final Pattern OF_THE_JVM = Pattern.compile(
            ".*\\.(jar|jmod|jsa|class|so(\\.[0-9.]+)?)( \\(deleted\\))?|.*/lib/modules|/dev/u?random|/(proc|sys)/.*"
                    + "|/tmp/hsperfdata.*");
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(LeakCheck.class);

    /** For JUnit. */
    public LeakCheck() {}

    @Override public void beforeEach(ExtensionContext context) {
        context.getStore(NAMESPACE).put("before", openDescriptors());
    }

    @Override public void afterEach(ExtensionContext context) {
        @SuppressWarnings("unchecked")
        var before = (Map<Integer, String>) context.getStore(NAMESPACE).remove("before", Map.class);
        Eventually.await(() -> "no descriptors are left open: " + openedSince(before), Eventually.DEFAULT_LIMIT, () -> openedSince(before).isEmpty());
    }

    /**
     * Has the JDK open what it keeps open for sockets: some descriptors come with the first ones, others with the first virtual thread that waits for one. For {@code @BeforeAll}.
     *
     * @throws UncheckedIOException if there are no sockets to be had
     */
    public static void openTheJdksOwnDescriptors() {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress()); var client = new Socket(server.getInetAddress(), server.getLocalPort());
                var accepted = server.accept()) {
            client.setSoTimeout(1);
            waitFor(client);
            client.setSoTimeout(0); // or it might find its time over, and not wait
            Thread reader = Thread.ofVirtual().start(() -> waitFor(client));
            Eventually.await("a virtual thread waits", () -> reader.getState() == Thread.State.WAITING);
            accepted.shutdownOutput();
            reader.join();
        } catch (IOException e) {
            throw new UncheckedIOException("a pair of sockets", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting", e);
        }
    }

    private static void waitFor(Socket socket) {
        try {
            socket.getInputStream().read();
        } catch (SocketTimeoutException expected) {
            return;
        } catch (IOException e) {
            throw new UncheckedIOException("reading", e);
        }
    }

    /** Returns the process's open descriptors with what they refer to, those of the JVM's own files left out. */
    public static Map<Integer, String> openDescriptors() {
        var open = new TreeMap<Integer, String>();
        try (DirectoryStream<Path> links = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : links) {
                try {
                    String target = Files.readSymbolicLink(link).toString();
                    if (!OF_THE_JVM.matcher(target).matches()) {
                        open.put(Integer.valueOf(link.getFileName().toString()), target);
                    }
                } catch (NoSuchFileException e) {
                    continue; // closed since it was listed
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("/proc/self/fd", e);
        }
        return open;
    }

    /** Returns the open descriptors that were not open, or referred to something else, when {@code before} was made. */
    static Map<Integer, String> openedSince(Map<Integer, String> before) {
        Map<Integer, String> now = openDescriptors();
        now.entrySet().removeIf(entry -> entry.getValue().equals(before.get(entry.getKey())));
        return now;
    }
}
