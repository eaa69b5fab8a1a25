package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.event.PathChange.What;
import org.libtorque.sys.CStrings;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** Files, directories and trees that change. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class PathSystemTest extends SystemTest {
    @TempDir Path folder;

    /** Follows what is told, alone. */
    private static class Recorder implements PathHandler {
        final List<PathChange> changes = Collections.synchronizedList(new ArrayList<>());
        final AtomicInteger completions = new AtomicInteger();
        final AtomicInteger losses = new AtomicInteger();
        final List<String> wrong = new CopyOnWriteArrayList<>();
        private final TreeMap<Path, Boolean> picture = new TreeMap<>();
        private final boolean keeps;

        Recorder(boolean keeps) { this.keeps = keeps; }

        @Override public synchronized void onChange(PathChange change) {
            if (keeps) changes.add(change);
            Path path = change.path();
            switch (change.what()) {
                case FOUND, CREATED -> {
                    if (picture.put(path, change.directory()) != null) wrong.add("told twice: " + change);
                }
                case DELETED -> {
                    if (picture.remove(path) == null) wrong.add("was not there: " + change);
                    if (change.directory() && picture.keySet().stream().anyMatch(p -> p.startsWith(path))) wrong.add("not empty: " + change);
                }
                case RENAMED -> {
                    if (picture.containsKey(path)) wrong.add("target is there: " + change);
                    if (!change.directory()) {
                        if (picture.remove(change.from()) == null) wrong.add("was not there: " + change);
                        picture.put(path, false);
                        return;
                    }
                    List<Path> inside = picture.keySet().stream().filter(p -> p.startsWith(change.from())).toList();
                    if (inside.isEmpty()) wrong.add("was not there: " + change);
                    for (Path p : inside) picture.put(path.resolve(change.from().relativize(p)), picture.remove(p));
                }
                default -> {
                    if (!picture.containsKey(path)) wrong.add("unknown: " + change);
                }
            }
        }

        @Override public void onComplete() { completions.incrementAndGet(); }

        @Override public void onLost() { losses.incrementAndGet(); }

        /** Returns the picture; after the handler's call if one is under way. */
        synchronized TreeMap<Path, Boolean> now() { return normalised(picture); }

        List<PathChange> copy() {
            synchronized (changes) {
                return List.copyOf(changes);
            }
        }

        List<String> told() { return copy().stream().map(c -> c.what() + (c.from() == null ? "" : " " + c.from().getFileName()) + " " + c.path().getFileName()).toList(); }

        /** {@code resolve("")} leaves a slash of nothing behind in relativised paths. */
        private static TreeMap<Path, Boolean> normalised(TreeMap<Path, Boolean> picture) {
            var normal = new TreeMap<Path, Boolean>();
            picture.forEach((path, directory) -> normal.put(path.normalize(), directory));
            return normal;
        }
    }

    private Recorder watch(Path path, PathScope scope) throws IOException { return watch(path, scope, torque().newColor()); }

    private Recorder watch(Path path, PathScope scope, Color color) throws IOException {
        var recorder = new Recorder(true);
        torque().onPath(path, scope, color, recorder);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        return recorder;
    }

    private static TreeMap<Path, Boolean> actual(Path root) throws IOException {
        var all = new TreeMap<Path, Boolean>();
        try (Stream<Path> walk = Files.walk(root)) {
            walk.filter(p -> !p.equals(root)).forEach(p -> all.put(p, Files.isDirectory(p)));
        }
        return all;
    }

    private static void awaitPicture(Recorder recorder, Path root) throws IOException {
        recorder.now();
        var expected = actual(root);
        Eventually.await(() -> "the picture is the file system's; wrong: " + recorder.wrong + " differences " + difference(expected, recorder.now()), Eventually.DEFAULT_LIMIT.multipliedBy(3),
                () -> recorder.now().equals(expected));
        assertEquals(List.of(), recorder.wrong.stream().limit(10).toList());
    }

    private static String difference(TreeMap<Path, Boolean> expected, TreeMap<Path, Boolean> now) {
        var missing = new ArrayList<>(expected.keySet());
        missing.removeAll(now.keySet());
        var surplus = new ArrayList<>(now.keySet());
        surplus.removeAll(expected.keySet());
        return "missing " + missing.size() + " " + missing.stream().limit(5).toList() + ", surplus " + surplus.size() + " " + surplus.stream().limit(5).toList();
    }

    private static void awaitTold(Recorder recorder, String... lines) {
        Eventually.await(() -> List.of(lines) + " is told: " + recorder.told(), Eventually.DEFAULT_LIMIT, () -> recorder.told().containsAll(List.of(lines)));
    }

    @Test void aDirectorysEntriesAreFoundAndTheirChangesToldInOrder() throws IOException {
        Files.writeString(folder.resolve("old"), "x");
        Recorder recorder = watch(folder, PathScope.DIRECTORY);
        assertEquals(List.of("FOUND old"), recorder.told());
        Path file = Files.writeString(folder.resolve("a"), "text");
        awaitTold(recorder, "WRITTEN a");
        Files.move(file, folder.resolve("b"));
        Files.delete(folder.resolve("b"));
        Files.createDirectory(folder.resolve("d"));
        awaitTold(recorder, "CREATED d");
        assertEquals(List.of("FOUND old", "CREATED a", "MODIFIED a", "WRITTEN a", "RENAMED a b", "DELETED b", "CREATED d"), recorder.told());
        Files.writeString(folder.resolve("d").resolve("deep"), "x"); // not of this directory
        Files.setLastModifiedTime(folder.resolve("old"), java.nio.file.attribute.FileTime.fromMillis(1));
        awaitTold(recorder, "ATTRIBUTES old");
        assertTrue(recorder.told().stream().noneMatch(line -> line.contains("deep")));
        assertEquals(List.of(), recorder.wrong);
    }

    @Test void aNameIsFollowedThroughReplacementAndAbsence() throws IOException {
        Path file = folder.resolve("config");
        Recorder recorder = watch(file, PathScope.NAME);
        assertEquals(List.of(), recorder.told());
        Files.writeString(folder.resolve("other"), "x");
        Files.writeString(file, "1");
        awaitTold(recorder, "WRITTEN config");
        Files.move(Files.writeString(folder.resolve("new"), "2"), file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Eventually.await("replaced", () -> recorder.told().stream().filter("CREATED config"::equals).count() == 2 || recorder.told().size() >= 4);
        Files.delete(file);
        awaitTold(recorder, "DELETED config");
        assertTrue(recorder.copy().stream().allMatch(c -> c.path().equals(file)), recorder.told()::toString);
    }

    @Test void newFoldersAreFollowedHoweverFastTheyAreFilled() throws IOException {
        Files.createDirectories(folder.resolve("x/y/z"));
        Files.writeString(folder.resolve("x/y/z/file"), "x");
        Recorder recorder = watch(folder, PathScope.TREE);
        awaitPicture(recorder, folder);
        for (int i = 0; i < 200; i++) {
            Path deep = Files.createDirectories(folder.resolve("n" + i + "/a/b/c/d"));
            Files.writeString(deep.resolve("leaf"), "x");
            Files.writeString(folder.resolve("n" + i + "/a/side"), "x");
        }
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("n7/a/b/c/d/leaf"), "more"); // all of them are really watched
        Eventually.await("told", () -> recorder.copy().stream().anyMatch(c -> c.what() == What.WRITTEN && c.path().equals(folder.resolve("n7/a/b/c/d/leaf"))));
        assertEquals(0, recorder.losses.get());
    }

    @Test void aRenamedFolderKeepsItsWatchesAndOneThatLeavesLosesThem(@TempDir Path outside) throws IOException {
        Files.createDirectories(folder.resolve("a/b"));
        Files.writeString(folder.resolve("a/b/f"), "x");
        Files.createDirectory(folder.resolve("target")); // known before: of a move to where nothing is watched yet only the first half is reported
        Recorder recorder = watch(folder, PathScope.TREE);
        Files.move(folder.resolve("a"), folder.resolve("target/moved"));
        Files.writeString(folder.resolve("target/moved/b/g"), "x");
        awaitPicture(recorder, folder);
        assertEquals(1, recorder.copy().stream().filter(c -> c.what() == What.RENAMED).count());
        Files.move(folder.resolve("target/moved"), outside.resolve("out"));
        awaitPicture(recorder, folder);
        int before = recorder.changes.size();
        Files.writeString(outside.resolve("out/b/h"), "x");
        sleep(30);
        assertEquals(before, recorder.changes.size());
        Files.move(outside.resolve("out"), folder.resolve("back"));
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("back/b/i"), "x");
        awaitPicture(recorder, folder);
    }

    @Test void aFileThatReplacesAnotherIsToldAsDeletionAndRename() throws IOException {
        Files.writeString(folder.resolve("a"), "x");
        Files.writeString(folder.resolve("b"), "y");
        Recorder recorder = watch(folder, PathScope.TREE);
        Files.move(folder.resolve("a"), folder.resolve("b"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        awaitTold(recorder, "RENAMED a b");
        assertEquals(List.of("DELETED b", "RENAMED a b"), recorder.told().stream().filter(l -> l.startsWith("DELETED") || l.startsWith("RENAMED")).toList());
        awaitPicture(recorder, folder);
    }

    @Test void whenTheRootGoesThatIsToldAndTheRegistrationHasEnded() throws IOException {
        Path root = Files.createDirectories(folder.resolve("root/in"));
        var recorder = new Recorder(true);
        Registration registration = torque().onPath(root.getParent(), PathScope.TREE, recorder);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        Files.delete(root);
        Files.delete(root.getParent());
        Eventually.await("ended", () -> !registration.isOpen());
        assertEquals("DELETED root", recorder.told().getLast());
    }

    @Test void whenAFolderAboveTheRootIsRenamedThatIsFoundOutAndTheRegistrationEnds() throws IOException {
        Path root = Files.createDirectories(folder.resolve("above/root"));
        var recorder = new Recorder(true);
        Registration registration = torque().onPath(root, PathScope.TREE, recorder);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        Files.move(folder.resolve("above"), folder.resolve("elsewhere"));
        assertTrue(registration.isOpen());
        Files.createDirectory(folder.resolve("elsewhere/root/new"));
        Eventually.await("ended", () -> !registration.isOpen());
        assertEquals(List.of("CREATED new", "DELETED new", "DELETED root"), recorder.told());
    }

    @Test void whatIsNotThereIsRefused() throws IOException {
        assertThrows(NoSuchFileException.class, () -> torque().onPath(folder.resolve("none"), PathScope.TREE, change -> { }));
        Path file = Files.writeString(folder.resolve("f"), "x");
        assertThrows(NotDirectoryException.class, () -> torque().onPath(file, PathScope.DIRECTORY, change -> { }));
    }

    @Test void closedInItsOwnCallbackNothingComesAfter() throws IOException {
        for (int i = 0; i < 10; i++) Files.writeString(folder.resolve("f" + i), "x");
        var calls = new AtomicInteger();
        var self = new AtomicReference<Registration>();
        var registered = new CountDownLatch(1);
        self.set(torque().onPath(folder, PathScope.TREE, torque().newColor(), change -> {
            registered.await();
            self.get().close();
            calls.incrementAndGet();
        }));
        registered.countDown();
        Eventually.await("told once", () -> calls.get() == 1);
        assertFalse(self.get().isOpen());
        Files.writeString(folder.resolve("more"), "x");
        sleep(20);
        assertEquals(1, calls.get());
    }

    @Test void anExceptionIsReportedAndTheRestIsTold() throws IOException {
        var complete = new CountDownLatch(1);
        var told = new AtomicInteger();
        torque().onPath(folder, PathScope.DIRECTORY, new PathHandler() {
            @Override public void onChange(PathChange change) throws Exception {
                if (change.what() == What.CREATED && told.incrementAndGet() == 1) throw new Exception("mine");
            }

            @Override public void onComplete() { complete.countDown(); }
        });
        Eventually.await("complete", () -> complete.getCount() == 0);
        Files.writeString(folder.resolve("a"), "x");
        assertEquals("mine", takeFailure().getMessage());
        Files.writeString(folder.resolve("b"), "x");
        Eventually.await("told", () -> told.get() == 2);
    }

    @Test void aFileMovedInOverAKnownOneIsToldAsDeletionAndCreation(@TempDir Path outside) throws IOException {
        for (String name : List.of("listed", "reported")) {
            if (name.equals("listed")) Files.writeString(folder.resolve(name), "old");
            Recorder recorder = watch(folder, PathScope.TREE);
            if (name.equals("reported")) Files.writeString(folder.resolve(name), "old");
            Files.move(Files.writeString(outside.resolve("new"), "new"), folder.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            awaitTold(recorder, "DELETED " + name, "CREATED " + name);
            assertEquals("CREATED " + name, recorder.told().getLast());
            awaitPicture(recorder, folder);
        }
    }

    @Test void anEmptyFolderMovedInOverAnotherIsFollowed(@TempDir Path outside) throws IOException {
        Files.createDirectory(folder.resolve("d"));
        Recorder recorder = watch(folder, PathScope.TREE);
        Files.move(Files.createDirectories(outside.resolve("new/in")).getParent(), folder.resolve("d"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("d/in/file"), "x");
        awaitPicture(recorder, folder);
    }

    /** A listing that is newer than the reports behind it may find one folder in another when by the next report it is the other way round. */
    @Test void foldersThatMoveIntoEachOtherEndAsThePictureSays() throws Exception {
        Recorder recorder = watch(folder, PathScope.TREE);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        for (int t = 0; t < 3; t++) {
            int seed = t;
            threads.add(start("mover " + t, () -> moveFoldersAtRandom(folder, seed, 3_000), thrown));
        }
        for (Thread thread : threads) Eventually.awaitEnd(thread);
        assertEquals(List.of(), thrown);
        awaitPicture(recorder, folder);
    }

    private static void moveFoldersAtRandom(Path root, long seed, int steps) throws IOException {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < steps; i++) {
            try {
                if (random.nextInt(4) == 0) Files.createDirectory(somewhere(root, random));
                else Files.move(somewhere(root, random), somewhere(root, random));
            } catch (IOException e) {
                continue; // not there, or in the way, or below itself: as it happens
            }
        }
    }

    @Test void namesThatChangePlacesAreBothStillThere() throws IOException {
        Files.createDirectories(folder.resolve("a/in-a"));
        Files.createDirectories(folder.resolve("b/in-b"));
        Recorder recorder = watch(folder, PathScope.TREE);
        exchange(folder.resolve("a"), folder.resolve("b"));
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("a/in-b/file"), "x");
        Files.writeString(folder.resolve("b/in-a/file"), "x");
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("file"), "x");
        exchange(folder.resolve("a"), folder.resolve("file"));
        awaitPicture(recorder, folder);
        Files.writeString(folder.resolve("file/in-b/more"), "x");
        awaitPicture(recorder, folder);
    }

    private static void exchange(Path a, Path b) {
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            int fdcwd = org.libtorque.sys.Files.AT_FDCWD;
            assertEquals(0, org.libtorque.sys.Files.renameat2(ErrnoSlot.current(), fdcwd, CStrings.allocate(a.toString(), arena), fdcwd, CStrings.allocate(b.toString(), arena),
                    org.libtorque.sys.Files.RENAME_EXCHANGE));
        }
    }

    /** A listing finds a file where a directory was whose renaming has not been read; then it is the directory that has the new name. */
    @Test void anotherOneFoundUnderAnOldNameDoesNotTakeTheNewName() throws Exception {
        Path parent = folder.resolve("parent");
        var once = new AtomicInteger();
        var recorder = new Recorder(true) {
            @Override public synchronized void onChange(PathChange change) {
                super.onChange(change);
                if (change.path().getParent().equals(parent) && once.getAndIncrement() == 0) {
                    renameAll(parent, "old", "new", change.path());
                    forAll(parent, "old", Files::createFile);
                }
            }
        };
        var registration = torque().onPath(folder, PathScope.TREE, torque().newColor(), recorder);
        makeAtOnce(parent);
        Eventually.await("it begins", () -> once.get() > 0);
        awaitPicture(recorder, folder);
        assertTrue(recorder.now().keySet().stream().filter(path -> path.getParent().getFileName().toString().startsWith("new") && path.endsWith("inside")).count() == 19);
        registration.close();
    }

    /** As above with a directory, which is moved away once it is watched, so that nothing is ever told of it again. */
    @Test void aWatchDoesNotStayWithTheDirectoryThatHadTheOldName() throws Exception {
        Path watched = Files.createDirectory(folder.resolve("watched"));
        Path unwatched = Files.createDirectory(folder.resolve("unwatched"));
        Path parent = watched.resolve("parent");
        var once = new AtomicInteger();
        var moved = new AtomicInteger();
        var recorder = new Recorder(true) {
            @Override public synchronized void onChange(PathChange change) {
                super.onChange(change);
                if (change.path().getParent().equals(parent) && once.getAndIncrement() == 0) {
                    renameAll(parent, "old", "new", change.path());
                    forAll(parent, "old", path -> Files.createFile(Files.createDirectory(path).resolve("other")));
                } else if (change.path().endsWith("other") && Files.exists(change.path())) {
                    try {
                        Files.move(change.path().getParent(), unwatched.resolve("away" + moved.getAndIncrement()));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        };
        var registration = torque().onPath(watched, PathScope.TREE, torque().newColor(), recorder);
        makeAtOnce(parent);
        Eventually.await("all have been moved away", () -> moved.get() == 19);
        awaitPicture(recorder, watched);
        for (Path path : recorder.now().keySet()) if (path.startsWith(parent) && recorder.now().get(path)) Files.createFile(path.resolve("later"));
        awaitPicture(recorder, watched);
        registration.close();
    }

    private interface Change {
        void to(Path path) throws IOException;
    }

    private static void forAll(Path parent, String name, Change change) {
        for (int i = 0; i < 20; i++) {
            try {
                if (!Files.exists(parent.resolve(name + i))) change.to(parent.resolve(name + i));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Renames {@code from0} to {@code to0} and so on, but for one. */
    private static void renameAll(Path parent, String from, String to, Path except) {
        try (Stream<Path> all = Files.list(parent)) {
            for (Path path : all.toList()) {
                String name = path.getFileName().toString();
                if (name.startsWith(from) && !path.equals(except)) Files.move(path, parent.resolve(to + name.replaceFirst("\\D*", "")));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A directory of directories that comes whole, so that it is listed. */
    private void makeAtOnce(Path parent) throws IOException {
        Path made = Files.createDirectory(folder.resolveSibling(folder.getFileName() + "-made"));
        for (int i = 0; i < 20; i++) Files.createFile(Files.createDirectory(made.resolve("old" + i)).resolve("inside"));
        Files.move(made, parent);
    }

    /** Threads create, rename and delete at random; in the end the picture is right, and no step of it was impossible. */
    @Test void aTreeThatChangesAtRandomEndsAsThePictureSays() throws Exception {
        Path watched = Files.createDirectory(folder.resolve("watched"));
        Path unwatched = Files.createDirectory(folder.resolve("unwatched"));
        for (int round = 0; round < 4; round++) {
            Recorder recorder = watch(watched, PathScope.TREE);
            List<Thread> threads = new ArrayList<>();
            List<Throwable> thrown = new CopyOnWriteArrayList<>();
            for (int t = 0; t < 3; t++) {
                int seed = 3 * round + t;
                threads.add(start("changer " + seed, () -> changeAtRandom(List.of(watched, watched, watched, unwatched), seed, 1_000), thrown));
            }
            for (Thread thread : threads) Eventually.awaitEnd(thread);
            assertEquals(List.of(), thrown);
            awaitPicture(recorder, watched);
            assertEquals(0, recorder.losses.get());
        }
    }

    private static void changeAtRandom(List<Path> roots, long seed, int steps) throws IOException {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < steps; i++) {
            Path a = somewhere(roots.get(random.nextInt(roots.size())), random);
            Path b = somewhere(roots.get(random.nextInt(roots.size())), random);
            try {
                switch (random.nextInt(6)) {
                    case 0, 1 -> Files.writeString(a, "x");
                    case 2 -> Files.createDirectories(a);
                    case 3, 4 -> Files.move(a, b);
                    default -> Files.delete(a);
                }
            } catch (IOException e) {
                continue; // not there, or in the way, or not empty: as it happens
            }
        }
    }

    private static Path somewhere(Path root, SplittableRandom random) {
        Path path = root;
        for (int depth = 1 + random.nextInt(3); depth > 0; depth--) path = path.resolve("e" + random.nextInt(4));
        return path;
    }

    @Test void tenThousandFilesCreatedRenamedAndDeletedWithTheQueueOverflowingEndAsTheyAre() throws Exception {
        Color color = torque().newColor();
        var recorder = new Recorder(false);
        torque().onPath(folder, PathScope.TREE, color, recorder);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        for (int i = 0; i < 37; i++) Files.createFile(Files.createDirectory(folder.resolve("d" + i)).resolve("first"));
        awaitPicture(recorder, folder); // what is in them is known, so all of them are watched, and report
        var release = hold(color);
        for (int i = 0; i < 10_000; i++) Files.createFile(folder.resolve("d" + i % 37 + "/f" + i));
        for (int i = 0; i < 10_000; i += 2) Files.move(folder.resolve("d" + i % 37 + "/f" + i), folder.resolve("d" + (i + 1) % 37 + "/r" + i));
        release.countDown();
        Eventually.await("the loss is told", () -> recorder.losses.get() > 0);
        for (int i = 1; i < 10_000; i += 4) Files.delete(folder.resolve("d" + i % 37 + "/f" + i)); // while it is listed anew
        Files.move(folder.resolve("d3"), folder.resolve("d4/inside"));
        awaitPicture(recorder, folder);
        Eventually.await("complete again", () -> recorder.completions.get() == 1 + recorder.losses.get());
        Files.writeString(folder.resolve("d4/inside/after"), "x");
        awaitPicture(recorder, folder);
        var again = hold(color);
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted(java.util.Comparator.reverseOrder()).filter(p -> !p.equals(folder)).toList()) Files.delete(path);
        }
        again.countDown();
        awaitPicture(recorder, folder);
    }

    @Test void aFileModifiedWhileChangesWereLostIsToldAsModified() throws Exception {
        Files.writeString(folder.resolve("listed"), "x");
        Color color = torque().newColor();
        Recorder recorder = watch(folder, PathScope.TREE, color);
        Path other = Files.createDirectory(folder.resolve("d"));
        Files.createFile(other.resolve("first"));
        awaitPicture(recorder, folder);
        var release = hold(color);
        for (int i = 0; i < QUEUE_LENGTH / 2 + 10; i++) { // made and deleted, so that there is little to list
            Files.createFile(other.resolve("f" + i % 2));
            Files.delete(other.resolve("f" + i % 2));
        }
        Files.writeString(folder.resolve("listed"), "longer");
        int before = recorder.changes.size();
        release.countDown();
        Eventually.await("complete again", () -> recorder.completions.get() == 2);
        assertEquals(1, recorder.losses.get());
        assertTrue(recorder.told().subList(before, recorder.changes.size()).contains("MODIFIED listed"));
        awaitPicture(recorder, folder);
    }

    /** Of fs.inotify.max_queued_events. */
    private static final int QUEUE_LENGTH = queueLength();

    private static int queueLength() {
        try (var reader = Files.newBufferedReader(Path.of("/proc/sys/fs/inotify/max_queued_events"))) { // in one read: at a second one the kernel says that this is the end
            return Integer.parseInt(reader.readLine().strip());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
