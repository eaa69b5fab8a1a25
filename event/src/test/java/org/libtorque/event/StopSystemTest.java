package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

/** Stopping drains: what has been promised is served, what is new is refused, what takes too long is cut off. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class StopSystemTest extends SystemTest {
    /** Keeps every vcore busy until the latch is released, so that the kernel has time to pile something up. */
    private void occupyVcores(CountDownLatch until) {
        var busy = new CountDownLatch(setup.vcores());
        for (Vcore vcore : torque().vcores()) {
            torque().post(vcore.newColor(), () -> {
                busy.countDown();
                try {
                    until.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        Eventually.await("all vcores are busy", () -> busy.getCount() == 0);
    }

    @Test void aRuntimeWithoutAnythingStopsAtOnce() {
        Torque torque = torque();
        assertFalse(torque.isStopping());
        torque.stop();
        torque.stop();
        assertTrue(torque.isStopping());
        stop();
        torque.close();
        assertThrows(IllegalStateException.class, () -> torque.listen(ANY_PORT, c -> { }));
        assertThrows(IllegalStateException.class, () -> torque.connect(ANY_PORT, c -> { }, cause -> { }));
        assertThrows(RejectedExecutionException.class, () -> torque.post(() -> { }));
        assertThrows(RejectedExecutionException.class, () -> torque.after(Duration.ZERO, () -> { }));
    }

    @Test void itCanBeStoppedFromACallbackButNotClosedThere() {
        Torque torque = torque();
        var thrown = onVcore(() -> assertThrows(IllegalStateException.class, torque::close));
        assertTrue(thrown.getMessage().contains("stop()"), thrown.getMessage());
        torque.post(torque::stop);
        Eventually.await("it stops", torque::isStopping);
        stop();
    }

    @Test void blockReturnsWhenItHasStopped() throws InterruptedException {
        Torque torque = torque();
        var ready = new AtomicBoolean();
        torque.after(Duration.ofMillis(20), torque::stop);
        torque.block(() -> ready.set(true));
        assertTrue(ready.get());
        assertTrue(torque.isStopping());
    }

    @Test void idleConnectionsAreClosedInAnOrderlyWay() throws IOException {
        var causes = new CopyOnWriteArrayList<Optional<Throwable>>();
        Listener listener = serve(c -> c.onRead(Connection::write).onClose((self, cause) -> causes.add(Optional.ofNullable(cause))));
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) clients.add(Client.to(listener));
            for (Client client : clients) client.expectEcho("hello");
            stop();
            for (Client client : clients) client.expectEnd();
        } finally {
            for (Client client : clients) client.close();
        }
        assertEquals(20, causes.size());
        for (Optional<Throwable> cause : causes) assertEquals(Optional.empty(), cause);
        assertFalse(listener.isOpen());
    }

    @Test void nothingNewIsAccepted() throws IOException {
        Listener listener = serve(c -> c.onDrain(self -> torque().after(Duration.ofMillis(100), self.color(), self::close)));
        try (var client = Client.to(listener)) {
            Eventually.await("it is open", () -> listener.connections() == 1);
            torque().stop();
            Eventually.await("nobody listens any more", () -> {
                try (var late = Client.to(listener)) {
                    late.awaitGone();
                    return false;
                } catch (ConnectException e) {
                    return true;
                } catch (IOException e) {
                    return false;
                }
            });
            client.expectEnd();
        }
    }

    @Test void whatHasArrivedIsAnsweredFirst() throws IOException {
        for (int round = 0; round < 10; round++) {
            Listener listener = echo();
            List<Client> clients = new ArrayList<>();
            var release = new CountDownLatch(1);
            try {
                for (int i = 0; i < 30; i++) clients.add(Client.to(listener));
                for (Client client : clients) client.expectEcho("x");
                occupyVcores(release);
                for (Client client : clients) client.send("request");
                torque().stop();
                release.countDown();
                for (Client client : clients) assertEquals("request", client.readAllText());
            } finally {
                release.countDown();
                for (Client client : clients) client.close();
            }
            stop();
        }
    }

    @Test void connectionsThatWaitToBeAcceptedAreServed() throws IOException {
        for (int round = 0; round < 5; round++) {
            Listener listener = echo();
            List<Client> clients = new ArrayList<>();
            var release = new CountDownLatch(1);
            try (var first = Client.to(listener)) {
                first.expectEcho("accepting works");
                occupyVcores(release);
                for (int i = 0; i < 50; i++) clients.add(Client.to(listener).send("number " + i));
                torque().stop();
                release.countDown();
                for (int i = 0; i < 50; i++) assertEquals("number " + i, clients.get(i).readAllText());
            } finally {
                release.countDown();
                for (Client client : clients) client.close();
            }
            stop();
        }
    }

    @Test void closingAListenerServesThoseWhoWaitToo() throws IOException {
        Listener listener = echo();
        List<Client> clients = new ArrayList<>();
        var release = new CountDownLatch(1);
        try {
            occupyVcores(release);
            for (int i = 0; i < 50; i++) clients.add(Client.to(listener));
            listener.close();
            listener.close();
            assertFalse(listener.isOpen());
            release.countDown();
            for (int i = 0; i < 50; i++) clients.get(i).expectEcho("number " + i);
            Eventually.await("nobody listens any more", () -> {
                try (var late = Client.to(listener)) {
                    late.awaitGone();
                    return false;
                } catch (IOException e) {
                    return e instanceof ConnectException;
                }
            });
            clients.getFirst().expectEcho("still served");
        } finally {
            release.countDown();
            for (Client client : clients) client.close();
        }
    }

    @Test void anAnswerInTheMakingIsWaitedFor() throws IOException {
        var asked = new CompletableFuture<Boolean>();
        Listener listener = serve(c -> {
            boolean[] working = new boolean[1];
            boolean[] last = new boolean[1];
            c.onRead((self, data) -> {
                data.consumeAll();
                working[0] = true;
                asked.complete(true);
                torque().after(Duration.ofMillis(80), self.color(), () -> {
                    self.write("answer".getBytes(StandardCharsets.US_ASCII));
                    working[0] = false;
                    if (last[0]) self.close();
                });
            });
            c.onDrain(self -> {
                last[0] = true;
                if (!working[0]) self.close();
            });
        });
        try (var client = Client.to(listener); var idle = Client.to(listener)) {
            Eventually.await("both are open", () -> listener.connections() == 2);
            client.send("request");
            get(asked);
            torque().stop();
            idle.expectEnd();
            assertEquals("answer", client.readAllText());
        }
    }

    @Test void theDrainHandlerIsCalledOnceAndAfterWhatHasArrived() throws IOException {
        for (int round = 0; round < 5; round++) {
            var events = new CopyOnWriteArrayList<String>();
            Listener listener = serve(c -> c.onRead((self, data) -> {
                events.add(data.toLatin1(0, data.length()));
                self.write(data);
            }).onDrain(self -> {
                events.add("drain");
                torque().after(Duration.ofMillis(10), self.color(), self::close);
            }));
            var release = new CountDownLatch(1);
            try (var client = Client.to(listener)) {
                client.expectEcho("one");
                occupyVcores(release);
                client.send("two");
                torque().stop();
                release.countDown();
                assertEquals("two", client.readAllText());
            } finally {
                release.countDown();
            }
            stop();
            assertEquals(List.of("one", "two", "drain"), events);
        }
    }

    @Test void whatADrainHandlerThrowsEndsTheConnection() throws IOException {
        var mine = new Exception("mine");
        Listener listener = serve(c -> c.onDrain(self -> { throw mine; }));
        try (var client = Client.to(listener)) {
            Eventually.await("it is open", () -> listener.connections() == 1);
            torque().stop();
            client.awaitGone();
        }
        assertSame(mine, takeFailure());
    }

    @Test void muchPendingOutputIsSentBeforeTheEnd() throws IOException {
        var open = new CompletableFuture<Boolean>();
        Listener listener = serve(c -> {
            c.write(new byte[6_000_000]);
            open.complete(true);
        });
        try (var client = Client.to(listener.address(), 65_536)) {
            get(open);
            torque().stop();
            assertEquals(6_000_000, client.readAll().length);
        }
    }

    @Test void whoDoesNotComeToAnEndIsCutOffAtTheDeadline() throws IOException {
        open(options().withDrainTimeout(Duration.ofMillis(150)));
        var closed = new AtomicInteger();
        var stubborn = new CopyOnWriteArrayList<Connection>();
        Listener listener = serve(c -> {
            stubborn.add(c);
            c.onDrain(self -> { }).onClose((self, cause) -> closed.incrementAndGet());
        });
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 5; i++) clients.add(Client.to(listener));
            Eventually.await("all are open", () -> stubborn.size() == 5);
            long start = System.nanoTime();
            stop();
            long took = System.nanoTime() - start;
            assertTrue(took >= 150_000_000, "took " + took);
            for (Client client : clients) client.awaitGone();
        } finally {
            for (Client client : clients) client.close();
        }
        assertEquals(5, closed.get());
    }

    @Test void aConnectionUnderWayIsGivenUp() throws IOException {
        try (var full = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            List<Client> filling = new ArrayList<>();
            try {
                for (int i = 0; i < 2; i++) filling.add(Client.to(full.getLocalSocketAddress())); // the kernel takes one more than it was told
                var failed = new CompletableFuture<Throwable>();
                torque().connect(full.getLocalSocketAddress(), c -> failed.completeExceptionally(new AssertionError("connected")), failed::complete);
                sleep(30);
                assertFalse(failed.isDone());
                stop();
                assertInstanceOf(IOException.class, get(failed));
                assertEquals("the runtime is stopping", get(failed).getMessage());
            } finally {
                for (Client client : filling) client.close();
            }
        }
    }

    @Test void nobodyLosesAnAnswerWhenItStopsUnderLoad() throws IOException {
        for (int round = 0; round < 5; round++) {
            var shown = new AtomicInteger();
            Listener listener = serve(c -> c.onRead((self, data) -> {
                if (data.length() < 8) return;
                shown.incrementAndGet();
                self.write(data);
            }));
            var answers = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                threads.add(start("client " + i, () -> {
                    try (var client = Client.to(listener)) {
                        while (true) {
                            client.expectEcho("12345678");
                            answers.incrementAndGet();
                        }
                    } catch (IOException stopped) {
                        return; // closed, or reset because the next request came too late
                    }
                }, failures));
            }
            Eventually.await("it works", () -> answers.get() > 200);
            stop();
            for (Thread thread : threads) Eventually.awaitEnd(thread);
            assertEquals(shown.get(), answers.get());
        }
    }

    @Test void timersAndTasksOfTheProgramDoNotKeepItAlive() {
        torque().every(Duration.ofMillis(1), () -> { });
        torque().after(Duration.ofHours(1), () -> { });
        Runnable[] again = new Runnable[1];
        again[0] = () -> {
            if (!torque().isStopping()) torque().post(again[0]);
        };
        torque().post(again[0]);
        sleep(10);
        stop();
    }
}
