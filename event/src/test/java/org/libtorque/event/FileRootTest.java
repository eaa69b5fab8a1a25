package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.TestProcess;

/** No path leads out of a {@link FileRoot}. */
@ExtendWith(LeakCheck.class)
class FileRootTest {
    @TempDir Path temporary;
    private Path directory;
    private FileRoot root;

    @BeforeEach void open() throws IOException {
        directory = Files.createDirectory(temporary.resolve("root"));
        Files.writeString(temporary.resolve("secret"), "outside");
        Files.createDirectory(temporary.resolve("root-too"));
        Files.writeString(temporary.resolve("root-too/secret"), "outside");
        Files.createDirectories(directory.resolve("a/b"));
        Files.writeString(directory.resolve("file"), "inside");
        Files.writeString(directory.resolve("a/b/deep"), "inside");
        link("within", "a/b/deep");
        link("a/up-and-down", "../a/b/deep");
        link("to-directory", "a");
        link("absolute-within", directory.resolve("file").toString());
        link("out", "../secret");
        link("out-directory", "..");
        link("absolute-out", temporary.resolve("secret").toString());
        link("a/out", "../../secret");
        link("chain", "chain2");
        link("chain2", "a/out");
        link("loop", "loop");
        link("proc", "/proc/self/fd/0");
        link("dangling", "nothing");
        root = FileRoot.open(directory);
    }

    @AfterEach void close() { root.close(); }

    private void link(String name, String target) throws IOException { Files.createSymbolicLink(directory.resolve(name), Path.of(target)); }

    private String content(String name) throws IOException { return content(name, true); }

    private String content(String name, boolean followLinks) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        try (OpenFile file = root.open(bytes, bytes.length, followLinks)) {
            byte[] content = new byte[100];
            return new String(content, 0, file.read(0, content, 0, 100), StandardCharsets.US_ASCII);
        }
    }

    private FileOpenException.Reason refusal(String name) {
        return assertThrows(FileOpenException.class, () -> content(name), name).reason();
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "./file", "a/../file", "a/b/deep", "a//b///deep", "a/b/../b/./deep", "within", "a/up-and-down", "to-directory/b/deep",
        "to-directory/../file"})
    void whatLiesWithinIsOpened(String name) throws IOException { assertEquals("inside", content(name)); }

    @ParameterizedTest
    @CsvSource({"../secret,OUTSIDE", "a/../../secret,OUTSIDE", "..,OUTSIDE", "a/../..,OUTSIDE", "../root/file,OUTSIDE", "../root-too/secret,OUTSIDE",
        "/file,OUTSIDE", "//file,OUTSIDE", "/etc/passwd,OUTSIDE", "out,OUTSIDE", "out-directory/secret,OUTSIDE", "out-directory/root/file,OUTSIDE",
        "absolute-out,OUTSIDE", "absolute-within,OUTSIDE", "a/out,OUTSIDE", "chain,OUTSIDE", "proc,OUTSIDE",
        "nothing,NOT_FOUND", "file/,NOT_FOUND", "file/x,NOT_FOUND", "a/nothing/x,NOT_FOUND", "dangling,NOT_FOUND", "loop,NOT_FOUND",
        "a/b/deep/..,NOT_FOUND", "nothing/../file,NOT_FOUND"})
    void whatLeadsOutOrNowhereIsRefused(String name, FileOpenException.Reason reason) { assertEquals(reason, refusal(name)); }

    @Test void withoutFollowingLinksALinkIsSaidToBeOne() throws IOException {
        assertEquals("inside", content("a/b/deep", false));
        for (String name : List.of("within", "to-directory/b/deep", "out", "loop", "dangling", "absolute-within")) {
            var e = assertThrows(FileOpenException.class, () -> content(name, false), name);
            assertEquals(FileOpenException.Reason.LINK, e.reason(), name);
        }
    }

    @Test void aNulIsNotTheEndOfThePath() {
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("file\0"));
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("file\0.png"));
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("\0"));
    }

    @Test void pathsThatAreTooLongAreNotFound() throws IOException {
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("x".repeat(256)));
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("a/".repeat(5_000)));
        assertEquals(FileOpenException.Reason.NOT_FOUND, refusal("./".repeat(2_046) + "file"));
        assertEquals("inside", content("./".repeat(2_045) + "file"));
        assertThrows(IndexOutOfBoundsException.class, () -> root.open("file".getBytes(StandardCharsets.US_ASCII), 5));
    }

    @Test void anExceptionNamesTheReasonAndHasNoStack() {
        var e = assertThrows(FileOpenException.class, () -> content("nothing"));
        assertEquals(0, e.getStackTrace().length);
        assertTrue(e.getMessage().contains("ENOENT"), e.getMessage());
    }

    @Test void theRootItselfIsADirectory() throws IOException {
        try (OpenFile itself = root.open(new byte[0], 0)) {
            assertTrue(itself.isDirectory());
            assertFalse(itself.isRegular());
        }
        assertEquals(directory.toRealPath(), root.path());
    }

    @Test void openingDoesNotWaitForTheOtherSideOfAPipe() throws IOException {
        try (var mkfifo = TestProcess.start("mkfifo", directory.resolve("fifo").toString())) {
            assertEquals(0, mkfifo.awaitExit());
        }
        byte[] name = "fifo".getBytes(StandardCharsets.US_ASCII);
        try (OpenFile fifo = root.open(name, name.length)) {
            assertFalse(fifo.isRegular());
        }
    }

    @Test void itStaysWithItsDirectoryWhenThatIsMoved() throws IOException {
        Files.move(directory, temporary.resolve("elsewhere"));
        assertEquals("inside", content("file"));
        assertEquals(FileOpenException.Reason.OUTSIDE, refusal("../secret"));
    }

    @Test void renamingDirectoriesMeanwhileOpensNoWayOut() throws IOException {
        // The classic race: 'a/b' is moved out while 'a/b/../../..' is walked.
        var stop = new AtomicBoolean();
        List<Throwable> thrown = new ArrayList<>();
        Thread mover = Thread.ofPlatform().start(() -> {
            try {
                while (!stop.get()) {
                    Files.move(directory.resolve("a/b"), temporary.resolve("b"), StandardCopyOption.ATOMIC_MOVE);
                    Files.move(temporary.resolve("b"), directory.resolve("a/b"), StandardCopyOption.ATOMIC_MOVE);
                }
            } catch (Throwable t) {
                thrown.add(t);
            }
        });
        try {
            byte[] name = "a/b/../../secret".getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < 3_000; i++) {
                try (OpenFile file = root.open(name, name.length)) {
                    throw new AssertionError("found a way out to a file of " + file.size() + " bytes");
                } catch (FileOpenException refused) {
                    assertTrue(refused.reason() != FileOpenException.Reason.FORBIDDEN, refused.getMessage());
                }
            }
        } finally {
            stop.set(true);
            Eventually.awaitEnd(mover);
        }
        assertEquals(List.of(), thrown);
    }

    @Test void whatIsNoDirectoryIsNoRoot() {
        assertThrows(IOException.class, () -> FileRoot.open(directory.resolve("file")));
        assertThrows(NoSuchFileException.class, () -> FileRoot.open(directory.resolve("nothing")));
    }
}
