package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.CpuSet;
import org.libtorque.apps.cli.ServeMode;
import org.libtorque.testkit.Eventually;
import org.libtorque.thread.Uthreads;

/** Answers that need other colours and much time ({@code /hash}), and those that need much time at once ({@code /cipher}). */
class HashSystemTest extends KwebFixture {
    /** Some seconds where nothing is stopped; no test waits for its end. */
    private static final String ENDLESS = "/hash/endless?rounds=" + HashHandler.MAX_ROUNDS;
    /** Takes long enough for anything that is to happen meanwhile. */
    private static final int LONG = 3_000_000;

    private void serveOn(int vcores, String... options) throws IOException { serve(options(vcores, options)); }

    private static String[] options(int vcores, String... more) {
        int[] allowed = CpuSet.allowed().toArray();
        assumeTrue(allowed.length >= vcores, "needs " + vcores + " usable CPUs");
        List<String> all = new ArrayList<>(List.of("--bench-endpoints", "--cpus", CpuSet.of(Arrays.copyOf(allowed, vcores)).toString()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static String hash(String path, int rounds) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] value = path.getBytes(ISO_8859_1);
            for (int i = 0; i < rounds; i++) value = sha256.digest(value);
            return HexFormat.of().formatHex(value) + "\n";
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private long stat(String name) throws IOException { return stat(server().address(), name); }

    private static long stat(InetSocketAddress server, String name) throws IOException {
        try (WireClient client = WireClient.to(server)) {
            String stats = client.get("/stats").expect(200).text();
            Matcher number = Pattern.compile("\"" + name + "\":(\\d+)").matcher(stats);
            assertTrue(number.find(), stats);
            return Long.parseLong(number.group(1));
        }
    }

    private long statUnchecked(String name) { return statUnchecked(server().address(), name); }

    private static long statUnchecked(InetSocketAddress server, String name) {
        try {
            return stat(server, name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void assertCounts(long hits, long misses, long entries) throws IOException {
        awaitStat(server().address(), "hash_entries", entries); // an answer does not wait until it is stored
        assertEquals(List.of(hits, misses, entries), List.of(stat("hash_hits"), stat("hash_misses"), stat("hash_entries")));
    }

    /** Waits until so many requests have been looked up in vain, and are being computed. */
    private void awaitMisses(long misses) { awaitMisses(server().address(), misses); }

    private static void awaitMisses(InetSocketAddress server, long misses) { awaitStat(server, "hash_misses", misses); }

    private static void awaitStat(InetSocketAddress server, String name, long value) {
        Eventually.await(name + " is " + value, () -> statUnchecked(server, name) == value);
    }

    // ---- answers

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void theAnswerIsThePathHashedSoOften(int vcores) throws IOException {
        serveOn(vcores);
        WireClient client = connect();
        Answer answer = client.get("/hash/a%20b?rounds=3").expect(200, hash("/hash/a%20b", 3));
        assertEquals("text/plain", answer.field("Content-Type"));
        client.get("/hash/").expect(200, hash("/hash/", 1));
        client.get("/hash/x?rounds=5000&more=1").expect(200, hash("/hash/x", 5000));
        client.get("/hash/x?rounds=-1").expect(200, hash("/hash/x", 1));
        assertEquals("65", client.head("/hash/y?rounds=3").expect(200).field("Content-Length"));
        client.get("/hash/y?rounds=3").expect(200, hash("/hash/y", 3));
        client.get("/hash").expect(404);
        client.send("GET /hash/old?rounds=2 HTTP/1.0\r\n\r\n").read().expect(200, hash("/hash/old", 2));
        client.assertClosed();
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void hitsAndMissesAreCounted(int vcores) throws IOException {
        serveOn(vcores);
        WireClient client = connect();
        for (int i = 0; i < 3; i++) client.get("/hash/a?rounds=10").expect(200, hash("/hash/a", 10));
        assertCounts(2, 1, 1);
        client.get("/hash/a?rounds=11").expect(200, hash("/hash/a", 11));
        connect().get("/hash/a?rounds=10").expect(200, hash("/hash/a", 10));
        assertCounts(3, 2, 2);
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void theCacheKeepsOnlySoMuch(int vcores) throws IOException {
        serveOn(vcores);
        WireClient client = connect();
        int count = 2 * HashHandler.ENTRIES, batch = 64;
        for (int i = 0; i < count; i += batch) {
            StringBuilder requests = new StringBuilder();
            for (int k = 0; k < batch; k++) requests.append(WireClient.request("GET", "/hash/" + (i + k)));
            client.send(requests.toString());
            for (int k = 0; k < batch; k++) client.read().expect(200, hash("/hash/" + (i + k), 1));
        }
        assertEquals(count, stat("hash_misses"));
        // an answer does not wait for that
        Eventually.await("all are stored, or have been", () -> statUnchecked("hash_entries") + statUnchecked("hash_evictions") == count);
        long entries = stat("hash_entries");
        assertTrue(entries <= HashHandler.ENTRIES && entries > HashHandler.ENTRIES * 9 / 10, entries + " entries");
    }

    @Test void itNeedsTheOptionForBenchmarks() throws IOException {
        WireClient client = connect();
        client.get("/hash/a").expect(404);
        client.get("/cipher?kb=1").expect(404);
    }

    // ---- what comes behind

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void pipelinedRequestsAreAnsweredInOrder(int vcores) throws IOException {
        serveOn(vcores);
        for (int piece : new int[] {1_000_000, 50, 7}) {
            WireClient client = connect();
            StringBuilder requests = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                requests.append(WireClient.request("GET", "/hash/slow" + i + "?rounds=2000"));
                requests.append(WireClient.request("GET", "/plaintext"));
                requests.append(WireClient.request("GET", "/hash/fast"));
                requests.append(WireClient.request("POST", "/x", "Content-Length: 3")).append("abc");
                requests.append(WireClient.request("GET", "/hash/body", "Content-Length: 3")).append("abc");
                requests.append(WireClient.request("GET", "/cipher?kb=1"));
            }
            Thread sender = Thread.ofPlatform().start(() -> {
                try {
                    client.sendSplit(requests.toString(), piece);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            for (int i = 0; i < 20; i++) {
                client.read().expect(200, hash("/hash/slow" + i, 2000));
                client.read().expect(200, "Hello, World!");
                client.read().expect(200, hash("/hash/fast", 1));
                client.read().expect(405);
                client.read().expect(200, hash("/hash/body", 1));
                assertTrue(client.read().expect(200).text().startsWith("{\"kb\":1,"));
            }
            Eventually.awaitEnd(sender);
        }
    }

    /** Many times what is kept of what a read handler leaves: the rest must wait in the kernel. */
    @ParameterizedTest @ValueSource(ints = {1, 2})
    void aPeerThatSendsMuchBehindIsMadeToWait(int vcores) throws Exception {
        serveOn(vcores);
        WireClient client = connect();
        int behind = 5000;
        Thread sender = Thread.ofPlatform().start(() -> {
            try {
                client.sendGet("/hash/long?rounds=" + LONG / 10);
                for (int i = 0; i < behind; i += 100) client.send(WireClient.request("GET", "/plaintext").repeat(100));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        client.read().expect(200, hash("/hash/long", LONG / 10));
        for (int i = 0; i < behind; i++) client.read().expect(200, "Hello, World!");
        Eventually.awaitEnd(sender);
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void aPeerThatHasSentItsLastStillGetsItsAnswers(int vcores) throws IOException {
        serveOn(vcores);
        WireClient alone = connect().sendGet("/hash/alone?rounds=300000");
        alone.socket().shutdownOutput();
        WireClient pipelined = connect().send(WireClient.request("GET", "/hash/first?rounds=300000") + WireClient.request("GET", "/hash/second")
                + WireClient.request("GET", "/plaintext"));
        pipelined.socket().shutdownOutput();
        Answer answer = alone.read().expect(200, hash("/hash/alone", 300_000));
        // A uthread that waits for an answer does not look at what the peer does meanwhile.
        if (mode != ServeMode.THREAD) assertTrue(answer.closes(), answer::toString);
        alone.assertClosed();
        pipelined.read().expect(200, hash("/hash/first", 300_000));
        pipelined.read().expect(200, hash("/hash/second", 1));
        pipelined.read().expect(200, "Hello, World!");
        pipelined.assertClosed();
    }

    // ---- many at once

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void everyClientGetsItsOwnAnswers(int vcores) throws Exception {
        serveOn(vcores);
        int clients = 8, each = 300, paths = 60;
        String[] expected = new String[paths];
        for (int i = 0; i < paths; i++) expected[i] = hash("/hash/" + i, 1 + i * 20);
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            WireClient client = connect();
            var random = new SplittableRandom(i);
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    for (int k = 0; k < each; ) {
                        int[] wanted = random.ints(1 + random.nextInt(8), 0, paths).toArray();
                        StringBuilder requests = new StringBuilder();
                        for (int path : wanted) requests.append(WireClient.request("GET", "/hash/" + path + "?rounds=" + (1 + path * 20)));
                        client.send(requests.toString());
                        for (int path : wanted) client.read().expect(200, expected[path]);
                        k += wanted.length;
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        if (!failures.isEmpty()) throw new AssertionError(failures.size() + " failures", failures.getFirst());
        long hits = stat("hash_hits"), misses = stat("hash_misses");
        assertEquals(paths, stat("hash_entries"));
        assertTrue(misses >= paths && misses <= paths * clients, misses + " misses");
        assertTrue(hits + misses >= clients * each, hits + " hits, " + misses + " misses");
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void othersAreServedMeanwhile(int vcores) throws IOException {
        serveOn(vcores);
        WireClient slow = connect().sendGet(ENDLESS);
        for (int i = 0; i < 4; i++) {
            connect().assertOpen(); // on each vcore
            connect().get("/hash/quick?rounds=1000").expect(200, hash("/hash/quick", 1000));
        }
        assertEquals(1, stat("hash_entries"), "the first is not ready yet, or this shows nothing");
        slow.reset();
    }

    /** In modes event and thread what waits goes on under a vcore that stands in for the one that is kept. */
    @Test void answersComeThoughAThreadKeepsTheVcore() throws IOException {
        file("small.txt", "small");
        serveOn(1);
        WireClient client = connect();
        int rounds = LONG / 5;
        for (int i = 0; i < 4; i++) {
            client.send(WireClient.request("GET", "/hash/" + i + "?rounds=" + rounds) + WireClient.request("GET", "/plaintext") + WireClient.request("GET", "/small.txt")
                    + WireClient.request("GET", "/cipher?kb=1"));
            awaitMisses(i + 1);
            server().torque().spawn(() -> {
                long end = System.nanoTime() + 200_000_000;
                while (System.nanoTime() - end < 0) Thread.onSpinWait();
            });
            client.read().expect(200, hash("/hash/" + i, rounds));
            client.read().expect(200, "Hello, World!");
            client.read().expect(200, "small");
            assertTrue(client.read().expect(200).text().startsWith("{\"kb\":1,"));
        }
        if (mode == ServeMode.THREAD) assertTrue(Uthreads.of(server().torque()).compensations() > 0, "somebody has stood in, or this shows nothing");
    }

    // ---- the end

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void whoResetsIsNotComputedFor(int vcores) throws IOException {
        serveOn(vcores);
        connect().assertOpen();
        long before = open("socket:");
        for (String behind : new String[] {"", WireClient.request("GET", "/plaintext")}) {
            List<WireClient> clients = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                WireClient client = WireClient.to(server().address());
                client.send(WireClient.request("GET", ENDLESS) + behind);
                clients.add(client);
            }
            long misses = behind.isEmpty() ? 4 : 8;
            awaitMisses(misses);
            for (WireClient client : clients) client.reset();
            Eventually.await("their descriptors are given back", () -> open("socket:") == before);
        }
        assertCounts(0, 8, 0);
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void stoppingWaitsForTheAnswers(int vcores) throws Exception {
        int rounds = LONG / 3;
        for (; !stopsWhileItComputes(vcores, rounds); rounds *= 2) { // a busy machine may have taken the time from the requests to the stop
            stop();
            assertTrue(2 * rounds <= HashHandler.MAX_ROUNDS, "answers do not say that the connection ends, however long they take");
        }
    }

    /** Returns false if an answer was ready before its connection was asked to end, which then shows nothing. */
    private boolean stopsWhileItComputes(int vcores, int rounds) throws Exception {
        serveOn(vcores, "--drain-timeout", "60s");
        List<WireClient> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) clients.add(connect().sendGet("/hash/" + i + "?rounds=" + rounds));
        WireClient pipelined = connect().send(WireClient.request("GET", "/hash/3?rounds=" + rounds) + WireClient.request("GET", "/hash/4?rounds=10"));
        // In mode kweb requests of one connection are in progress together: the short one is ready, and waits for its turn to be answered.
        int ready = mode == ServeMode.KWEB ? 1 : 0;
        Eventually.await("all are looked up, and the short one is ready", () -> statUnchecked("hash_misses") >= 4 + ready && statUnchecked("hash_entries") >= ready);
        if (stat("hash_misses") > 4 + ready || stat("hash_entries") > ready) return false;
        CompletableFuture<Void> closed = CompletableFuture.runAsync(server()::close);
        boolean allWaited = true;
        for (int i = 0; i < clients.size(); i++) {
            Answer answer = clients.get(i).read().expect(200, hash("/hash/" + i, rounds));
            allWaited &= answer.closes();
            clients.get(i).assertClosed();
        }
        Answer first = pipelined.read().expect(200, hash("/hash/3", rounds));
        assertFalse(first.closes(), first::toString);
        Answer last = pipelined.read().expect(200, hash("/hash/4", 10));
        allWaited &= last.closes();
        pipelined.assertClosed();
        closed.get(Eventually.limitSeconds(), TimeUnit.SECONDS);
        return allWaited;
    }

    /** In a process of its own, whose log can be read: what comes too late must not be taken for a failure. */
    @ParameterizedTest @ValueSource(ints = {1, 2})
    void stoppingCutsOffWhatTakesTooLong(int vcores) throws Exception {
        try (ServerProcess server = ServerProcess.start(options(vcores, "--backend", backend.name().toLowerCase(Locale.ROOT), "--drain-timeout", "300ms"))) {
            List<WireClient> waiting = new ArrayList<>();
            for (int i = 0; i < 4; i++) waiting.add(server.connect().sendGet(ENDLESS + i));
            awaitMisses(server.address(), 4);
            long start = System.nanoTime();
            server.stop();
            long took = System.nanoTime() - start;
            assertTrue(took >= 250_000_000L, took + " ns");
            for (WireClient client : waiting) {
                assertEquals(0, client.rest().length);
                client.close();
            }
            assertFalse(server.process().stderr().stream().anyMatch(line -> line.matches(".*callback of .* failed.*|SEVERE.*")), server::toString);
        }
    }

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void waitingIsNotIdling(int vcores) throws IOException {
        serveOn(vcores, "--idle-timeout", "100ms");
        WireClient client;
        String path;
        long start;
        int attempt = 0;
        do { // a busy machine may have taken the time between connecting and asking: that was idling
            path = "/hash/long" + attempt++;
            start = System.nanoTime();
            client = connect().sendGet(path + "?rounds=" + 2 * LONG);
        } while (System.nanoTime() - start > 50_000_000);
        start = System.nanoTime();
        client.read().expect(200, hash(path, 2 * LONG));
        assertTrue(System.nanoTime() - start > 150_000_000, "it has taken longer than the timeout, or this shows nothing");
        client.assertClosed(); // now it is idle
    }

    // ---- encryption

    @ParameterizedTest @ValueSource(ints = {1, 2})
    void theTagIsThatOfSoManyZeros(int vcores) throws Exception {
        serveOn(vcores);
        var nonces = new HashSet<String>();
        for (int i = 0; i < 3; i++) {
            WireClient client = connect();
            for (int kib : new int[] {1, 16, 17, 100, CipherHandler.MAX_KIB}) {
                Answer answer = client.get("/cipher?kb=" + kib).expect(200);
                assertEquals("application/json", answer.field("Content-Type"));
                Matcher parts = Pattern.compile("\\{\"kb\":(\\d+),\"nonce\":\"(\\p{XDigit}{24})\",\"tag\":\"(\\p{XDigit}{32})\"}\n").matcher(answer.text());
                assertTrue(parts.matches(), answer::toString);
                assertEquals(kib, Integer.parseInt(parts.group(1)));
                assertTrue(nonces.add(parts.group(2)), "the same nonce again: " + answer);
                Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
                cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(CipherHandler.KEY, "AES"), new GCMParameterSpec(128, HexFormat.of().parseHex(parts.group(2))));
                byte[] text = cipher.doFinal(new byte[kib * 1024]);
                assertEquals(HexFormat.of().formatHex(text, text.length - 16, text.length), parts.group(3));
            }
        }
        assertTrue(connect().get("/cipher?kb=99999999").text().startsWith("{\"kb\":1024,"));
        assertTrue(connect().get("/cipher").text().startsWith("{\"kb\":1,"));
        assertNull(connect().head("/cipher?kb=3").expect(200).field("Connection"));
    }
}
