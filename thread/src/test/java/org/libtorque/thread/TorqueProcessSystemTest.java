package org.libtorque.thread;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.event.Command;
import org.libtorque.event.Signal;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Backend;

/** Child processes in blocking style, by a uthread that has their colour and by a platform thread. */
@ExtendWith(LeakCheck.class)
class TorqueProcessSystemTest {
    @BeforeAll static void warmUpTheJdk() { LeakCheck.openTheJdksOwnDescriptors(); }

    private static Torque open(Backend backend) { return Torque.open(Runtimes.options(2).withBackend(backend)); }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void whatIsWrittenComesThroughAndTheEndIsKnown(Backend backend) throws Exception {
        try (Torque torque = open(backend)) {
            byte[] data = new byte[1_000_000];
            new SplittableRandom(1).nextBytes(data);
            Runtimes.Body<Void> body = () -> {
                try (TorqueProcess cat = TorqueProcess.start(torque, Command.of("sh", "-c", "cat; echo done >&2; exit 3"))) {
                    Thread writer = torque.spawn(cat.color(), () -> {
                        try (var in = cat.input()) {
                            in.write(data);
                            in.flush();
                        } catch (IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    });
                    assertArrayEquals(data, cat.output().readNBytes(data.length));
                    assertEquals(-1, cat.output().read());
                    assertEquals("done\n", new String(cat.error().readAllBytes(), UTF_8));
                    assertEquals(3, cat.waitFor().code());
                    writer.join();
                    assertThrows(IOException.class, () -> {
                        cat.input().write(1);
                        cat.input().flush();
                        cat.input().write(1);
                    });
                }
                return null;
            };
            Runtimes.on(torque, body);
            body.run(); // by this thread
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void aChildThatWritesWaitsForItsReaderAndLosesNothing(Backend backend) throws Exception {
        try (Torque torque = open(backend)) {
            Runtimes.on(torque, () -> {
                try (TorqueProcess child = TorqueProcess.start(torque, Command.of("sh", "-c", "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2").withInput(Command.Stdio.NOTHING))) {
                    assertNull(child.waitFor(Duration.ofMillis(100)), "it waits for its reader");
                    assertEquals(3_000_000, child.output().readNBytes(3_000_000).length);
                    assertEquals(2_000_000, child.error().readAllBytes().length);
                    assertEquals(-1, child.output().read());
                    assertTrue(child.waitFor(Eventually.scaled(Eventually.DEFAULT_LIMIT)).isSuccess());
                    assertThrows(IllegalStateException.class, child::input);
                }
                return null;
            });
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void interruptsAndClosesEndTheWait(Backend backend) throws Exception {
        try (Torque torque = open(backend); TorqueProcess child = TorqueProcess.start(torque, Command.of("sleep", "1000"))) {
            for (boolean stream : new boolean[] {false, true}) {
                CompletableFuture<Throwable> thrown = new CompletableFuture<>();
                Thread thread = torque.spawn(() -> thrown.complete(assertThrows(Exception.class, () -> {
                    if (stream) child.output().read();
                    else child.waitFor();
                })));
                Eventually.await("it waits", () -> thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
                thread.interrupt();
                assertEquals(stream ? InterruptedIOException.class : InterruptedException.class, thrown.get(Eventually.limitSeconds(), TimeUnit.SECONDS).getClass());
            }
            CompletableFuture<Integer> read = new CompletableFuture<>();
            Thread reader = torque.spawn(() -> {
                try {
                    read.complete(child.output().read());
                } catch (IOException e) {
                    read.completeExceptionally(e);
                }
            });
            Eventually.await("it waits", () -> reader.getState() == Thread.State.WAITING || reader.getState() == Thread.State.TIMED_WAITING);
            assertNull(child.waitFor(Duration.ofSeconds(Long.MIN_VALUE)));
            assertTrue(child.signal(Signal.TERM));
            assertEquals(Signal.TERM, child.waitFor(Duration.ofSeconds(Long.MAX_VALUE)).signal());
            assertEquals(-1, read.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
        }
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void closingFailsWhoWaitsForRoomOrForThePipe(Backend backend) throws Exception {
        try (Torque torque = open(backend)) {
            for (boolean flushes : new boolean[] {false, true}) {
                for (boolean hasColor : new boolean[] {false, true}) {
                    TorqueProcess child = TorqueProcess.start(torque, Command.of("sleep", "1000"));
                    CompletableFuture<String> thrown = new CompletableFuture<>();
                    Runnable body = () -> thrown.complete(assertThrows(IOException.class, () -> {
                        child.input().write(new byte[flushes ? 100_000 : 1_000_000]);
                        child.input().flush();
                    }).getMessage());
                    Thread writer = hasColor ? torque.spawn(child.color(), body) : torque.spawn(body);
                    Eventually.await("it waits", () -> blocks(writer));
                    child.close();
                    assertEquals("process " + child.pid() + " (sleep) was closed", thrown.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
                    assertTrue(child.signal(Signal.TERM));
                }
            }
        }
    }

    private static boolean blocks(Thread thread) {
        for (StackTraceElement frame : thread.getStackTrace()) if (frame.getMethodName().equals("parkUntil") && thread.getState() == Thread.State.WAITING) return true;
        return false;
    }

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void flushingBehindTheEndOfInputWaitsForThePipe(Backend backend) throws Exception {
        try (Torque torque = open(backend); TorqueProcess child = TorqueProcess.start(torque, Command.of("sh", "-c", "read go; cat > /dev/null; sleep 1000"))) {
            CompletableFuture<Boolean> flushed = new CompletableFuture<>();
            torque.spawn(child.color(), () -> {
                try {
                    child.input().write(new byte[200_000]);
                    child.input().write('\n');
                    child.input().close();
                    child.input().flush();
                    flushed.complete(true);
                } catch (IOException e) {
                    flushed.completeExceptionally(e);
                }
            });
            assertTrue(flushed.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertTrue(child.signal(Signal.TERM));
        }
    }
}
