package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Placement;
import org.libtorque.vcore.Vcore;

/** Vcores that are parked and resumed under everything that is registered with them. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#largest")
class ParkSystemTest extends SystemTest {
    private static final int CHANGES = 1_000;
    private static final int CLIENTS = 12;

    private void needTwo() { Assumptions.assumeTrue(setup.vcores() == 2, "needs two CPUs; there is one"); }

    private Vcore vcore(int index) { return torque().vcores().get(index); }

    private long moves() { return torque().vcores().stream().mapToLong(v -> v.stats().moves()).sum(); }

    private static byte at(long position) { return (byte) ((position * 0x9E3779B97F4A7C15L) >>> 53); }

    /** Sends a numbered stream in pieces of any size, and expects it back, again and again on new connections. */
    private static void talk(Listener listener, long seed, AtomicBoolean over, AtomicLong bytes, AtomicInteger connections) throws IOException {
        var random = new SplittableRandom(seed);
        while (!over.get()) {
            try (Client client = Client.to(listener)) {
                connections.incrementAndGet();
                long sent = 0;
                int rounds = random.nextInt(1, 60);
                for (int i = 0; i < rounds && !over.get(); i++) {
                    int length = random.nextInt(10) == 0 ? random.nextInt(1, 200_000) : random.nextInt(1, 3_000);
                    byte[] piece = new byte[length];
                    for (int k = 0; k < length; k++) piece[k] = at(sent + k);
                    client.send(piece);
                    byte[] back = client.read(length);
                    for (int k = 0; k < length; k++) {
                        if (back[k] != at(sent + k)) throw new AssertionError("byte " + (sent + k) + " of a connection, seed " + seed);
                    }
                    sent += length;
                    bytes.addAndGet(length);
                }
                client.shutDownOutput();
                assertEquals(0, client.readAll().length, "nothing behind the last byte");
            }
        }
    }

    @Test void aServerWhoseVcoresAreParkedAndResumedAThousandTimesAnswersEverything() throws Exception {
        needTwo();
        long seed = Long.getLong("torque.seed", 42);
        Listener listener = echo();
        DatagramListener datagrams = torque().receive(ANY_PORT, (endpoint, data) -> endpoint.reply(data));
        var ticks = new AtomicInteger();
        Color ticking = torque().newColor();
        Registration timer = torque().every(Duration.ofMillis(2), ticking, ticks::incrementAndGet);
        var over = new AtomicBoolean();
        var bytes = new AtomicLong();
        var connections = new AtomicInteger();
        List<Throwable> thrown = new CopyOnWriteArrayList<>();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            long own = seed * 1_000 + i;
            clients.add(start("client " + i, () -> talk(listener, own, over, bytes, connections), thrown));
        }
        var random = new SplittableRandom(seed);
        int changes = 0;
        long limit = System.nanoTime() + Eventually.scaled(Eventually.DEFAULT_LIMIT).multipliedBy(5).toNanos();
        // On a busy machine this thread may be through before the clients have come to anything.
        while ((changes < CHANGES || bytes.get() <= 1_000_000 || connections.get() <= CLIENTS || moves() <= 100) && thrown.isEmpty() && System.nanoTime() - limit < 0) {
            changes++;
            Vcore who = vcore(random.nextInt(2));
            Vcore other = vcore(1 - who.index());
            other.resume();
            if (random.nextBoolean()) who.park();
            else who.resume();
            if (random.nextInt(4) == 0) sleep(random.nextInt(3));
            else for (int i = random.nextInt(2_000); i > 0; i--) Thread.onSpinWait();
        }
        over.set(true);
        for (Thread client : clients) Eventually.awaitEnd(client);
        assertEquals(List.of(), thrown, "seed " + seed);
        assertTrue(changes >= CHANGES, changes + " changes");
        assertTrue(bytes.get() > 1_000_000, bytes + " bytes");
        assertTrue(connections.get() > CLIENTS, connections + " connections");
        assertTrue(moves() > 100, moves() + " moves");
        int before = ticks.get();
        Eventually.await("the timer goes on", () -> ticks.get() > before + 3);
        timer.close();
        try (var socket = new java.net.DatagramSocket()) {
            socket.setSoTimeout(Client.TIMEOUT_MILLIS);
            byte[] data = {1, 2, 3};
            for (int i = 0; i < 20; i++) {
                vcore(i % 2).resume();
                vcore(1 - i % 2).park();
                socket.send(new java.net.DatagramPacket(data, data.length, datagrams.address()));
                var back = new java.net.DatagramPacket(new byte[10], 10);
                socket.receive(back);
                assertEquals(3, back.getLength());
            }
        }
        vcore(0).resume();
        vcore(1).resume();
        Eventually.await("all connections have ended", () -> listener.connections() == 0);
    }

    @Test void aParkedVcoreSleepsWhileOthersServeWhatItHad() throws Exception {
        needTwo();
        List<Connection> open = new CopyOnWriteArrayList<>();
        Listener listener = serve(c -> {
            open.add(c);
            c.onRead(Connection::write);
        });
        var fired = new AtomicInteger();
        torque().every(Duration.ofMillis(1), torque().newColor(), fired::incrementAndGet);
        torque().every(Duration.ofMillis(1), torque().newColor(), fired::incrementAndGet);
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 40; i++) clients.add(Client.to(listener));
            for (Client client : clients) client.expectEcho("hello");
            for (int round = 0; round < 6; round++) {
                Vcore parked = vcore(round % 2);
                Vcore working = vcore(1 - round % 2);
                working.resume();
                parked.park();
                Eventually.await("all have left " + parked, () -> open.stream().allMatch(c -> c.vcore() == working));
                for (Client client : clients) client.expectEcho("moved " + round);
                clients.add(Client.to(listener));
                clients.getLast().expectEcho("new"); // whichever socket of the group it came by
                Eventually.await("it sleeps", () -> {
                    long turns = parked.stats().turns();
                    sleep(30);
                    return parked.stats().turns() - turns <= 1;
                });
                int before = fired.get();
                Eventually.await("timers go on", () -> fired.get() > before + 4);
                parked.resume();
            }
            Eventually.await("both accept again", () -> {
                try {
                    clients.add(Client.to(listener));
                    clients.getLast().expectEcho("again");
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                return open.stream().map(Connection::vcore).distinct().count() == 2;
            });
        } finally {
            for (Client client : clients) client.close();
        }
    }

    @Test void stoppingWhileVcoresAreBeingParkedLosesNothing() throws Exception {
        needTwo();
        long seed = Long.getLong("torque.seed", 0);
        for (long round = seed; round < seed + 4L * Integer.getInteger("torque.seeds", 20); round++) {
            Torque torque = torque();
            Listener listener = echo();
            List<Client> clients = new ArrayList<>();
            try {
                for (int i = 0; i < 10; i++) clients.add(Client.to(listener));
                for (Client client : clients) client.expectEcho("a");
                for (Client client : clients) client.send("last words");
                var random = new SplittableRandom(round);
                Vcore who = vcore((int) (round & 1));
                who.park();
                for (int i = random.nextInt(20_000); i > 0; i--) Thread.onSpinWait();
                if (random.nextInt(3) == 0) who.resume();
                torque.stop();
                if (random.nextInt(3) == 0) who.resume();
                for (Client client : clients) assertEquals("last words", client.readAllText(), "round " + round);
                stop();
            } finally {
                for (Client client : clients) client.close();
            }
        }
    }

    @Test void aPinnedColourStaysAndKeepsItsVcoreAwakeForItself() throws Exception {
        needTwo();
        var wheres = new CopyOnWriteArrayList<Vcore>();
        Color color = vcore(1).newColor().pin();
        torque().every(Duration.ofMillis(2), color, () -> wheres.add(Vcore.current()));
        torque().yieldVcores(1);
        Eventually.await("it ran", () -> wheres.size() > 10);
        assertEquals(List.of(vcore(1)), wheres.stream().distinct().toList());
    }

    @Test void vcoresAreRequestedAndYielded() {
        needTwo();
        Torque torque = torque();
        assertEquals(2, torque.roster().working());
        assertEquals(1, torque.requestVcores(1));
        assertEquals(1, torque.vcores().stream().filter(v -> !v.isParked()).count());
        assertEquals(2, torque.requestMoreVcores(5));
        assertEquals(1, torque.yieldVcores(7));
        assertEquals(2, torque.requestVcores(100));
        assertEquals(2, torque.roster().parks());
        assertEquals(2, torque.roster().resumes());
    }

    @Test void whereAListenerAcceptsIsAsItsPlacementSays() throws Exception {
        needTwo();
        List<Connection> open = new CopyOnWriteArrayList<>();
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withPlacement(Placement.on(1)), c -> {
            open.add(c);
            c.onRead(Connection::write);
        });
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) clients.add(Client.to(listener));
            for (Client client : clients) client.expectEcho("x");
            vcore(1).park();
            for (int i = 0; i < 20; i++) clients.add(Client.to(listener));
            for (int k = 0; k < 10; k++) for (Client client : clients) client.expectEcho("y");
            for (Connection c : open) assertEquals(vcore(1), c.vcore());
            assertEquals(0, vcore(0).stats().steals());
            var connected = new CompletableFuture<Vcore>();
            torque().connect(listener.address(), ConnectOptions.DEFAULT.withPlacement(Placement.on(1)), c -> {
                connected.complete(c.vcore());
                c.close();
            }, connected::completeExceptionally);
            assertEquals(vcore(1), get(connected));
            assertEquals(vcore(1), torque().newColor(Placement.on(1)).home());
        } finally {
            for (Client client : clients) client.close();
        }
    }

    @Test void loadGovernsHowManyWork() throws Exception {
        needTwo();
        stop();
        Torque torque = open(options().withElasticity(1));
        List<Client> clients = new ArrayList<>();
        Listener listener = serve(c -> c.onRead((at, data) -> {
            long end = System.nanoTime() + 300_000; // work
            while (System.nanoTime() < end) Thread.onSpinWait();
            at.write(data);
        }));
        try {
            for (int i = 0; i < 8; i++) clients.add(Client.to(listener));
            Eventually.await("little to do parks one", () -> {
                try {
                    clients.getFirst().expectEcho("tick");
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                sleep(5);
                return torque.roster().working() == 1;
            });
            var over = new AtomicBoolean();
            List<Throwable> thrown = new CopyOnWriteArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (Client client : clients) {
                threads.add(start("busy client", () -> {
                    while (!over.get()) client.expectEcho("tock");
                }, thrown));
            }
            Eventually.await("much to do has both work", () -> torque.roster().working() == 2);
            over.set(true);
            for (Thread thread : threads) Eventually.awaitEnd(thread);
            assertEquals(List.of(), thrown);
        } finally {
            for (Client client : clients) client.close();
        }
    }

    @Test void elasticityIsRefusedWhereItCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> options().withElasticity(-1));
        assertThrows(IllegalArgumentException.class, () -> options().withElasticity(setup.vcores() + 1));
        assertThrows(IllegalArgumentException.class, () -> options().withElasticity(1).withBalance(Balance.STATIC));
    }
}
