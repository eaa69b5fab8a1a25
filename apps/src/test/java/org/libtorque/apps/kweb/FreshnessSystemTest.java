package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.libtorque.testkit.Eventually;

/** A request that is sent after a change sees the change: at once, every time, on every vcore, cache or not. */
class FreshnessSystemTest extends KwebFixture {
    private static final int ROUNDS = 300;

    /** Asks both vcores, as far as the kernel's distribution of connections lets us: several connections, in turn. */
    private WireClient[] clients() throws IOException {
        WireClient[] clients = new WireClient[6];
        for (int i = 0; i < clients.length; i++) clients[i] = connect();
        return clients;
    }

    private static void expectAll(WireClient[] clients, String target, int status, String text) throws IOException {
        for (WireClient client : clients) {
            Answer answer = client.get(target).expect(status);
            if (text != null) answer.expect(status, text);
        }
    }

    @Test void rewritingIsSeenAtOnce() throws IOException {
        file("a.txt", "first");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS; i++) {
            file("a.txt", "content " + i);
            expectAll(clients, "/a.txt", 200, "content " + i);
        }
    }

    @Test void appendingIsSeenAtOnce() throws IOException {
        Path file = file("a.txt", "");
        WireClient[] clients = clients();
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < ROUNDS; i++) {
            all.append(i).append('\n');
            Files.writeString(file, i + "\n", StandardOpenOption.APPEND);
            expectAll(clients, "/a.txt", 200, all.toString());
        }
    }

    @Test void renamingOverIsSeenAtOnce() throws IOException {
        Path file = file("sub/a.txt", "first");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS; i++) {
            expectAll(clients, "/sub/a.txt", 200, i == 0 ? "first" : "content " + (i - 1));
            Files.move(Files.writeString(outside.resolve("new"), "content " + i), file, StandardCopyOption.ATOMIC_MOVE);
            expectAll(clients, "/sub/a.txt", 200, "content " + i);
        }
    }

    @Test void deletingAndCreatingAreSeenAtOnce() throws IOException {
        Path file = file("sub/a.txt", "first");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS; i++) {
            expectAll(clients, "/sub/a.txt", 200, null);
            Files.delete(file);
            expectAll(clients, "/sub/a.txt", 404, null);
            file("sub/a.txt", "content " + i);
            expectAll(clients, "/sub/a.txt", 200, "content " + i);
        }
    }

    @Test void renamingDirectoriesIsSeenAtOnce() throws IOException {
        Path directory = root().resolve("top/sub");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS / 3; i++) {
            file("top/sub/deep/a.txt", "content " + i);
            expectAll(clients, "/top/sub/deep/a.txt", 200, "content " + i);
            Files.move(root().resolve("top"), root().resolve("top" + i));
            expectAll(clients, "/top/sub/deep/a.txt", 404, null);
            expectAll(clients, "/top" + i + "/sub/deep/a.txt", 200, "content " + i);
            // A new directory by the old name is another one, and so are those below it.
            file("top/sub/deep/a.txt", "new " + i);
            expectAll(clients, "/top/sub/deep/a.txt", 200, "new " + i);
            file("top/sub/deep/a.txt", "newer " + i);
            expectAll(clients, "/top/sub/deep/a.txt", 200, "newer " + i);
            // And the moved one can still be changed under its new name.
            file("top" + i + "/sub/deep/a.txt", "moved " + i);
            expectAll(clients, "/top" + i + "/sub/deep/a.txt", 200, "moved " + i);
            Files.move(directory, root().resolve("old" + i));
            file("top/sub/deep/a.txt", "newest " + i);
            expectAll(clients, "/top/sub/deep/a.txt", 200, "newest " + i);
        }
    }

    @Test void exchangedDirectoriesAreSeenAtOnce() throws IOException {
        file("a/x/f.txt", "A");
        file("b/x/f.txt", "B");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS / 3; i++) {
            String inA = i % 2 == 0 ? "A" : "B";
            String inB = i % 2 == 0 ? "B" : "A";
            expectAll(clients, "/a/x/f.txt", 200, inA);
            expectAll(clients, "/b/x/f.txt", 200, inB);
            Files.move(root().resolve("a"), root().resolve("c"));
            Files.move(root().resolve("b"), root().resolve("a"));
            Files.move(root().resolve("c"), root().resolve("b"));
        }
    }

    @Test void siblingsThatComeAndGoAreSeenAtOnce() throws IOException {
        file("a.css", "plain");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS / 3; i++) {
            for (WireClient client : clients) {
                Answer answer = client.get("/a.css", "Accept-Encoding: gzip, br").expect(200, "plain");
                assertNull(answer.field("Vary"), answer::toString);
            }
            Path gzip = Files.move(Files.writeString(outside.resolve("new"), "zipped " + i), root().resolve("a.css.gz"), StandardCopyOption.ATOMIC_MOVE);
            for (WireClient client : clients) client.get("/a.css", "Accept-Encoding: gzip, br").expect(200, "zipped " + i);
            Path br = file("a.css.br", "squeezed " + i);
            for (WireClient client : clients) client.get("/a.css", "Accept-Encoding: gzip, br").expect(200, "squeezed " + i);
            Files.delete(br);
            for (WireClient client : clients) client.get("/a.css", "Accept-Encoding: gzip, br").expect(200, "zipped " + i);
            Files.delete(gzip);
        }
    }

    @Test void truncatingIsSeenAtOnce() throws IOException {
        Path file = file("a.txt", "");
        WireClient[] clients = clients();
        for (int i = 0; i < ROUNDS; i++) {
            Files.writeString(file, "0123456789");
            expectAll(clients, "/a.txt", 200, "0123456789");
            try (var channel = java.nio.channels.FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(5);
            }
            expectAll(clients, "/a.txt", 200, "01234");
        }
    }

    /** The same while others keep the server busy, so that a change and the request behind it are found in one harvest among many. */
    @Test void underLoadToo() throws Exception {
        file("a.txt", "first");
        file("b.txt", "other");
        WireClient[] clients = clients();
        AtomicBoolean enough = new AtomicBoolean();
        Thread[] load = new Thread[2];
        for (int t = 0; t < load.length; t++) {
            WireClient own = connect();
            load[t] = Thread.ofPlatform().start(() -> {
                try {
                    String batch = WireClient.request("GET", "/b.txt").repeat(20);
                    while (!enough.get()) {
                        own.send(batch);
                        for (int i = 0; i < 20; i++) own.read().expect(200, "other");
                    }
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
        }
        try {
            for (int i = 0; i < ROUNDS / 3; i++) {
                file("a.txt", "content " + i);
                clients[i % clients.length].get("/a.txt").expect(200, "content " + i);
            }
        } finally {
            enough.set(true);
            for (Thread thread : load) Eventually.awaitEnd(thread);
        }
    }

    /** More changes than the kernel's queue of them holds: they are lost, and what is cached with them. */
    @Test void aFloodOfChangesLosesNone() throws IOException {
        file("a.txt", "first");
        serve("--bench-endpoints", "--cpus", cpu());
        WireClient client = connect();
        WireClient busy = connect();
        client.get("/a.txt").expect(200, "first");
        busy.sendGet("/work?us=600000");
        Path flood = file("flood.txt", "");
        try (var channel = java.nio.channels.FileChannel.open(flood, StandardOpenOption.WRITE)) {
            java.nio.ByteBuffer one = java.nio.ByteBuffer.wrap(new byte[] {'x'});
            for (int i = 0; i < 20_000; i++) {
                channel.write(one.rewind(), 0);
                if (i % 2 == 0) Files.setLastModifiedTime(root().resolve("a.txt"), Files.getLastModifiedTime(flood)); // identical neighbours would be merged
            }
        }
        file("a.txt", "second");
        client.get("/a.txt").expect(200, "second");
        busy.read().expect(200);
    }

    private static String cpu() { return Integer.toString(org.libtorque.hardware.CpuSet.allowed().toArray()[0]); }
}
