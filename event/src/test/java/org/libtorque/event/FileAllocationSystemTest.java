package org.libtorque.event;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** As {@link AllocationSystemTest}, for files; in a JVM of its own, since what is done with segments in one program makes calls in another allocate. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class FileAllocationSystemTest extends AllocationTest {
    @Test void readingAndWritingFilesAllocatesNothing(@TempDir Path directory) throws IOException {
        Path path = Files.write(directory.resolve("file"), new byte[100_000]);
        FileBuffer fixed = torque().files().buffer(8192);
        var opened = new java.util.concurrent.CompletableFuture<AsyncFile>();
        torque().files().operation(torque().newColor()).open(FileName.of(path), o -> opened.complete(o.file()), java.nio.file.StandardOpenOption.READ,
                java.nio.file.StandardOpenOption.WRITE);
        AsyncFile file = get(opened);
        try (var arena = java.lang.foreign.Arena.ofShared()) {
            for (int i = 0; i < 4; i++) {
                boolean writes = i == 3; // with epoll through the pool
                var buffer = arena.allocate(4096);
                var parts = new java.lang.foreign.MemorySegment[] {buffer.asSlice(0, 100), buffer.asSlice(100, 1000)};
                var operation = torque().files().operation(torque().newColor());
                var next = new FileHandler[1];
                int[] turn = new int[1];
                next[0] = o -> {
                    if (o.errno() != 0) return; // closed
                    rounds.lazySet(rounds.get() + 1);
                    switch (turn[0]++ % 3) {
                        case 0 -> o.read(file, buffer, 4096L * (turn[0] % 20), next[0]);
                        case 1 -> o.read(file, parts, 4096L * (turn[0] % 20), next[0]);
                        default -> {
                            if (writes) o.write(file, buffer, 4096L * (turn[0] % 20), next[0]);
                            else o.read(file, fixed, 0, 4096, 4096L * (turn[0] % 20), next[0]);
                        }
                    }
                };
                operation.read(file, buffer, 0, next[0]);
            }
            expectNoAllocation();
            file.close(); // ends the chains
            stop();
            fixed.close();
        }
    }
}
