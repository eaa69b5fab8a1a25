package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.Torque;
import org.libtorque.hardware.CpuSet;
import org.libtorque.sys.Affinity;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Vcore;

/** Threads are where they should be, and runtimes do not mind each other. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class PlacementSystemTest extends SystemTest {
    /** What the kernel says of a thread. */
    private static String status(Path task, String field) throws IOException {
        for (String line : Files.readAllLines(task.resolve("status"))) {
            if (line.startsWith(field + ":")) return line.substring(field.length() + 1).strip();
        }
        throw new AssertionError("no " + field + " in " + task);
    }

    /** The CPUs that each vcore's thread may run on. */
    private static Map<String, String> cpusOfVcores() throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                try {
                    String name = status(task, "Name");
                    if (name.startsWith("torque-vcore-")) found.put(name, status(task, "Cpus_allowed_list"));
                } catch (IOException ended) { // NoSuchFileException; or ESRCH, if it ended while it was read
                    continue;
                }
            }
        }
        return found;
    }

    @Test void everyVcoreHasAThreadThatIsPinnedToItsCpu() throws IOException {
        int[] cpus = setup.cpus().toArray();
        List<Vcore> vcores = torque().vcores();
        Map<String, String> expected = new TreeMap<>();
        for (int i = 0; i < cpus.length; i++) {
            assertEquals(i, vcores.get(i).index());
            assertEquals(cpus[i], vcores.get(i).cpu());
            expected.put("torque-vcore-" + i, Integer.toString(cpus[i]));
        }
        Eventually.await("the vcores' threads are there, and no others: some of before may be just ending", () -> {
            try {
                return cpusOfVcores().equals(expected);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        Path self = Path.of("/proc/self/task", Integer.toString(Affinity.gettid()));
        assertEquals(CpuSet.allowed(), CpuSet.parseList(status(self, "Cpus_allowed_list")), "the caller's thread stays where it was");
        stop();
        Eventually.await("the threads are gone", () -> {
            try {
                return cpusOfVcores().isEmpty();
            } catch (IOException e) {
                return false; // one of them went while it was read
            }
        });
    }

    @Test void aCpuThatIsNotAllowedIsRefused() {
        int none = 0;
        while (CpuSet.allowed().contains(none)) none++;
        CpuSet forbidden = CpuSet.of(none);
        var e = assertThrows(IllegalArgumentException.class, () -> Torque.open(options().withCpus(forbidden)));
        assertTrue(e.getMessage().contains(forbidden.toString()), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> options().withCpus(CpuSet.of()));
    }

    @Test void severalRuntimesShareTheCpus() throws IOException {
        List<Torque> runtimes = new ArrayList<>();
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                Torque torque = Torque.open(options());
                runtimes.add(torque);
                Listener listener = torque.listen(ANY_PORT, c -> {
                    assertEquals(c.vcore(), torque.vcores().get(c.vcore().index()));
                    c.onRead(Connection::write);
                });
                for (int k = 0; k < 4; k++) clients.add(Client.to(listener));
            }
            for (int round = 0; round < 20; round++) {
                for (Client client : clients) client.send("round " + round);
                for (Client client : clients) client.expect("round " + round);
            }
            runtimes.get(1).close();
            for (int i = 0; i < clients.size(); i++) {
                if (i / 4 == 1) clients.get(i).expectEnd();
                else clients.get(i).expectEcho("unharmed");
            }
        } finally {
            for (Client client : clients) client.close();
            for (Torque torque : runtimes) torque.close();
        }
    }

    @Test void fromAVcoreOfOneRuntimeAnotherOnesVcoresAreReachedThroughTheirInbox() throws IOException {
        try (var other = Torque.open(options().withBalance(Balance.STATIC))) { // else an idle vcore may help itself from another one's inbox
            Listener listener = other.listen(ANY_PORT, c -> c.onRead(Connection::write));
            var there = new java.util.concurrent.CompletableFuture<Vcore>();
            torque().post(() -> other.post(() -> there.complete(Vcore.current())));
            assertEquals(other.vcores().getFirst(), get(there));
            var connected = new java.util.concurrent.CompletableFuture<Vcore>();
            torque().post(() -> other.connect(listener.address(), c -> {
                connected.complete(c.vcore());
                c.close();
            }, connected::completeExceptionally));
            assertTrue(other.vcores().contains(get(connected)));
        }
    }

    @Test void manyRuntimesComeAndGo() throws IOException {
        for (int i = 0; i < 20; i++) {
            Listener listener = echo();
            try (var client = Client.to(listener)) {
                client.expectEcho("round " + i);
            }
            stop();
        }
    }
}
