package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteView;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.sys.SignalFd;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

/** Children of this process, started here or by the JDK, and other processes. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class ChildSystemTest extends SystemTest {
    /** The JDK's first process leaves a descriptor open, and threads. */
    @BeforeAll static void startOneByTheJdk() throws Exception { new ProcessBuilder("true").start().waitFor(); }

    private static final class Collector implements OutputHandler {
        final StringBuffer text = new StringBuffer();
        final AtomicInteger ends = new AtomicInteger();

        @Override public void onOutput(ChildProcess child, ByteView data) { text.append(data.toLatin1(0, data.length())); }

        @Override public void onEnd(ChildProcess child) { ends.incrementAndGet(); }
    }

    /** Starts a shell and returns how it ended. */
    private ExitStatus run(Command command, OutputHandler output, OutputHandler error) throws IOException {
        var ended = new CompletableFuture<ExitStatus>();
        torque().start(command, child -> {
            if (output != null) child.onOutput(output);
            if (error != null) child.onError(error);
            child.onExit((pid, status) -> ended.complete(status));
        });
        return get(ended);
    }

    private static Command sh(String script) { return Command.of("sh", "-c", script); }

    private static boolean isZombieOrAlive(int pid) { return Files.exists(Path.of("/proc/" + pid)); }

    @Test void outputAndStatusComeInThatOrder() throws IOException {
        var output = new Collector();
        var error = new Collector();
        var atExit = new AtomicReference<String>();
        var ended = new CompletableFuture<ExitStatus>();
        var color = torque().newColor();
        var colors = ConcurrentHashMap.<Object>newKeySet();
        ChildProcess child = torque().start(sh("echo one; echo two >&2; echo three; exit 7"), color, c -> {
            colors.add(Vcore.currentColor());
            c.onOutput(output);
            c.onError(error);
            c.onExit((pid, status) -> {
                colors.add(Vcore.currentColor());
                atExit.set(output.text + "|" + error.text);
                ended.complete(status);
            });
        });
        assertEquals(new ExitStatus(7, null, false), get(ended));
        assertEquals("one\nthree\n|two\n", atExit.get());
        assertEquals(Set.of(color), colors);
        assertEquals(new ExitStatus(7, null, false), child.status());
        assertFalse(child.isOpen());
        assertFalse(isZombieOrAlive(child.pid()), "reaped");
        Eventually.await("both streams have ended", () -> output.ends.get() == 1 && error.ends.get() == 1);
    }

    @Test void aSignalThatEndedItIsNamed() throws IOException {
        assertEquals(new ExitStatus(-1, Signal.TERM, false), run(sh("kill -TERM $$"), null, null));
        var ended = new CompletableFuture<ExitStatus>();
        var pid = new AtomicInteger();
        ChildProcess child = torque().start(Command.of("sleep", "100"), c -> {
            pid.set(c.pid());
            c.onExit((p, status) -> ended.complete(status));
            assertTrue(c.signal(new Signal(9)));
        });
        assertEquals("SIGKILL", get(ended).toString());
        assertEquals(pid.get(), child.pid());
        torque().post(child.color(), () -> assertFalse(child.signal(Signal.TERM)));
    }

    @Test void whatIsWrittenArrivesAndComesBackWhole() throws IOException {
        int length = 3 << 20;
        byte[] data = random(length, 42);
        var expected = new CRC32();
        expected.update(data);
        var got = new CRC32();
        var bytes = new AtomicLong();
        var ended = new CompletableFuture<ExitStatus>();
        var most = new AtomicLong();
        torque().start(Command.of("cat"), child -> {
            child.onOutput((c, view) -> {
                got.update(view.toByteArray(0, view.length()));
                bytes.addAndGet(view.length());
            });
            child.onExit((pid, status) -> ended.complete(status));
            for (int i = 0; i < length; i += 1 << 16) assertTrue(child.write(java.util.Arrays.copyOfRange(data, i, i + (1 << 16))));
            most.set(child.waitingBytes());
            child.closeInput();
            assertFalse(child.write("too late"));
        });
        assertTrue(get(ended).isSuccess());
        assertEquals(length, bytes.get());
        assertEquals(expected.getValue(), got.getValue());
        assertEquals(length, most.get());
    }

    @Test void aPausedReaderMakesTheChildWaitAndNothingIsLost() throws IOException {
        var bytes = new AtomicLong();
        var ended = new CompletableFuture<ExitStatus>();
        ChildProcess child = torque().start(sh("head -c 1000000 /dev/zero; echo end >&2"), c -> {
            c.onOutput((self, view) -> bytes.addAndGet(view.length()));
            c.onExit((pid, status) -> ended.complete(status));
            c.pauseOutput(true);
        });
        sleep(100);
        assertEquals(0, bytes.get());
        assertNull(child.status(), "it waits for room in the pipe");
        torque().post(child.color(), () -> child.pauseOutput(false));
        get(ended);
        assertEquals(1_000_000, bytes.get());
    }

    @Test void aChildThatClosesItsInputIsNoticedByTheWriter() throws IOException {
        var ended = new CompletableFuture<ExitStatus>();
        ChildProcess child = torque().start(sh("exec 0<&-; sleep 0.1"), c -> c.onExit((pid, status) -> ended.complete(status)));
        var refused = new AtomicBoolean();
        Eventually.await("writing fails", () -> {
            torque().post(child.color(), () -> {
                if (child.isOpen() && !child.write(new byte[1000])) refused.set(true);
            });
            return refused.get() || ended.isDone();
        });
        assertTrue(get(ended).isSuccess());
    }

    @Test void filesDirectoriesAndEnvironmentAreAsAskedFor(@TempDir Path folder) throws IOException {
        Path in = Files.writeString(folder.resolve("in"), "from a file\n");
        Path out = folder.resolve("out");
        Command command = sh("cat; pwd; echo $COLOUR; echo oops >&2").withDirectory(folder).withEnvironment(Map.of("COLOUR", "red", "PATH", System.getenv("PATH")))
                .withInput(Command.Stdio.file(in)).withOutput(Command.Stdio.file(out)).withError(Command.Stdio.OUTPUT);
        assertTrue(run(command, null, null).isSuccess());
        String once = "from a file\n" + folder + "\nred\noops\n";
        assertEquals(once, Files.readString(out));
        assertTrue(run(command.withOutput(Command.Stdio.appendTo(out)), null, null).isSuccess());
        assertEquals(once + once, Files.readString(out));
        assertTrue(run(sh("cat").withInput(Command.Stdio.NOTHING).withOutput(Command.Stdio.NOTHING), null, null).isSuccess());
        var both = new Collector();
        assertTrue(run(sh("echo a; echo b >&2; echo c").withError(Command.Stdio.OUTPUT), both, null).isSuccess());
        assertEquals("a\nb\nc\n", both.text.toString());
    }

    @Test void whatCannotBeStartedIsThrownAndLeavesNothing() {
        String message = assertThrows(IOException.class, () -> torque().start(Command.of("no-such-program"), c -> { })).getMessage();
        assertTrue(message.contains("'no-such-program'") && message.contains("ENOENT"), message);
        assertThrows(IOException.class, () -> torque().start(sh("true").withDirectory(Path.of("/no/such")), c -> { }));
        assertThrows(IOException.class, () -> torque().start(sh("true").withInput(Command.Stdio.file(Path.of("/no/such"))), c -> { }));
    }

    @Test void aClosedRegistrationIsSilentAndTheChildIsReapedAllTheSame() throws IOException {
        var calls = new AtomicInteger();
        ChildProcess child = torque().start(sh("sleep 0.1; echo late; exit 3"), c -> {
            c.onOutput((self, view) -> calls.incrementAndGet());
            c.onExit((pid, status) -> calls.incrementAndGet());
            c.close();
        });
        Eventually.await("it has ended and was reaped", () -> child.status() != null && !isZombieOrAlive(child.pid()));
        assertEquals(0, calls.get());
        assertFalse(child.isOpen());
    }

    @Test void aChildThatOutlivesTheRuntimeIsReaped() throws IOException {
        ChildProcess child = torque().start(Command.of("sleep", "100"), c -> { });
        stop();
        assertTrue(isZombieOrAlive(child.pid()));
        assertEquals(0, Processes.kill(ErrnoSlot.current(), child.pid(), SignalFd.SIGTERM));
        Eventually.await("no zombie is left", () -> !isZombieOrAlive(child.pid()));
    }

    @Test void aHundredChildrenAtOnceEachEndOnceWithTheirOwnStatus() throws IOException {
        Map<Integer, ExitStatus> ended = new ConcurrentHashMap<>();
        Map<Integer, Integer> expected = new ConcurrentHashMap<>();
        var twice = new AtomicInteger();
        for (int i = 0; i < 100; i++) {
            int code = i;
            ChildProcess child = torque().start(sh("exit " + i).withInput(Command.Stdio.NOTHING).withOutput(Command.Stdio.NOTHING).withError(Command.Stdio.NOTHING),
                    c -> c.onExit((pid, status) -> {
                        if (ended.put(pid, status) != null) twice.incrementAndGet();
                    }));
            expected.put(child.pid(), code);
        }
        Eventually.await("all have ended", () -> ended.size() == 100);
        assertEquals(0, twice.get());
        expected.forEach((pid, code) -> assertEquals(code, ended.get(pid).code()));
        for (int pid : expected.keySet()) assertFalse(isZombieOrAlive(pid));
    }

    // ---- processes that somebody else waits for

    @Test void theJdksChildrenAreReportedAndTheJdkStillGetsTheirStatus() throws Exception {
        for (int i = 0; i < 30; i++) {
            Process process = new ProcessBuilder("sh", "-c", "exit " + i).start();
            var ended = new CompletableFuture<ExitStatus>();
            torque().onExit(process, torque().newColor(), (pid, status) -> ended.complete(status));
            assertEquals(i, get(ended).code());
            assertEquals(i, process.waitFor());
        }
        Process process = new ProcessBuilder("sh", "-c", "exit 5").start();
        process.waitFor();
        var late = new CompletableFuture<ExitStatus>();
        torque().onExit(process, torque().newColor(), (pid, status) -> late.complete(status));
        assertEquals(5, get(late).code(), "it has been waited for already");
    }

    @Test void anyProcesssEndIsReported() throws Exception {
        // A grandchild: its parent is the shell, which waits for it, or init.
        var text = new Collector();
        var grandchild = new CompletableFuture<ExitStatus>();
        List<Registration> registrations = new ArrayList<>();
        var done = new CompletableFuture<ExitStatus>();
        ChildProcess parent = torque().start(sh("exec 3<&0; sh -c 'echo $$; read line; exit 9' <&3 & wait"), c -> {
            c.onOutput(text);
            c.onExit((pid, status) -> done.complete(status));
        });
        Eventually.await("the grandchild says its number", () -> text.text.indexOf("\n") > 0);
        int pid = Integer.parseInt(text.text.toString().strip());
        registrations.add(torque().onExit(pid, torque().newColor(), (p, status) -> grandchild.complete(status)));
        sleep(20);
        assertFalse(grandchild.isDone());
        torque().post(parent.color(), () -> parent.write("go\n"));
        assertEquals(new ExitStatus(9, null, false), get(grandchild));
        assertFalse(registrations.getFirst().isOpen(), "once");
        get(done);
    }

    @Test void aZombieOfSomebodyElseIsReportedWithItsStatus() throws Exception {
        // The parent becomes a program that waits for nobody.
        var text = new Collector();
        ChildProcess parent = torque().start(sh("sh -c 'sleep 0.2; exit 4' & echo $!; exec sleep 100"), c -> c.onOutput(text));
        Eventually.await("the number", () -> text.text.indexOf("\n") > 0);
        int pid = Integer.parseInt(text.text.toString().strip());
        var ended = new CompletableFuture<ExitStatus>();
        torque().onExit(pid, torque().newColor(), (p, status) -> ended.complete(status));
        assertEquals(4, get(ended).code());
        torque().post(parent.color(), () -> parent.signal(Signal.TERM));
        Eventually.await("the parent has ended", () -> parent.status() != null);
    }

    @Test void aProcessThatIsNotThereIsRefused() {
        String message = assertThrows(IOException.class, () -> torque().onExit(0x3FFF_FFFE, (pid, status) -> { })).getMessage();
        assertTrue(message.contains("there is none"), message);
    }

    @Test void aClosedRegistrationOfAProcessIsSilent() throws Exception {
        var calls = new AtomicInteger();
        Process process = new ProcessBuilder("sh", "-c", "read x").start(); // so that it ends when it is told
        Registration registration = torque().onExit(process, torque().newColor(), (pid, status) -> calls.incrementAndGet());
        registration.close();
        assertFalse(registration.isOpen());
        process.getOutputStream().close();
        process.waitFor();
        sleep(30);
        assertEquals(0, calls.get());
    }

    @Test void noDescriptorOfOursReachesAChild() throws IOException {
        torque();
        var text = new Collector();
        assertTrue(run(sh("for f in /proc/self/fd/*; do readlink $f; done; :"), text, null).isSuccess());
        Set<String> kinds = new HashSet<>(text.text.toString().lines().toList());
        assertTrue(kinds.stream().noneMatch(k -> k.contains("eventpoll") || k.contains("io_uring") || k.contains("socket")), kinds::toString);
        assertTrue(kinds.stream().anyMatch(k -> k.startsWith("pipe:")), kinds::toString);
    }

    /** Has a child end while its colour is held, and returns how it ended: its output and its end are then both there. */
    private ExitStatus endWhileHeld(Command command, ChildHandler handler) throws Exception {
        var color = torque().newColor();
        var ended = new CompletableFuture<ExitStatus>();
        var started = new CompletableFuture<Integer>();
        torque().start(command, color, child -> {
            handler.onStart(child);
            child.onExit((pid, status) -> ended.complete(status));
            started.complete(child.pid());
        });
        int pid = get(started);
        var release = hold(color);
        Eventually.await("it has ended", () -> {
            try {
                String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
                return stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
            } catch (IOException e) {
                return true;
            }
        });
        release.countDown();
        return get(ended);
    }

    @Test void itsEndIsToldThoughTheHandlerOfItsOutputFails() throws Exception {
        var bytes = new AtomicLong();
        var atExit = new AtomicLong();
        ExitStatus status = endWhileHeld(sh("sleep 0.2; head -c 65536 /dev/zero; exit 3"), child -> child.onOutput((c, data) -> {
            bytes.addAndGet(data.length());
            throw new IllegalStateException("no, thanks");
        }));
        atExit.set(bytes.get());
        assertEquals(3, status.code());
        assertEquals(65536, atExit.get(), "what it wrote comes first");
        Eventually.await("both blocks have failed", () -> failures.size() >= 2);
        failures.forEach(failure -> assertEquals("no, thanks", failure.getMessage()));
        failures.clear();
    }

    @Test void itsEndIsToldThoughOthersWriteOnIntoItsPipe() throws Exception {
        var child = new AtomicReference<ChildProcess>();
        var grandchild = new CompletableFuture<Integer>();
        ExitStatus status = endWhileHeld(sh("sleep 0.2; yes & echo $! >&2"), c -> {
            child.set(c);
            c.onOutput((self, data) -> sleep(2)); // slower than what writes
            c.onError((self, data) -> grandchild.complete(Integer.parseInt(data.toLatin1(0, data.length()).strip())));
        });
        assertEquals(0, status.code());
        Processes.kill(ErrnoSlot.current(), get(grandchild), SignalFd.SIGKILL);
    }

    @Test void whoWaitsUntilItIsWrittenIsToldWhenTheChildHasEndedThoughOthersHoldItsInput() throws Exception {
        var told = new CompletableFuture<Long>();
        var grandchild = new CompletableFuture<Integer>();
        ExitStatus status = endWhileHeld(sh("sleep 0.2; exec 3<&0; sleep 300 <&3 >/dev/null 2>&1 & echo $!; exit 5"), c -> {
            c.onOutput((self, data) -> grandchild.complete(Integer.parseInt(data.toLatin1(0, data.length()).strip())));
            c.onWritten(self -> told.complete(self.waitingBytes()));
            c.write(new byte[1 << 20]); // nobody reads it
        });
        assertEquals(5, status.code());
        try {
            assertEquals(0, get(told));
        } finally {
            Processes.kill(ErrnoSlot.current(), get(grandchild), SignalFd.SIGKILL);
        }
    }
}
