package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
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

    /** Started by a test. */
    static final class Parked {
        public static void main(String[] arguments) throws Exception {
            try (Torque torque = Runtimes.open(1)) {
                Thread thread = Uthreads.of(torque).builder().name("dumped-uthread").start(Parked::waitForEver);
                Eventually.await("it is parked", () -> thread.getState() == Thread.State.WAITING);
                System.out.println("parked");
                thread.join();
            }
        }

        private static void waitForEver() {
            while (true) LockSupport.park();
        }
    }

    /**
     * In a process where no other virtual thread is about: while one is mounted or taken off its carrier, a dump may crash the JVM (JDK-8364343; the JDK's own virtual threads, parked and
     * woken all the time, bring 25.0.3 down within seconds).
     */
    @Test void threadDumpsShowThem(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("dump.json");
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        try (TestProcess child = ChildJvm.start(ChildJvm.ACCESS, Parked.class.getName())) {
            child.awaitLine("^parked$");
            // On a busy machine the JVM's thread that answers may take more than the ten seconds it has.
            try (TestProcess dump = TestProcess.start(jcmd.toString(), "-J-Dsun.tools.attach.attachTimeout=60000", Long.toString(child.pid()),
                    "Thread.dump_to_file", "-format=json", file.toString())) {
                assertEquals(0, dump.awaitExit(Duration.ofSeconds(90)), dump::toString);
            }
        }
        String text = Files.readString(file);
        assertTrue(text.contains("dumped-uthread"), text);
        assertTrue(text.contains("waitForEver"), text);
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
            assertEquals(0, child.awaitExit(), child::toString);
            for (int i = 1; i <= 3; i++) child.awaitLine("got part-" + i + "true");
        }
    }
}
