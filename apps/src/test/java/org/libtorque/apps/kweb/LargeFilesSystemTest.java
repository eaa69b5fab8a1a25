package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.StallMeter;

/** Files that go from the page cache to the socket: all bytes arrive, whatever the client does, and nothing is left behind. */
class LargeFilesSystemTest extends KwebFixture {
    private static final int SIZE = 24_000_000;

    private Path large() throws IOException {
        byte[] bytes = new byte[SIZE];
        new Random(42).nextBytes(bytes);
        return Files.write(root().resolve("large.bin"), bytes);
    }

    @Test void everyByteArrives() throws Exception {
        Path file = large();
        byte[] wanted = Files.readAllBytes(file);
        WireClient client = connect();
        assertArrayEquals(wanted, client.get("/large.bin").expect(200).body());
        assertArrayEquals(wanted, client.get("/large.bin").expect(200).body());
        WireClient slow = connect(8 * 1024);
        slow.sendGet("/large.bin", "Range: bytes=0-999999", "Connection: close");
        Thread.sleep(100);
        byte[] part = slow.read().expect(206).body();
        assertArrayEquals(java.util.Arrays.copyOf(wanted, 1_000_000), part);
        slow.assertClosed();
    }

    @Test void rangesOfItArriveToo() throws IOException {
        byte[] wanted = Files.readAllBytes(large());
        WireClient client = connect();
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            int from = random.nextInt(SIZE);
            int to = Math.min(SIZE - 1, from + random.nextInt(500_000));
            byte[] part = client.get("/large.bin", "Range: bytes=" + from + "-" + to).expect(206).body();
            assertArrayEquals(java.util.Arrays.copyOfRange(wanted, from, to + 1), part);
        }
    }

    @Test void manyClientsAtOnceGetAllOfIt() throws IOException {
        byte[] wanted = Files.readAllBytes(large());
        WireClient[] clients = new WireClient[8];
        for (int i = 0; i < clients.length; i++) clients[i] = connect().sendGet("/large.bin", "Range: bytes=" + i + "-2000000");
        for (int i = 0; i < clients.length; i++) assertArrayEquals(java.util.Arrays.copyOfRange(wanted, i, 2_000_001), clients[i].read().expect(206).body());
    }

    /** LeakCheck looks at the end; this looks while the server goes on. */
    @Test void clientsThatGoHalfWayLeaveNoDescriptor() throws IOException {
        large();
        WireClient steady = connect();
        steady.assertOpen();
        long before = openFiles();
        for (int i = 0; i < 40; i++) {
            WireClient client = connect(8 * 1024);
            client.sendGet("/large.bin", i % 3 == 0 ? "Range: bytes=100-200000,300000-400000,9000000-20000000" : "A: b");
            client.bytes(10_000);
            if (i % 2 == 0) client.reset();
            else client.close();
        }
        Eventually.await(() -> "descriptors are given back: " + LeakCheck.openDescriptors(), Eventually.DEFAULT_LIMIT, () -> openFiles() == before);
        steady.assertOpen();
    }

    private static long openFiles() { return open("large.bin") + open("socket:"); }

    /** The client was promised more: it must see an end that is none of an answer. */
    @Test void aFileThatShrinksEndsItsConnectionAndNoOther() throws IOException {
        Path file = large();
        WireClient other = connect();
        WireClient client = connect(8 * 1024);
        client.sendGet("/large.bin");
        client.bytes(10_000);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(SIZE / 2);
        }
        byte[] rest = client.rest();
        assertTrue(rest.length < SIZE, rest.length + " bytes");
        other.assertOpen();
        assertEquals(SIZE / 2, other.get("/large.bin").expect(200).body().length);
    }

    @Test void aFileThatIsReplacedWhileItIsSentArrivesAsItWas() throws IOException {
        Path file = large();
        byte[] wanted = Files.readAllBytes(file);
        WireClient client = connect(8 * 1024);
        client.sendGet("/large.bin");
        while (client.socket().getInputStream().available() == 0) Thread.onSpinWait(); // it is under way
        Files.delete(file);
        file("large.bin", "another");
        assertArrayEquals(wanted, client.read().expect(200).body());
        client.get("/large.bin").expect(200, "another");
    }

    @Test void whoNeverReadsIsCutOff() throws Exception {
        large();
        serve("--progress-timeout", "300ms");
        WireClient client = connect(8 * 1024);
        client.assertOpen();
        long sockets = open("socket:"); // of both sides
        client.sendGet("/large.bin");
        Eventually.await("it is cut off", () -> open("socket:") == sockets - 1);
        assertThrows(IOException.class, () -> {
            client.read(); // what the kernels hold between them, and then a reset or an end
        });
        connect().assertOpen();
    }

    /** Slow, but not stuck: more than the least progress is made in each period. */
    @Test void whoReadsSlowlyIsNotCutOff() throws Exception {
        large();
        StallMeter.retryIfStalled(Duration.ofMillis(300), () -> {
            serve("--progress-timeout", "1s");
            WireClient client = connect(8 * 1024);
            client.sendGet("/large.bin", "Range: bytes=0-5999999");
            for (int i = 0; i < 30; i++) { // the kernel has no room for more for longer than a period
                Thread.sleep(100);
                client.bytes(100_000);
            }
            client.bytes(3_000_000);
        }, this::stop);
    }
}
