package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Backend;

class WritableKernelTest {
    /** The kernel takes what is just above the watermark in one go, so output falls below it without ever having waited. */
    @ParameterizedTest
    @EnumSource(value = Backend.class, names = {"EPOLL", "IO_URING"})
    void aProgramThatStopsWhenUnwritableIsAlwaysToldToGoOn(Backend backend) throws Exception {
        var options = TorqueOptions.defaults().withBackend(backend).withDrainTimeout(Duration.ofMillis(100));
        long total = 1_000_000;
        var received = new AtomicLong();
        var done = new CountDownLatch(1);
        try (var torque = Torque.open(options)) {
            var listener = torque.listen(new InetSocketAddress("127.0.0.1", 0), c -> c.onRead((connection, data) -> {
                if (received.addAndGet(data.length()) == total) done.countDown();
                data.consumeAll();
            }));
            torque.connect(listener.address(), c -> {
                c.setWatermarks(1000, 2000);
                write(c, total);
            }, cause -> { });
            done.await(Eventually.limitSeconds(), TimeUnit.SECONDS);
        }
        assertEquals(total, received.get());
    }

    private static void write(Connection connection, long total) {
        long left = total;
        var bytes = new byte[500];
        while (left > 0 && connection.isWritable()) {
            int n = (int) Math.min(bytes.length, left);
            connection.write(bytes, 0, n);
            left -= n;
        }
        long rest = left;
        connection.onWritable(rest == 0 ? null : c -> write(c, rest));
    }
}
