package org.libtorque.thread;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.event.ListenOptions;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Backend;

/** Reading, waiting and writing allocate nothing on the Java heap in steady state: by the count of the vcore's thread, on which the threads run. */
class SocketAllocationTest {
    private static final int WARM_UP = 20_000;
    private static final int MEASURED = 5_000;
    private static final int WINDOWS = 40;

    private final AtomicLong rounds = new AtomicLong();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    private void await(long more) {
        long until = rounds.get() + more;
        Eventually.await(() -> "there were " + more + " rounds more: " + failures, Eventually.DEFAULT_LIMIT.multipliedBy(6), () -> rounds.get() >= until);
    }

    /** What is allocated in every round, or every so many, spoils all windows; a compiler that changes its mind, or the JDK's stack of a thread that moves in memory, only some. */
    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void readingWaitingAndWritingAllocateNothing(Backend backend) throws Exception {
        try (Torque torque = Torque.open(Runtimes.options(1).withBackend(backend).withDrainTimeout(Duration.ofMillis(300)).withFailureHandler((where, e) -> failures.add(e)))) {
            Uthreads.of(torque).compensation(Duration.ZERO); // all run on the one thread that is looked at
            InetSocketAddress any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
            var listener = TorqueServerSocket.serve(torque, any, ListenOptions.DEFAULT, socket -> {
                byte[] buffer = new byte[1024];
                for (int n; (n = socket.read(buffer)) >= 0; ) socket.write(buffer, 0, n);
            });
            for (int i = 0; i < 4; i++) {
                torque.spawn(() -> {
                    try (TorqueSocket socket = TorqueSocket.connect(torque, listener.address())) {
                        byte[] message = new byte[100];
                        socket.readTimeout(Duration.ofSeconds(30));
                        while (true) {
                            socket.write(message);
                            for (int got = 0; got < message.length; ) got += socket.read(message, got, message.length - got);
                            rounds.lazySet(rounds.get() + 1); // of one vcore alone
                        }
                    } catch (IOException | IndexOutOfBoundsException e) {
                        // the end of the runtime
                    }
                });
            }
            await(WARM_UP);
            Thread vcore = Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().equals("torque-vcore-0")).findFirst().orElseThrow();
            List<Long> seen = new ArrayList<>();
            for (int window = 0; window < WINDOWS; window++) {
                long before = AllocationProbe.allocatedBytes(vcore);
                await(MEASURED);
                long bytes = AllocationProbe.allocatedBytes(vcore) - before;
                if (bytes == 0) return;
                seen.add(bytes);
            }
            throw new AssertionError("bytes allocated in windows of " + MEASURED + " rounds: " + seen);
        }
    }
}
