package org.libtorque.event;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import org.libtorque.Torque;
import org.libtorque.event.SourceRow.Delivery;
import org.libtorque.event.SourceRow.Subject;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.Processes;
import org.libtorque.sys.SyscallException;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** The kinds of sources that there are. */
final class SourceRows {
    private static final int MANY = 50;

    private SourceRows() {}

    static List<SourceRow> all() {
        List<SourceRow> rows = new ArrayList<>();
        rows.add(row("condition", Delivery.COALESCED, MANY, 100, (torque, color, receiver, folder) -> {
            Condition<Integer> condition = torque.condition(color, receiver::accept);
            return subject(condition, number -> condition.signal(number), () -> { });
        }));
        rows.add(row("counter", Delivery.COALESCED, MANY, 100, (torque, color, receiver, folder) -> {
            EventCounter counter = torque.counter(color, count -> receiver.accept((int) count));
            return subject(counter, number -> counter.increment(), () -> { });
        }));
        rows.add(row("mailbox", Delivery.EACH, MANY, 100, (torque, color, receiver, folder) -> {
            Mailbox<Integer> mailbox = torque.mailbox(64, color, receiver::accept);
            return subject(mailbox, number -> mailbox.offer(number), () -> { });
        }));
        rows.add(row("descriptor", Delivery.EACH, MANY, 100, (torque, color, receiver, folder) -> pipe(torque, receiver)));
        rows.add(row("path", Delivery.EACH, MANY, 20, (torque, color, receiver, folder) -> { // of inotify instances a user has 128
            var listed = new CountDownLatch(1);
            Registration registration = torque.onPath(folder, PathScope.TREE, color, new PathHandler() {
                @Override public void onChange(PathChange change) {
                    if (change.what() == PathChange.What.CREATED) receiver.accept(Integer.parseInt(change.path().getFileName().toString()));
                }

                @Override public void onComplete() { listed.countDown(); }
            });
            Eventually.await("the empty folder is listed: what is found is told in the order of the directory", () -> listed.getCount() == 0);
            return subject(registration, number -> Files.createDirectory(folder.resolve(Integer.toString(number))),
                    // Instances are closed by threads of the pool, a grace period of the kernel's each.
                    () -> Eventually.await("others are closed", Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> ColdFileSystemTest.inotifyInstances() < 60));
        }));
        rows.add(row("signal", Delivery.COALESCED, MANY, 100, (torque, color, receiver, folder) -> {
            Registration registration = torque.onSignal(Signal.WINCH, color, info -> receiver.accept(0));
            return subject(registration, number -> Processes.kill(ErrnoSlot.current(), Processes.getpid(), Signal.WINCH.number()), () -> { });
        }));
        rows.add(row("exit", Delivery.EACH, 1, 8, (torque, color, receiver, folder) -> {
            Process process = new ProcessBuilder("sh", "-c", "read x; exit 7").start();
            Registration registration = torque.onExit(process, color, (pid, status) -> receiver.accept(status.code() - 7));
            return subject(registration, number -> process.getOutputStream().close(), () -> {
                process.destroyForcibly().waitFor();
                process.getOutputStream().close();
                process.getInputStream().close();
                process.getErrorStream().close();
            });
        }));
        rows.add(row("timer", Delivery.EACH, 1, 100, (torque, color, receiver, folder) ->
                subject(torque.after(Duration.ofMillis(2), color, () -> receiver.accept(0)), number -> { }, () -> { })));
        rows.add(row("period", Delivery.COALESCED, 1, 100, (torque, color, receiver, folder) ->
                subject(torque.every(Duration.ofMillis(2), color, () -> receiver.accept(0)), number -> { }, () -> { })));
        rows.add(row("precise timer", Delivery.COALESCED, 1, 100, (torque, color, receiver, folder) ->
                subject(torque.timer(TimerOptions.every(Duration.ofMillis(2)).withPrecision(), color, (timer, expirations) -> receiver.accept(0)), number -> { }, () -> { })));
        rows.add(row("clock", Delivery.COALESCED, 0, 100, (torque, color, receiver, folder) ->
                subject(torque.onClockChange(color, change -> receiver.accept(0)), number -> { }, () -> { })));
        rows.add(row("walk", Delivery.EACH, 1, 20, (torque, color, receiver, folder) -> {
            Files.createDirectory(folder.resolve("entry"));
            DirectoryWalk walk = torque.files().walk(FileName.of(folder), 1, color, new DirectoryHandler() {
                @Override public void onEntries(DirectoryWalk self, List<DirectoryEntry> entries) {
                    for (int i = 0; i < entries.size(); i++) receiver.accept(i);
                }

                @Override public void onEnd(DirectoryWalk self, Throwable failure) { }
            });
            return subject(walk, number -> { }, () -> { });
        }));
        for (FileWork work : FileWork.values()) {
            int most = work == FileWork.SYNC ? 5 : MANY; // who makes a folder waits for the disk too while another syncs
            rows.add(row(work.text, Delivery.EACH, most, 10, (torque, color, receiver, folder) -> new FileSubject(work, torque, color, receiver, folder)));
        }
        rows.add(row("file sent", Delivery.EACH, MANY, 20, SentFileSubject::new));
        rows.add(row("child's pipes", Delivery.EACH, MANY, 8, (torque, color, receiver, folder) -> cat(torque, color, receiver)));
        rows.add(row("network", Delivery.EACH, 1, 30, (torque, color, receiver, folder) -> {
            Registration registration = torque.onNetwork(Set.of(NetworkObject.Kind.LINK), color, change -> {
                if (change.object() instanceof NetworkObject.Link link && link.index() == 1) receiver.accept(0); // the loopback interface is there, once
            });
            return subject(registration, number -> { }, () -> { });
        }));
        var trigger = PressureTrigger.full(PressureTrigger.Resource.MEMORY, Duration.ofMillis(1_900), Duration.ofSeconds(2));
        if (Files.isWritable(trigger.file())) {
            rows.add(row("pressure", Delivery.COALESCED, 0, 10, (torque, color, receiver, folder) ->
                    subject(torque.onPressure(trigger, color, pressure -> receiver.accept(0)), number -> { }, () -> { })));
        }
        if (canMakeGroups()) {
            rows.add(row("counters", Delivery.EACH, 1, 10, (torque, color, receiver, folder) -> {
                Path group = PressureSystemTest.newGroup();
                Registration registration = torque.onCounters(group.resolve("cgroup.events"), color, change -> receiver.accept((int) change.now() - 1));
                return subject(registration, number -> Files.writeString(group.resolve("cgroup.freeze"), "1"), () -> Files.delete(group)); // nobody is in it
            }));
        }
        rows.add(row("mailbox into a ring", Delivery.EACH, MANY, 100, (torque, color, receiver, folder) -> {
            EventRing ring = torque.ring(4);
            Condition<Integer> taker = torque.condition(color, payload -> takeAll(ring, receiver));
            Mailbox<Integer> mailbox = torque.mailbox(64, color, ring.port("mail"));
            Registration both = new Registration() {
                @Override public void close() {
                    mailbox.close();
                    taker.close();
                    ring.close();
                }

                @Override public boolean isOpen() { return mailbox.isOpen(); }

                @Override public Color color() { return color; }
            };
            var poke = torque.every(Duration.ofMillis(1), torque.newColor(), taker::signal);
            return subject(both, number -> mailbox.offer(number), poke::close);
        }));
        return rows;
    }

