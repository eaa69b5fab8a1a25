package org.libtorque.thread;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.event.ListenOptions;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.vcore.Backend;

/** Reading, waiting and writing allocate nothing on the Java heap in steady state: by the count of the vcore's thread, on which the threads run. */
class SocketAllocationTest {
    private static final int WARM_UP = 20_000;
    private static final int MEASURED = 5_000;
    private static final int WINDOWS = 40;
    /** The compiler must have come to all that is called; where others use the CPUs it takes its time. */
    private static final Duration LIMIT = AllocationProbe.LIMIT;

    private final CountedRounds rounds = new CountedRounds();

    @ParameterizedTest @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void readingWaitingAndWritingAllocateNothing(Backend backend) throws Exception {
        try (Torque torque = Torque.open(Runtimes.options(1).withBackend(backend).withDrainTimeout(Duration.ofMillis(300)).withFailureHandler((where, e) -> rounds.failures.add(e)))) {
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
                        socket.readTimeout(Duration.ofHours(1));
                        while (true) {
                            socket.write(message);
                            for (int got = 0; got < message.length; ) got += socket.read(message, got, message.length - got);
                            rounds.count(); // of one vcore alone
                        }
                    } catch (IOException | IndexOutOfBoundsException e) {
                        // the end of the runtime
                    }
                });
            }
            rounds.await(WARM_UP);
            long deadline = System.nanoTime() + Eventually.scaled(LIMIT).toNanos();
            rounds.assertAllocateNothing(MEASURED, tried -> tried < WINDOWS || System.nanoTime() - deadline < 0);
        }
    }
}
