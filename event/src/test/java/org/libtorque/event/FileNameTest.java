package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.api.Test;
import org.libtorque.sys.CStrings;

class FileNameTest {
    @ParameterizedTest @CsvSource({
            "name, '', name, true", "a/name, a/, name, true", "/name, /, name, true", "a//b///name//, a//b///, name, true", ".hidden, '', .hidden, true", "..., '', ..., true",
            ".x, '', .x, true", "., '', ., false", ".., '', .., false", "a/.., a/, .., false", "a/., a/, ., false", "a/b/../, a/b/, .., false", "/, /, '', false"})
    void theLastPartAndItsDirectoryAreTold(String path, String directory, String last, boolean isName) {
        FileName name = new FileName(null, path.getBytes(StandardCharsets.UTF_8));
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(FileName.MAX_BYTES).address();
            name.put(memory);
            assertEquals(path, CStrings.get(memory, 4096));
            name.putLastPart(memory);
            assertEquals(last, CStrings.get(memory, 4096));
            name.putDirectory(memory);
            assertEquals(directory, CStrings.get(memory, 4096));
        }
        assertEquals(!directory.isEmpty(), name.hasDirectory());
        assertEquals(isName, name.endsWithName());
    }

    @Test void whatTheKernelWouldCutOrMisunderstandIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new FileName(null, new byte[] {'a', 0, 'b'}));
        assertThrows(IllegalArgumentException.class, () -> new FileName(null, new byte[4096]));
        assertThrows(IllegalArgumentException.class, () -> FileName.of(Path.of("x".repeat(5000))));
        assertEquals(".", FileName.of(Path.of("")).toString());
        assertEquals("a/b", FileName.of(Path.of("a/b")).toString());
    }
}
