package org.libtorque.event;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** In steady state the vcores' threads allocate nothing on the Java heap, by the JVM's own counters. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class AllocationSystemTest extends AllocationTest {
    @Test void echoingAllocatesNothing() throws IOException {
        Listener listener = echo();
        for (int i = 0; i < 8; i++) {
            torque().connect(listener.address(), c -> {
                c.write(new byte[100]);
                c.onRead((self, data) -> {
                    rounds.lazySet(rounds.get() + 1); // racy on two vcores, and good enough
                    self.write(data);
                });
            }, failures::add);
        }
        expectNoAllocation();
    }

    /** What else connections have done before must not matter: the more of a method is compiled, the less of what it calls the compiler sees through. */
    @Test void echoingAllocatesNothingAfterFilesWereSentAndConnectionsEndedInManyWays(@TempDir Path directory) throws IOException {
        Files.write(directory.resolve("file"), new byte[20_000]);
        byte[] name = {'f', 'i', 'l', 'e'};
        try (var root = FileRoot.open(directory); var file = root.open(name, 4)) {
            Listener listener = serve(c -> c.onRead((self, data) -> {
                byte what = data.getByte(0);
                if (what == 'f') {
                    data.consumeAll();
                    self.sendFile(file, 0, file.size(), done -> done.write(name));
                } else if (what == 'c') {
                    data.consumeAll();
                    self.write(name);
                    self.close();
                } else {
                    self.write(data);
                }
            }).onEnd(Connection::close));
            for (int i = 0; i < 1_500; i++) {
                try (var client = Client.to(listener)) {
                    client.expectEcho("echo");
                    client.send("f");
                    client.read(20_004);
                    if (i % 3 == 0) client.send("c").expect("file");
                    if (i % 3 == 1) client.shutDownOutput().expectEnd();
                    if (i % 3 == 2) client.reset();
                }
            }
            for (int i = 0; i < 4; i++) {
                torque().connect(listener.address(), c -> {
                    c.write(new byte[100]);
                    c.onRead((self, data) -> {
                        rounds.lazySet(rounds.get() + 1);
                        self.write(data);
                    });
                }, failures::add);
            }
            expectNoAllocation();
            stop();
        }
    }

    @Test void keepingAndJoiningWhatIsLeftAllocatesNothing() throws IOException {
        open(options().withBuffers(4096, 4096 * 1024));
        Listener listener = serve(c -> c.onRead((self, data) -> {
            int whole = data.length() / 1_000 * 1_000; // frames of 1,000 bytes; the rest is left
            if (whole == 0) return;
            self.output().put(data, 0, whole);
            data.consume(whole);
        }));
        byte[] first = new byte[700];
        byte[] second = new byte[1_300];
        torque().connect(listener.address(), c -> {
            c.write(first);
            c.write(second);
            c.onRead((self, data) -> {
                if (data.length() < 2_000) return;
                data.consume(2_000);
                rounds.lazySet(rounds.get() + 1);
                // In two parts, of which the first is looked at alone.
                self.write(first);
                self.setDeadline(3_600_000_000_000L); // far off: the conversation must not end where the machine stands still
                self.pauseReading();
                self.resumeReading();
                self.write(second);
            });
        }, failures::add);
        expectNoAllocation();
    }

    @Test void largeMessagesAndWatermarksAllocateNothing() throws IOException {
        Listener listener = serve(c -> {
            c.setWatermarks(20_000, 50_000);
            c.onRead(Connection::write);
        });
        byte[] message = new byte[60_000];
        torque().connect(listener.address(), c -> {
            int[] got = new int[1];
            c.write(message);
            c.onRead((self, data) -> {
                got[0] += data.length();
                data.consumeAll();
                if (got[0] < message.length) return;
                got[0] = 0;
                rounds.lazySet(rounds.get() + 2);
                self.write(message);
            });
        }, failures::add);
        expectNoAllocation();
    }

    @Test void answeringDatagramsAllocatesNothing() throws IOException {
        DatagramListener echo = torque().receive(ANY_PORT, (endpoint, data) -> endpoint.reply(data));
        var started = new AtomicBoolean();
        // The first datagram makes it send one to the echo; from then on each answers the other.
        DatagramListener asking = torque().receive(ANY_PORT, (endpoint, data) -> {
            rounds.lazySet(rounds.get() + 1);
            if (started.get()) {
                endpoint.reply(data);
            } else {
                started.set(true);
                endpoint.send(new byte[100], echo.address());
            }
        });
        try (var starter = new DatagramSocket()) {
            starter.send(new DatagramPacket(new byte[1], 1, asking.address()));
        }
        expectNoAllocation();
    }
}
