package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Files that are on disk when they are asked for: the answers are those that they would be, however they have to wait. */
class ColdFilesSystemTest extends KwebFixture {
    private final Random random = new Random(7);

    /** Writes a file that is not in memory. */
    private byte[] cold(String name, int size) throws Exception {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        Path path = root().resolve(name);
        Files.createDirectories(path.getParent());
        Files.write(path, bytes);
        evict(path);
        return bytes;
    }

    private static void evict(Path path) throws IOException, InterruptedException {
        Process sync = new ProcessBuilder("sync", path.toString()).inheritIO().start();
        assertEquals(0, sync.waitFor());
        Process drop = new ProcessBuilder("dd", "if=" + path, "iflag=nocache", "count=0", "status=none").inheritIO().start(); // posix_fadvise(DONTNEED)
        assertEquals(0, drop.waitFor());
    }

    @Test void coldFilesOfAllSizesArrive() throws Exception {
        root();
        for (int size : new int[] {0, 1, 1_000, 70_000, 300_000, 5_000_000}) {
            byte[] bytes = cold("dir/f" + size, size);
            WireClient client = connect();
            assertArrayEquals(bytes, client.get("/dir/f" + size).expect(200).body());
            evict(root().resolve("dir/f" + size));
            assertArrayEquals(bytes, client.get("/dir/f" + size).expect(200).body());
        }
    }

    @Test void whatIsAskedForMeanwhileIsAnsweredInOrder() throws Exception {
        root();
        byte[] a = cold("a", 3_000);
        byte[] b = cold("b", 2_000_000);
        byte[] c = cold("c", 100);
        WireClient client = connect();
        client.sendGet("/a").sendGet("/missing").sendGet("/b", "Range: bytes=5-").sendGet("/json").sendGet("/c", "Connection: close");
        assertArrayEquals(a, client.read().expect(200).body());
        client.read().expect(404);
        assertArrayEquals(java.util.Arrays.copyOfRange(b, 5, b.length), client.read().expect(206).body());
        client.read().expect(200);
        assertArrayEquals(c, client.read().expect(200).body());
        client.assertClosed();
    }

    @Test void preCompressedSiblingsOnDiskAreChosen() throws Exception {
        root();
        cold("page.html", 50_000);
        byte[] zipped = cold("page.html.gz", 5_000);
        WireClient client = connect();
        Answer answer = client.get("/page.html", "Accept-Encoding: gzip").expect(200);
        assertArrayEquals(zipped, answer.body());
    }

    @Test void aClientThatGoesMeanwhileLeavesNothing() throws Exception {
        root();
        for (int i = 0; i < 30; i++) {
            cold("f" + i, 400_000);
            WireClient client = connect();
            client.sendGet("/f" + i);
            if (i % 2 == 0) client.reset();
            else client.close();
        }
        WireClient steady = connect();
        assertTrue(steady.get("/json").expect(200).body().length > 0);
    }

    @Test void listingsComeInOrderToo() throws Exception {
        root();
        serve("--listing");
        Files.createDirectories(root().resolve("many/sub"));
        for (int i = 0; i < 500; i++) Files.createFile(root().resolve("many/file-" + i));
        WireClient client = connect();
        client.sendGet("/many/").sendGet("/json").sendGet("/nothing/").sendGet("/many/sub/");
        String page = new String(client.read().expect(200).body(), java.nio.charset.StandardCharsets.UTF_8);
        for (int i = 0; i < 500; i++) assertTrue(page.contains("file-" + i), "file-" + i);
        assertTrue(page.contains("sub/"));
        client.read().expect(200);
        client.read().expect(404);
        client.read().expect(200);
    }
}
