package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;

/**
 * No vcore waits for the disk, nor for what the kernel has to wait for: each is kept busy by a task that comes again and again, so that its thread has no reason to sleep, and the kernel
 * counts how often it does. It may for the JVM's own purposes, a few times; waiting for a disk is at least once for each file.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ColdFileSystemTest extends FileTest {
    private static final int FILES = 60;
    private static final int BYTES = 400_000;

    private List<Path> files;

    private void makeFiles() throws IOException {
        files = new ArrayList<>();
        for (int i = 0; i < FILES; i++) files.add(Files.write(directory.resolve("f" + i), random(BYTES, i)));
    }

    private void evictAll() {
        for (Path file : files) evictWhole(file);
    }

    private static long sleeps() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
                if (line.startsWith("voluntary_ctxt_switches:")) return Long.parseLong(line.substring(24).strip());
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("no count of switches");
    }

    /** Keeps one vcore busy. */
    private final class Busy implements Runnable {
        private final Color color;
        private final Runnable again; // allocates nothing: a collection of garbage puts vcores to sleep too
        private long before;
        private volatile boolean ends;
        final CompletableFuture<Long> slept = new CompletableFuture<>();

        Busy(int vcore) {
            color = torque().vcores().get(vcore).newColor().pin();
            again = torque().callback(color, this);
        }

        void start() {
            var started = new CompletableFuture<Boolean>();
            torque().post(color, () -> {
                before = sleeps();
                started.complete(true);
                run();
            });
            get(started);
        }

        @Override public void run() {
            if (ends) slept.complete(sleeps() - before);
            else again.run();
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    /** Returns how often the vcores' threads slept while something was done. */
    private long sleepsDuring(Work work) throws Exception {
        List<Busy> all = new ArrayList<>();
        for (int i = 0; i < setup.vcores(); i++) all.add(new Busy(i));
        all.forEach(Busy::start);
        work.run();
        all.forEach(busy -> busy.ends = true);
        long slept = 0;
        for (Busy busy : all) slept += get(busy.slept);
        return slept;
    }

    private long control;

    /** What it looks like when a vcore does wait. */
    private void waitForTheDiskOnAVcore() throws Exception {
        evictAll();
        control = sleepsDuring(() -> onVcore(() -> {
            byte[] buffer = new byte[BYTES];
            try (var root = FileRoot.open(directory)) {
                for (int i = 0; i < FILES; i++) {
                    byte[] name = ("f" + i).getBytes(StandardCharsets.US_ASCII);
                    try (OpenFile file = root.open(name, name.length)) {
                        file.read(0, buffer, 0, BYTES);
                    }
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return null;
        }));
        Assumptions.assumeTrue(control >= FILES, "the temporary folder is on no disk that is waited for");
    }

    @Test void noVcoreSleepsWhileColdFilesAreRead() throws Exception {
        makeFiles();
        waitForTheDiskOnAVcore();
        List<AsyncFile> open = new ArrayList<>();
        for (Path file : files) open.add(open(FileName.of(file)));
        evictAll();
        long slept = sleepsDuring(() -> {
            var done = new CountDownLatch(FILES);
            for (AsyncFile file : open) {
                MemorySegment target = arena.allocate(BYTES);
                Color color = torque().newColor();
                torque().post(color, () -> torque().files().operation(color).read(file, target, 0, o -> {
                    if (o.count() == BYTES) done.countDown();
                }));
            }
            assertTrue(done.await(Eventually.limitSeconds(), TimeUnit.SECONDS));
        });
        open.forEach(AsyncFile::close);
        assertTrue(slept < FILES / 3, "slept " + slept + " times with " + FILES + " files; waiting for them: " + control);
    }

    /** Without stealing: a runner away from home can meet the home's thread at the socket's lock, and sleep there for some microseconds. */
    @Test void noVcoreSleepsWhileColdFilesAreSent() throws Exception {
        open(options().withBalance(Balance.STATIC));
        makeFiles();
        waitForTheDiskOnAVcore();
        Listener listener = serve(c -> c.onRead((self, data) -> {
            int which = data.getByte(0);
            data.consumeAll();
            self.sendFile(new byte[0], FileName.of(files.get(which)), 0, -1, (s, sent, failure) -> {
                if (failure != null || sent != BYTES) failures.add(new AssertionError(sent + " sent", failure));
            });
        }));
        evictAll();
        long slept = sleepsDuring(() -> {
            try (var client = Client.to(listener)) {
                for (int i = 0; i < FILES; i++) {
                    client.send(new byte[] {(byte) i});
                    assertEquals(BYTES, client.read(BYTES).length);
                }
            }
        });
        assertTrue(slept < FILES / 3, "slept " + slept + " times with " + FILES + " files; waiting for them: " + control);
    }

    /** Whoever closes an inotify instance or a pressure trigger waits for grace periods of the kernel's, ten milliseconds for each. */
    @Test void noVcoreSleepsWhileRegistrationsAreClosed() throws Exception {
        var trigger = PressureTrigger.full(PressureTrigger.Resource.MEMORY, Duration.ofMillis(1_900), Duration.ofSeconds(2));
        boolean pressure = Files.isWritable(trigger.file());
        List<Registration> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            all.add(torque().onPath(directory, PathScope.TREE, torque().newColor(), change -> { }));
            if (pressure) all.add(torque().onPressure(trigger, torque().newColor(), told -> { }));
        }
        for (Registration registration : all) onColor(registration, () -> { });
        assertEquals(20, watchersOf(directory));
        long slept = sleepsDuring(() -> {
            for (Registration registration : all) onColor(registration, registration::close);
            Eventually.await("their descriptors are closed", () -> watchersOf(directory) == 0);
        });
        assertTrue(slept < all.size() / 3, "slept " + slept + " times while " + all.size() + " were closed");
    }

    static long inotifyInstances() { return LeakCheck.openDescriptors().values().stream().filter(target -> target.contains("inotify")).count(); }

    /**
     * Returns how many inotify instances watch a folder: the runtime itself takes one a second after its start, for sysfs. Only they are looked at: the kernel holds the lock of an epoll
     * instance while it tells of that, and its vcore would sleep there.
     */
    private static long watchersOf(Path folder) {
        try {
            String inode = "ino:" + Long.toHexString((long) Files.getAttribute(folder, "unix:ino")) + " ";
            long count = 0;
            for (var open : LeakCheck.openDescriptors().entrySet()) {
                if (!open.getValue().contains("inotify")) continue;
                try {
                    if (Files.readString(Path.of("/proc/self/fdinfo/" + open.getKey())).lines().anyMatch(line -> line.startsWith("inotify ") && line.contains(inode))) count++;
                } catch (IOException e) {
                    continue; // closed since it was listed
                }
            }
            return count;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void onColor(Registration registration, Runnable body) {
        var done = new CompletableFuture<Boolean>();
        torque().post(registration.color(), () -> {
            body.run();
            done.complete(true);
        });
        get(done);
    }
}
