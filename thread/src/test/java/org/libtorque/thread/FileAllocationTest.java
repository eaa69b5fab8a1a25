package org.libtorque.thread;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Backend;

/** Reading and writing files in blocking style allocate nothing on the Java heap in steady state: by the count of the vcore's thread, on which the thread runs. */
class FileAllocationTest {
    private static final int WARM_UP = 5_000;
    private static final int MEASURED = 500;
    /** The compiler must have come to all that is called; where others use the CPUs it takes its time. */
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final CountedRounds rounds = new CountedRounds();

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void readingWritingAndWaitingAllocateNothing(Backend backend, @TempDir Path folder) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        try (Arena arena = Arena.ofShared();
                Torque torque = Torque.open(Runtimes.options(1).withBackend(backend).withFileThreads(1, 64).withOverstay(Duration.ZERO).withFailureHandler((where, e) -> rounds.failures.add(e)));
                TorqueFile file = TorqueFile.open(torque, folder.resolve("file"), StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            Uthreads.of(torque).compensation(Duration.ZERO); // whoever stands in makes a thread go on elsewhere
            Thread worker = torque.spawn(() -> {
                try {
                    MemorySegment one = arena.allocate(4096);
                    MemorySegment[] parts = {one.asSlice(0, 1000), one.asSlice(1000)};
                    boolean inParts = backend == Backend.IO_URING; // with epoll the compiler may leave 40 bytes to one of the two writes' calls
                    for (int turn = 0; !stop.get(); turn++) {
                        long at = 4096L * (turn & 15);
                        if (file.write(one, at) != 4096 || file.read(one, at) != 4096) throw new IOException("too short");
                        if (inParts && (file.write(parts, at) != 4096 || file.read(parts, at) != 4096)) throw new IOException("too short");
                        rounds.count(); // of one thread alone
                    }
                } catch (IOException e) {
                    rounds.failures.add(e);
                }
            });
            try {
                rounds.await(WARM_UP);
                long deadline = System.nanoTime() + Eventually.scaled(LIMIT).toNanos();
                rounds.assertAllocateNothing(MEASURED, tried -> System.nanoTime() - deadline < 0);
            } finally {
                stop.set(true);
                Runtimes.join(worker);
            }
        }
    }
}
