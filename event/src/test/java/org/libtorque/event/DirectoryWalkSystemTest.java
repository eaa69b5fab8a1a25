package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Vcore;

/** Walks through directories. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class DirectoryWalkSystemTest extends FileTest {
    /** Notes what it is shown. */
    private class Notes implements DirectoryHandler {
        final List<DirectoryEntry> entries = new ArrayList<>();
        final List<String> unreadable = new ArrayList<>();
        final CompletableFuture<Optional<Throwable>> end = new CompletableFuture<>();
        final AtomicInteger batches = new AtomicInteger();
        Color color;

        @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception {
            if (Vcore.currentColor() != walk.color()) failures.add(new AssertionError("not under its colour"));
            entries.addAll(some);
            batches.incrementAndGet();
        }

        @Override public void onUnreadable(DirectoryWalk walk, byte[] directory, IOException why) {
            unreadable.add(new String(directory, StandardCharsets.UTF_8) + ": " + why.getMessage());
        }

        @Override public void onEnd(DirectoryWalk walk, Throwable failure) {
            if (!end.complete(Optional.ofNullable(failure))) failures.add(new AssertionError("ended twice"));
        }

        TreeSet<String> paths() {
            var all = new TreeSet<String>();
            for (DirectoryEntry entry : entries) assertTrue(all.add(entry.path()), "shown twice: " + entry);
            return all;
        }
    }

    private Notes walk(FileName start, int depth) {
        var notes = new Notes();
        DirectoryWalk walk = torque().files().walk(start, depth, torque().newColor(), notes);
        assertNull(get(notes.end).orElse(null));
        assertFalse(walk.isOpen());
        return notes;
    }

    @Test void tenThousandEntriesAreShownInBatchesEachOnce() throws IOException {
        var expected = new TreeSet<String>();
        for (int i = 0; i < 10_000; i++) {
            String name = "file-" + i;
            Files.createFile(directory.resolve(name));
            expected.add(name);
        }
        Notes notes = walk(FileName.of(directory), 1);
        assertEquals(expected, notes.paths());
        assertTrue(notes.batches.get() > 5, notes.batches + " batches");
        assertEquals(FileType.REGULAR, notes.entries.getFirst().type());
        assertEquals(1, notes.entries.getFirst().depth());
        assertEquals(Files.getAttribute(directory.resolve(notes.entries.getFirst().path()), "unix:ino"), notes.entries.getFirst().inode());
    }

    @Test void treesAreWalkedToTheDepthAskedForAndLinksAreNotFollowed() throws IOException {
        Files.createDirectories(directory.resolve("a/b/c"));
        Files.createDirectories(directory.resolve("e"));
        Files.writeString(directory.resolve("a/f"), "x");
        Files.writeString(directory.resolve("a/b/c/g"), "x");
        Files.createSymbolicLink(directory.resolve("e/loop"), directory);
        var all = new TreeSet<>(List.of("a", "a/b", "a/b/c", "a/b/c/g", "a/f", "e", "e/loop"));
        Notes notes = walk(FileName.of(directory), Integer.MAX_VALUE);
        assertEquals(all, notes.paths());
        for (DirectoryEntry entry : notes.entries) {
            assertEquals(entry.path().split("/").length, entry.depth());
            assertEquals(entry.path().equals("e/loop") ? FileType.LINK : entry.path().matches(".*[fg]") ? FileType.REGULAR : FileType.DIRECTORY, entry.type(), entry::path);
            assertEquals(Path.of(entry.path()).getFileName().toString(), entry.name());
        }
        assertEquals(new TreeSet<>(List.of("a", "a/b", "a/f", "e", "e/loop")), walk(FileName.of(directory), 2).paths());
        try (FileRoot root = FileRoot.open(directory)) {
            assertEquals(new TreeSet<>(List.of("b", "b/c", "b/c/g", "f")), walk(root.file("a"), 9).paths());
        }
        assertEquals(new TreeSet<>(), walk(FileName.of(Files.createDirectory(directory.resolve("nothing"))), 9).paths());
        assertThrows(IllegalArgumentException.class, () -> walk(FileName.of(directory), 0));
    }

    @Test void namesNeedNotBeText() throws IOException {
        byte[] odd = {(byte) 0xff, 'x', (byte) 0xfe};
        try (FileRoot root = FileRoot.open(directory)) {
            run((o, h) -> o.makeDirectory(root.file(odd), 0700, h)).check();
            run((o, h) -> o.open(root.file(new byte[] {(byte) 0xff, 'x', (byte) 0xfe, '/', '\n'}), h, java.nio.file.StandardOpenOption.WRITE,
                    java.nio.file.StandardOpenOption.CREATE)).file().close();
            Notes notes = walk(root.file(""), 9);
            assertEquals(2, notes.entries.size());
            for (DirectoryEntry entry : notes.entries) assertEquals(entry.type(), run((o, h) -> o.status(root.file(entry.pathBytes()), false, h)).status().type());
            run((o, h) -> o.delete(root.file(notes.entries.get(1).pathBytes()), h)).check();
            run((o, h) -> o.deleteDirectory(root.file(notes.entries.get(0).pathBytes()), h)).check();
        }
    }

    @Test void whatCannotBeReadIsSaidAndTheRestShown() throws IOException {
        for (String name : new String[] {"a", "b", "c"}) Files.createDirectory(directory.resolve(name));
        var notes = new Notes() {
            @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception {
                super.onEntries(walk, some);
                Files.deleteIfExists(directory.resolve("b"));
            }
        };
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), notes);
        assertNull(get(notes.end).orElse(null));
        assertEquals(new TreeSet<>(List.of("a", "b", "c")), notes.paths());
        assertEquals(1, notes.unreadable.size());
        assertTrue(notes.unreadable.getFirst().startsWith("b: ") && notes.unreadable.getFirst().contains("ENOENT"), notes.unreadable.getFirst());
    }

    @Test void aStartThatCannotBeReadEndsTheWalk() throws IOException {
        var notes = new Notes();
        torque().files().walk(name("missing"), 5, torque().newColor(), notes);
        assertInstanceOf(NoSuchFileException.class, get(notes.end).orElseThrow());
        Files.writeString(directory.resolve("f"), "x");
        var file = new Notes();
        torque().files().walk(name("f"), 5, torque().newColor(), file);
        assertTrue(get(file.end).orElseThrow().getMessage().contains("ENOTDIR"));
    }

    @Test void whatAHandlerThrowsEndsTheWalk() throws IOException {
        Files.writeString(directory.resolve("f"), "x");
        var notes = new Notes() {
            @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception { throw new Exception("mine"); }
        };
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), notes);
        assertEquals("mine", get(notes.end).orElseThrow().getMessage());
        assertEquals("mine", takeFailure().getMessage());
    }

    @Test void aWalkPausesGoesOnAndIsClosedAtAnyMoment() throws Exception {
        for (int i = 0; i < 2_000; i++) Files.createFile(directory.resolve("file-" + i));
        var paused = new CompletableFuture<DirectoryWalk>();
        var notes = new Notes() {
            @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception {
                super.onEntries(walk, some);
                if (batches.get() == 1) {
                    walk.pause();
                    paused.complete(walk);
                }
            }
        };
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), notes);
        DirectoryWalk walk = get(paused);
        sleep(20);
        assertEquals(1, notes.batches.get());
        torque().post(walk.color(), walk::resume);
        assertNull(get(notes.end).orElse(null));
        assertEquals(2_000, notes.paths().size());

        for (int i = 0; i < 50; i++) {
            var closed = new Notes();
            DirectoryWalk one = torque().files().walk(FileName.of(directory), 5, torque().newColor(), closed);
            for (int spin = 0; spin < i * 500; spin++) Thread.onSpinWait();
            one.close();
            assertFalse(one.isOpen());
            one.close();
        }
        var inside = new Notes() {
            @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception {
                super.onEntries(walk, some);
                walk.close();
            }
        };
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), inside);
        Eventually.await("one batch was shown", () -> inside.batches.get() == 1);
        sleep(20);
        assertEquals(1, inside.batches.get());
        assertFalse(inside.end.isDone());
        var left = new Notes() {
            @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> some) throws Exception {
                super.onEntries(walk, some);
                walk.pause();
            }
        };
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), left);
        Eventually.await("it pauses", () -> left.batches.get() == 1);
        // One that is paused, and one that is under way, when the runtime stops: no descriptor is left.
        torque().files().walk(FileName.of(directory), 5, torque().newColor(), new Notes());
        stop();
    }
}
