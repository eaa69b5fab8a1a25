package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

/** Not one byte of the Java heap per request in steady state, by the JVM's counters of the vcores' threads. */
class KwebAllocationTest extends KwebFixture {
    private static final int BATCH = 1000;

    /** Serial: one request at a time. Pipelined: so many in one write. */
    @ParameterizedTest @CsvSource({
        "/plaintext, 1, ''", "/plaintext, 50, ''", "/json, 50, ''", "/, 1, ''", "/, 50, ''", "/page.html, 50, ''",
        "/page.html, 50, Accept-Encoding: gzip", "/page.html, 50, If-None-Match: *", "/page.html, 50, Range: bytes=1-2", "/page.html, 50, 'Range: bytes=0-1,200-'",
        "/page.html, 50, Connection: keep-alive", "/medium.bin, 2, ''"})
    void answeringAllocatesNothing(String target, int depth, String field) throws IOException {
        old(file("index.html", ""));
        old(file("page.html", "<p>" + "hello ".repeat(100)));
        old(file("page.html.gz", "zipped"));
        old(file("medium.bin", "0123456789".repeat(10_000)));
        serve("--cpus", Integer.toString(org.libtorque.hardware.CpuSet.allowed().toArray()[0]));
        WireClient client = connect();
        String request = field.isEmpty() ? WireClient.request("GET", target) : WireClient.request("GET", target, field);
        Answer first = client.send(request).read();
        int length = length(client, request);
        byte[] batch = request.repeat(depth).getBytes(StandardCharsets.ISO_8859_1);
        byte[] answers = new byte[depth * length];
        InputStream in = client.socket().getInputStream();
        OutputStream out = client.socket().getOutputStream();
        long least = Long.MAX_VALUE;
        // A batch without any is enough: what every request, or every so many, allocates spoils all of them. An entry of the cache is read anew after some
        // seconds, which allocates. How long compilers get is spent only if the test fails: what each call allocates for its errno goes away only with the last of them.
        long start = System.nanoTime();
        while (least > 0 && System.nanoTime() - start < Eventually.scaled(AllocationProbe.LIMIT).toNanos()) {
            Map<Thread, Long> before = allocatedByVcores();
            for (int i = 0; i < BATCH; i += depth) {
                out.write(batch);
                assertEquals(answers.length, in.readNBytes(answers, 0, answers.length));
            }
            Map<Thread, Long> after = allocatedByVcores();
            if (!after.keySet().equals(before.keySet())) continue;
            least = Math.min(least, after.entrySet().stream().mapToLong(entry -> entry.getValue() - before.get(entry.getKey())).sum());
        }
        assertEquals(0, least, first + ": bytes in " + BATCH + " requests");
    }

    /** Returns the length of an answer in bytes, head included. */
    private static int length(WireClient client, String request) throws IOException {
        Answer answer = client.send(request).read();
        int length = ("HTTP/1.1 " + answer.status() + " " + answer.reason()).length() + 2;
        for (String line : answer.fields()) length += line.length() + 2;
        return length + 2 + answer.body().length;
    }

    /** One thread, and where uthreads serve, those of vcores that stand in for it when a busy machine has it overstay. */
    private static Map<Thread, Long> allocatedByVcores() {
        Map<Thread, Long> bytes = new HashMap<>();
        Thread[] threads = new Thread[1000];
        for (Thread thread : Arrays.copyOf(threads, Thread.enumerate(threads))) {
            if (!thread.getName().startsWith("torque-vcore-")) continue;
            try {
                bytes.put(thread, AllocationProbe.allocatedBytes(thread));
            } catch (IllegalArgumentException ended) {
                continue; // since it was listed
            }
        }
        assertFalse(bytes.isEmpty());
        return bytes;
    }
}
