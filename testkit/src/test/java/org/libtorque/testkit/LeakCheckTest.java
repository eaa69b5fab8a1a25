package org.libtorque.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class LeakCheckTest {
    @Test void anOpenFileIsNamedUntilItIsClosed(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("leak"));
        Map<Integer, String> before = LeakCheck.openDescriptors();
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            assertTrue(channel.isOpen());
            assertTrue(LeakCheck.openedSince(before).containsValue(file.toRealPath().toString()));
        }
        assertEquals(Map.of(), LeakCheck.openedSince(before));
    }

    @Test void aDescriptorThatNowRefersToSomethingElseCounts(@TempDir Path directory) throws IOException {
        Path file = Files.createFile(directory.resolve("leak"));
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            assertTrue(channel.isOpen());
            Map<Integer, String> before = LeakCheck.openDescriptors();
            before.replaceAll((fd, target) -> target.endsWith("leak") ? "socket:[1]" : target);
            assertEquals(1, LeakCheck.openedSince(before).size());
        }
    }

    @Test void filesOfTheJvmDoNotCount() {
        assertEquals(0, LeakCheck.openDescriptors().values().stream()
                .filter(target -> target.endsWith(".jar") || target.endsWith("/lib/modules")).count());
    }
}
