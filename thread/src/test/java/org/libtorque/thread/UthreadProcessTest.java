package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.Torque;
import org.libtorque.testkit.TestProcess;
import org.libtorque.vcore.Vcore;

/** What depends on how the JVM was started. */
class UthreadProcessTest {
    /** Started by tests. */
    static final class Plain {
        public static void main(String[] arguments) throws Exception {
            try (Torque torque = Runtimes.open(1)) {
                Uthreads uthreads = Uthreads.of(torque);
                System.out.println("problem: " + uthreads.problem());
                String where = Runtimes.on(torque, () -> {
                    Uthread.sleep(Duration.ofMillis(1));
                    Uthread.parkNanos(null, 1_000_000);
                    Uthread.yield();
                    return "vcore " + Vcore.current() + ", uthread " + Uthread.current();
                });
                System.out.println("ran on " + where);
                try {
                    torque.spawn(torque.newColor(), () -> { });
                    System.out.println("colour given");
                } catch (UnsupportedOperationException e) {
                    System.out.println("no colour: " + e.getMessage());
                }
            }
        }
    }

    @Test void withoutAccessThreadsArePlainAndColoursAreRefused() throws Exception {
        try (TestProcess child = ChildJvm.start(Plain.class.getName())) {
            assertEquals(0, child.awaitExit(), child::toString);
            child.awaitLine("problem: .*--add-opens java.base/java.lang=ALL-UNNAMED");
            child.awaitLine("ran on vcore null, uthread null");
            child.awaitLine("no colour: .*--add-opens");
            assertEquals(1, child.stderr().stream().filter(line -> line.contains("degraded")).count(), child::toString);
        }
    }

    @Test void onTheClassPathOneFlagGivesAccess() throws Exception {
        try (TestProcess child = ChildJvm.start(ChildJvm.ACCESS, Plain.class.getName())) {
            assertEquals(0, child.awaitExit(), child::toString);
            child.awaitLine("problem: null");
            child.awaitLine("ran on vcore vcore 0 .*Uthread");
            child.awaitLine("colour given");
            assertTrue(child.stderr().stream().noneMatch(line -> line.contains("degraded")), child::toString);
        }
    }

    /** Structured concurrency is a preview in JDK 25, so this is compiled by the JVM that runs it. */
    private static final String STRUCTURED = """
            import java.util.concurrent.StructuredTaskScope;
            import org.libtorque.Torque;
            import org.libtorque.thread.*;

            void main() throws Exception {
                try (Torque torque = Torque.open()) {
                    Uthreads uthreads = Uthreads.of(torque);
                    Thread parent = torque.spawn(() -> {
                        try (var scope = StructuredTaskScope.open(StructuredTaskScope.Joiner.<String>allSuccessfulOrThrow(),
                                options -> options.withThreadFactory(uthreads.builder().name("part-", 1).factory()))) {
                            for (int i = 0; i < 3; i++) {
                                scope.fork(() -> {
                                    Uthread.sleep(java.time.Duration.ofMillis(2));
                                    return Thread.currentThread().getName() + (Uthread.current() != null);
                                });
                            }
                            scope.join().forEach(part -> System.out.println("got " + part.get()));
                        } catch (Exception e) {
                            e.printStackTrace();
                        }
                    });
                    parent.join();
                }
            }
            """;

    @Test void structuredConcurrencyForksUthreads(@TempDir Path folder) throws Exception {
        Path source = folder.resolve("Structured.java");
        Files.writeString(source, STRUCTURED);
        try (TestProcess child = ChildJvm.start(ChildJvm.ACCESS, "--enable-preview", "--source", "25", source.toString())) {
            assertEquals(0, child.awaitExit(Duration.ofSeconds(30)), child::toString);
            for (int i = 1; i <= 3; i++) child.awaitLine("got part-" + i + "true");
        }
    }
}
