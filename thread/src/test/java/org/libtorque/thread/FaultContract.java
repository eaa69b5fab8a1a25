package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;

/** What becomes of threads with faults, whoever schedules them. */
final class FaultContract {
    private static final int MAPPED = 64 << 10; // also the largest page
    private static final byte GOOD = 7;

    private FaultContract() {}

    /** Something that goes wrong until it is mended. */
    private static final class Trouble implements AutoCloseable {
        final Fault.Kind kind;
        private final Path path;
        private final FileChannel file;
        private final Arena arena = Arena.ofShared();
        private volatile MemorySegment memory;
        private volatile boolean broken;

        Trouble(Fault.Kind kind) throws IOException {
            this.kind = kind;
            path = Files.createTempFile("torque-fault", null);
            file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            mend();
            memory = file.map(FileChannel.MapMode.READ_WRITE, 0, MAPPED, arena);
        }

        void cause() {
            broken = true;
            switch (kind) {
                case EXCEPTION, STACK_OVERFLOW -> { }
                case MEMORY_LOST -> {
                    try {
                        file.truncate(0);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
                case MEMORY_CLOSED -> {
                    Arena closed = Arena.ofShared();
                    memory = closed.allocate(MAPPED);
                    closed.close();
                }
            }
        }

        void mend() {
            broken = false;
            try {
                file.write(ByteBuffer.wrap(new byte[] {GOOD}), MAPPED - 1); // makes it as long as it was
                if (kind == Fault.Kind.MEMORY_CLOSED) memory = file.map(FileChannel.MapMode.READ_WRITE, 0, MAPPED, arena);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        int touch() {
            if (broken && kind == Fault.Kind.EXCEPTION) throw new UnsupportedOperationException("broken");
            if (broken && kind == Fault.Kind.STACK_OVERFLOW) return deepen(0);
            return memory.get(ValueLayout.JAVA_BYTE, MAPPED - 1);
        }

        private static int deepen(int n) { return deepen(n + 1) + 1; }

        void check(Fault fault, boolean guarded, int attempt) {
            assertEquals(kind, fault.kind(), fault::toString);
            assertEquals(guarded, fault.isGuarded());
            assertSame(guarded ? this : null, fault.subject());
            assertEquals(attempt, fault.attempt());
            check(fault.failure());
        }

        void check(Throwable failure) {
            Class<? extends Throwable> expected = switch (kind) {
                case EXCEPTION -> UnsupportedOperationException.class;
                case STACK_OVERFLOW -> StackOverflowError.class;
                case MEMORY_LOST -> InternalError.class;
                case MEMORY_CLOSED -> IllegalStateException.class;
            };
            assertInstanceOf(expected, failure);
        }

        @Override public void close() throws IOException {
            arena.close();
            file.close();
            Files.delete(path);
        }
    }

    /** A runtime, what its failure handler was told last, and the faults that somebody was asked about. */
    private static final class Stage implements AutoCloseable {
        final AtomicReference<Throwable> told = new AtomicReference<>();
        final List<Fault> faults = new ArrayList<>(); // guarded by itself
        final Torque torque = Torque.open(Runtimes.options(2).withFailureHandler((where, failure) -> told.set(failure)));
        final UthreadBuilder builder;

        Stage(Function<Torque, UthreadBuilder> kind, FaultPolicy policy) {
            builder = kind.apply(torque);
            Uthreads.of(torque).faultPolicy((thread, fault) -> {
                synchronized (faults) {
                    faults.add(fault);
                }
                assertNull(Uthread.current(), "somebody is asked in vcore context");
                assertTrue(thread.thread().isAlive());
                return policy.decide(thread, fault);
            });
        }

        List<Fault> faults() {
            synchronized (faults) {
                return List.copyOf(faults);
            }
        }

        @Override public void close() { torque.close(); }
    }

    /** Patch: the operation is run again when what was wrong has been mended, and its callers know of nothing. */
    static void whatWasMendedIsDoneAgain(Function<Torque, UthreadBuilder> kind, Fault.Kind what) throws Exception {
        try (Trouble trouble = new Trouble(what); Stage stage = new Stage(kind, (thread, fault) -> {
            if (fault.attempt() == 3) ((Trouble) fault.subject()).mend();
            return FaultAction.RETRY;
        })) {
            AtomicInteger begun = new AtomicInteger();
            int result = Runtimes.on(stage.builder, () -> {
                begun.incrementAndGet();
                trouble.cause();
                return Uthread.guarded(trouble, trouble::touch);
            });
            assertEquals(GOOD, result);
            assertEquals(1, begun.get(), "what was before the operation is not done again");
            assertEquals(3, stage.faults().size());
            for (int i = 0; i < 3; i++) trouble.check(stage.faults().get(i), true, i + 1);
            assertNull(stage.told.get());
        }
    }

    /** Patch: a value stands in. */
    static void aSubstituteStandsIn(Function<Torque, UthreadBuilder> kind, Fault.Kind what) throws Exception {
        try (Trouble trouble = new Trouble(what); Stage stage = new Stage(kind, (thread, fault) -> fault.substitute(42))) {
            int result = Runtimes.on(stage.builder, () -> {
                trouble.cause();
                int outer = Uthread.guarded(null, () -> Uthread.<Integer>guarded(trouble, trouble::touch) + 1); // of the inner one
                return outer;
            });
            assertEquals(43, result);
            assertEquals(1, stage.faults().size());
            trouble.check(stage.faults().getFirst(), true, 1);
            assertNull(stage.told.get());
        }
    }

    /** Patch: a whole action is run again, or counts as done. */
    static void anActionCanBeRunAgainOrCountAsDone(Function<Torque, UthreadBuilder> kind, Fault.Kind what) throws Exception {
        AtomicBoolean again = new AtomicBoolean(true);
        try (Trouble trouble = new Trouble(what); Stage stage = new Stage(kind, (thread, fault) -> {
            if (!again.get()) return FaultAction.SUBSTITUTE;
            trouble.mend();
            return FaultAction.RETRY;
        })) {
            List<Integer> results = new ArrayList<>(); // of one thread after the other
            AtomicInteger begun = new AtomicInteger();
            Runnable action = () -> {
                begun.incrementAndGet();
                results.add(trouble.touch());
            };
            trouble.cause();
            Runtimes.join(stage.builder.start(action));
            assertEquals(List.of((int) GOOD), results);
            assertEquals(2, begun.get());
            again.set(false);
            trouble.cause();
            Runtimes.join(stage.builder.start(action));
            assertEquals(3, begun.get());
            assertEquals(1, results.size());
            assertEquals(2, stage.faults().size());
            for (Fault fault : stage.faults()) trouble.check(fault, false, 1);
            assertNull(stage.told.get());
        }
    }

    /** Kill: that thread unwinds and ends, the handler is told of the fault itself, others go on. */
    static void whoIsKilledEndsAndNobodyElse(Function<Torque, UthreadBuilder> kind, Fault.Kind what) throws Exception {
        for (boolean guarded : new boolean[] {true, false}) {
            try (Trouble trouble = new Trouble(what); Stage stage = new Stage(kind, (thread, fault) -> FaultAction.KILL)) {
                AtomicBoolean stop = new AtomicBoolean();
                List<Thread> others = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    others.add(stage.builder.start(() -> {
                        while (!stop.get()) Uthread.parkNanos(stop, 100_000);
                    }));
                }
                AtomicBoolean after = new AtomicBoolean();
                AtomicBoolean unwound = new AtomicBoolean();
                trouble.cause();
                Runtimes.join(stage.builder.start(() -> {
                    try {
                        if (guarded) Uthread.guarded(null, () -> Uthread.guarded(trouble, trouble::touch)); // nobody is asked twice
                        else trouble.touch();
                        after.set(true);
                    } finally {
                        unwound.set(true);
                    }
                }));
                assertFalse(after.get());
                assertTrue(unwound.get());
                assertEquals(1, stage.faults().size());
                trouble.check(stage.faults().getFirst(), guarded, 1);
                trouble.check(stage.told.get());
                assertFalse(stage.torque.isStopping());
                assertTrue(others.stream().allMatch(Thread::isAlive));
                stop.set(true);
                for (Thread other : others) Runtimes.join(other);
            }
        }
    }

    /** Abort: the runtime stops, and the handler is told. */
    static void abortStopsTheRuntime(Function<Torque, UthreadBuilder> kind, Fault.Kind what) throws Exception {
        for (boolean guarded : new boolean[] {true, false}) {
            try (Trouble trouble = new Trouble(what); Stage stage = new Stage(kind, (thread, fault) -> FaultAction.ABORT)) {
                trouble.cause();
                Runtimes.join(stage.builder.start(() -> {
                    if (guarded) Uthread.guarded(trouble, trouble::touch);
                    else trouble.touch();
                }));
                trouble.check(stage.told.get());
                Eventually.await("the runtime stops", stage.torque::isStopping);
            }
        }
    }

    /** Whoever decides may fail, or not decide. */
    static void whoIsNotDecidedAboutIsKilled(Function<Torque, UthreadBuilder> kind) throws Exception {
        AssertionError failure = new AssertionError("of the policy");
        AtomicReference<Throwable> first = new AtomicReference<>();
        AtomicBoolean fails = new AtomicBoolean(true);
        try (Torque torque = Torque.open(Runtimes.options(1).withFailureHandler((where, e) -> first.compareAndSet(null, e)))) {
            Uthreads.of(torque).faultPolicy((thread, fault) -> {
                if (fails.get()) throw failure;
                return null;
            });
            UthreadBuilder builder = kind.apply(torque);
            Runtimes.join(builder.start(() -> {
                throw new UnsupportedOperationException();
            }));
            assertSame(failure, first.get());
            first.set(null);
            fails.set(false);
            Runtimes.join(builder.start(() -> {
                throw new UnsupportedOperationException();
            }));
            assertInstanceOf(UnsupportedOperationException.class, first.get());
        }
    }

    /** Also where the compiler has left no place to look between the access and the operation's end. */
    static void noGuardedOperationReturnsWhatItHasNotRead(Function<Torque, UthreadBuilder> kind) throws Exception {
        try (Trouble trouble = new Trouble(Fault.Kind.MEMORY_LOST); Stage stage = new Stage(kind, (thread, fault) -> {
            ((Trouble) fault.subject()).mend();
            return FaultAction.RETRY;
        })) {
            int rounds = 10;
            Runtimes.on(stage.builder, () -> {
                for (int round = 0; round < rounds; round++) {
                    for (int i = 0; i < 20_000; i++) assertEquals((int) GOOD, Uthread.<Integer>guarded(trouble, trouble::touch));
                    trouble.cause();
                    assertEquals((int) GOOD, Uthread.<Integer>guarded(trouble, trouble::touch));
                }
                return null;
            });
            assertEquals(rounds, stage.faults().size());
            for (Fault fault : stage.faults()) trouble.check(fault, true, 1);
        }
    }
}
