package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.testkit.ChildJvm;
import org.libtorque.testkit.TestProcess;

/** What the kernel's limits on watches do, in a user namespace of its own, where they are nobody else's. */
class PathProcessTest {
    private static final Path LIMIT = Path.of("/proc/sys/user/max_inotify_watches");

    @TempDir Path folder;

    private TestProcess start(int limit, PathScope scope) throws IOException, InterruptedException {
        List<String> before = List.of("unshare", "--user", "--map-root-user", "sh", "-c", "echo " + limit + " > " + LIMIT + " && exec \"$@\"", "sh");
        assumeTrue(Files.exists(LIMIT), "no " + LIMIT);
        var probe = new ProcessBuilder("unshare", "--user", "--map-root-user", "true").redirectErrorStream(true).start();
        assumeTrue(probe.waitFor() == 0, "user namespaces cannot be made here");
        return ChildJvm.start(before, List.of(), WatchLimitChild.class, folder.toString(), scope.name());
    }

    @Test void aTreeOfMoreFoldersThanMayBeWatchedIsWatchedInPartAndThatIsSaidOnce() throws Exception {
        for (int i = 0; i < 30; i++) Files.createDirectory(folder.resolve("d" + i));
        try (var child = start(20, PathScope.TREE)) {
            assertEquals(0, child.awaitExit());
            assertEquals(2, child.stdout().size(), child::toString);
            assertTrue(child.stdout().getFirst().matches("failure '.*/d\\d+' cannot be watched: .*raise it \\(said once\\)"), child::toString);
            assertTrue(child.stdout().getFirst().contains("fs.inotify.max_user_watches"), child::toString);
            assertEquals("complete", child.stdout().getLast());
        }
    }

    @Test void aFolderThatCannotBeWatchedAtAllIsRefused() throws Exception {
        try (var child = start(0, PathScope.DIRECTORY)) {
            assertEquals(0, child.awaitExit());
            assertTrue(child.stdout().getLast().matches("refused '.*' cannot be watched: .*raise it"), child::toString);
        }
    }
}