    private static boolean canMakeGroups() {
        try {
            Path group = PressureSystemTest.newGroup();
            if (group == null) return false;
            Files.delete(group);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void takeAll(EventRing ring, IntConsumer receiver) {
        var batch = new RingEvent[3];
        for (int n; (n = ring.poll(batch)) > 0; ) {
            for (int i = 0; i < n; i++) receiver.accept((Integer) batch[i].event());
        }
    }

    /** Numbers go through a pipe as bytes. */
    private static Subject pipe(Torque torque, IntConsumer receiver) {
        int[] ends = new int[2];
        try (Arena arena = Arena.ofConfined()) {
            long memory = arena.allocate(8, 8).address();
            SyscallException.check(org.libtorque.sys.Files.pipe2(ErrnoSlot.current(), memory, org.libtorque.sys.Files.O_NONBLOCK | org.libtorque.sys.Files.O_CLOEXEC), "pipe2", "");
            for (int i = 0; i < 2; i++) ends[i] = NativeMemory.getInt(memory + 4 * i);
        }
        var closed = new AtomicBoolean();
        Watch watch = torque.watch(ends[0], Watch.READABLE, (self, ready) -> {
            try (Arena arena = Arena.ofConfined()) {
                long memory = arena.allocate(16).address();
                for (long n; !closed.get() && (n = org.libtorque.sys.Files.read(ErrnoSlot.current(), ends[0], memory, 16)) > 0; ) {
                    for (int i = 0; i < n && !closed.get(); i++) receiver.accept(NativeMemory.getByte(memory + i));
                }
            }
        });
        Registration registration = new Registration() { // says at once that it is closed; a watch says when it is over
            @Override public void close() {
                closed.set(true);
                watch.close();
            }

            @Override public boolean isOpen() { return watch.isOpen(); }

            @Override public Color color() { return watch.color(); }
        };
        return subject(registration, number -> {
            try (Arena arena = Arena.ofConfined()) {
                long memory = arena.allocate(1).address();
                NativeMemory.putByte(memory, (byte) number);
                org.libtorque.sys.Files.write(ErrnoSlot.current(), ends[1], memory, 1);
            }
        }, () -> {
            Eventually.await("the watch has ended", () -> !watch.isOpen());
            for (int end : ends) org.libtorque.sys.Files.close(ErrnoSlot.current(), end);
        });
    }

    /** What is done to a file, for one number after the other; each says by its outcome that it was done for this number. */
    private enum FileWork {
        READ("file read"), WRITE("file write"), SYNC("file sync"), STATUS("file status");

        final String text;

        FileWork(String text) { this.text = text; }

        void start(FileOperation operation, AsyncFile file, MemorySegment memory, int number, FileHandler whenDone) {
            switch (this) {
                case READ -> operation.read(file, memory, number, whenDone);
                case WRITE -> {
                    memory.set(ValueLayout.JAVA_BYTE, 0, (byte) number);
                    operation.write(file, memory, number, whenDone);
                }
                case SYNC -> operation.sync(file, number % 2 == 0, whenDone);
                case STATUS -> operation.status(file, whenDone);
            }
        }

        /** Returns whether it has done its work. */
        boolean isDone(FileOperation operation, MemorySegment memory, int number) throws IOException {
            return switch (this) {
                case READ -> operation.count() == 1 && memory.get(ValueLayout.JAVA_BYTE, 0) == number;
                case WRITE -> operation.count() == 1; // the file is looked at in the end: not on a vcore, where that may wait for the disk
                case SYNC -> operation.errno() == 0;
                case STATUS -> operation.status().size() == MANY;
            };
        }
    }

    /**
     * Numbers wait in a mailbox until what was begun for the one before is done. The mailbox is the registration: operations have none, since their handlers are called in any case; that they are,
     * once for each that was begun, is looked at in the end.
     */
    private abstract static class OneByOne implements Subject {
        /** Whether what was begun has done what it should. */
        interface Check {
            boolean isGood() throws Exception;
        }

        final Torque torque;
        final Path path;
        private final IntConsumer receiver;
        private Mailbox<Integer> mailbox;
        /** The colour's. */
        private final ArrayDeque<Integer> waiting = new ArrayDeque<>();
        private volatile int begun;
        private volatile int ended;

        /** Makes a file with a byte for each number. */
        OneByOne(Torque torque, IntConsumer receiver, Path folder, IntUnaryOperator byteAt) throws IOException {
            this.torque = torque;
            this.receiver = receiver;
            byte[] content = new byte[MANY];
            for (int i = 0; i < MANY; i++) content[i] = (byte) byteAt.applyAsInt(i);
            path = Files.write(folder.resolve("file"), content);
        }

        /** All is there: numbers may come. */
        final void open(Color color) {
            mailbox = torque.mailbox(64, color, number -> {
                waiting.add(number);
                if (waiting.size() == 1) next();
            });
        }

        private void next() {
            begun++;
            begin(waiting.element());
        }

        /** Begins what is done for a number; {@link #done} is called when that has ended. Under the colour. */
        abstract void begin(int number);

        /** @param check is not asked when nobody is told any more: then what it looks at may be gone */
        final void done(int number, Check check) throws Exception {
            ended++;
            if (!mailbox.isOpen()) return;
            receiver.accept(check.isGood() ? number : -1);
            waiting.remove();
            if (!waiting.isEmpty() && mailbox.isOpen()) next();
        }

        @Override public final Registration registration() { return mailbox; }

        @Override public final void cause(int number) { mailbox.offer(number); }

        /** What is in flight when the runtime stops may tell nobody; but it has let go of memory and connections. */
        final void awaitEnds() {
            Eventually.await(() -> ended + " of " + begun + " have ended", Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> ended == begun || torque.vcores().getFirst().hasStopped());
        }
    }

    /** One operation after the other on a file. */
    private static final class FileSubject extends OneByOne {
        private final FileWork work;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment memory = arena.allocate(1);
        private final FileOperation operation;
        private final AsyncFile file;
        private volatile int written;

        FileSubject(FileWork work, Torque torque, Color color, IntConsumer receiver, Path folder) throws Exception {
            super(torque, receiver, folder, i -> work == FileWork.WRITE ? -1 : i);
            this.work = work;
            operation = torque.files().operation(color);
            var opened = new CompletableFuture<FileOperation>();
            operation.open(FileName.of(path), opened::complete, StandardOpenOption.READ, StandardOpenOption.WRITE);
            file = SystemTest.get(opened).file();
            open(color);
        }

        @Override void begin(int number) {
            work.start(operation, file, memory, number, self -> done(number, () -> {
                boolean good = work.isDone(self, memory, number);
                if (good && work == FileWork.WRITE) written = number + 1;
                return good;
            }));
        }

        @Override public void end() throws IOException {
            awaitEnds();
            file.close();
            arena.close();
            byte[] content = Files.readAllBytes(path);
            for (int i = 0; i < written; i++) if (content[i] != i) throw new AssertionError("at " + i + " is " + content[i]);
        }
    }

    /** One file after the other is sent: one byte of it behind a head of one byte, each saying the number, to a peer who reads them in the end. */
    private static final class SentFileSubject extends OneByOne {
        private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final Socket peer;
        private final Connection connection;
        private volatile int sent;

        SentFileSubject(Torque torque, Color color, IntConsumer receiver, Path folder) throws Exception {
            super(torque, receiver, folder, i -> i);
            var opened = new CompletableFuture<Connection>();
            torque.connect(server.getLocalSocketAddress(), ConnectOptions.DEFAULT.withColor(color), opened::complete, opened::completeExceptionally);
            connection = SystemTest.get(opened);
            peer = server.accept();
            open(color);
        }

        @Override void begin(int number) {
            connection.sendFile(new byte[] {(byte) number}, FileName.of(path), number, 1, (self, count, failure) -> {
                boolean good = failure == null && count == 1;
                if (good) sent = number + 1;
                done(number, () -> good);
            });
        }

        @Override public void end() throws IOException {
            awaitEnds();
            connection.close();
            try (server; peer) {
                peer.setSoTimeout((int) Eventually.DEFAULT_LIMIT.toMillis());
                byte[] told = peer.getInputStream().readAllBytes();
                if (told.length < 2 * sent) throw new AssertionError(told.length + " bytes of " + sent + " files and heads");
                for (int i = 0; i < told.length; i++) if (told[i] != i / 2) throw new AssertionError("at " + i + " is " + told[i]);
            } catch (SocketException e) { // the connection was ended with the runtime, perhaps in the middle
                if (!torque.vcores().getFirst().hasStopped()) throw e;
            }
        }
    }

    /** Numbers go through a child as bytes. */
    private static Subject cat(Torque torque, Color color, IntConsumer receiver) throws IOException {
        ChildProcess child = torque.start(Command.of("cat"), color, self -> self.onOutput((from, data) -> {
            for (int i = 0; i < data.length() && self.isOpen(); i++) receiver.accept(data.getByte(i));
        }));
        return subject(child, number -> torque.post(color, () -> child.write(new byte[] {(byte) number})),
                // Its input has been closed, so it ends; and somebody reaps it, whatever has become of the runtime.
                () -> Eventually.await("the child is gone", Eventually.DEFAULT_LIMIT.multipliedBy(3), () -> ProcessHandle.of(child.pid()).isEmpty()));
    }

    // ---- short forms

    private interface Opening {
        Subject open(Torque torque, Color color, IntConsumer receiver, Path folder) throws Exception;
    }

    private interface Causing {
        void cause(int number) throws Exception;
    }

    private interface Ending {
        void end() throws Exception;
    }

    private static SourceRow row(String name, Delivery delivery, int most, int atOnce, Opening opening) {
        return new SourceRow() {
            @Override public String name() { return name; }

            @Override public Delivery delivery() { return delivery; }

            @Override public int most() { return most; }

            @Override public int atOnce() { return atOnce; }

            @Override public Subject open(Torque torque, Color color, IntConsumer receiver, Path folder) throws Exception { return opening.open(torque, color, receiver, folder); }

            @Override public String toString() { return name; }
        };
    }

    private static Subject subject(Registration registration, Causing causing, Ending ending) {
        return new Subject() {
            @Override public Registration registration() { return registration; }

            @Override public void cause(int number) throws Exception { causing.cause(number); }

            @Override public void end() throws Exception { ending.end(); }
        };
    }
}
