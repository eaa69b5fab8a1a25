package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.event.NetworkChange.What;
import org.libtorque.event.NetworkObject.Address;
import org.libtorque.event.NetworkObject.Kind;
import org.libtorque.event.NetworkObject.Link;
import org.libtorque.event.NetworkObject.Neighbour;
import org.libtorque.event.NetworkObject.Route;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Color;

/** Links, addresses, routes and neighbours, in a namespace where nobody else changes anything. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class NetworkSystemTest extends SystemTest {
    private NetworkNamespace namespace;

    @BeforeEach void makeNamespace() throws Exception { namespace = NetworkNamespace.open(); }

    @AfterEach void leaveNamespace() {
        stop();
        namespace.close();
    }

    /** Keeps what was told, and the picture that follows from it alone. */
    private static final class Recorder implements NetworkHandler {
        final List<NetworkChange> changes = new CopyOnWriteArrayList<>();
        final AtomicInteger completions = new AtomicInteger();
        final AtomicInteger losses = new AtomicInteger();
        final Map<Object, NetworkObject> picture = new HashMap<>();
        final List<String> wrong = new CopyOnWriteArrayList<>();

        @Override public synchronized void onChange(NetworkChange change) {
            changes.add(change);
            List<Object> key = List.of(change.object().kind(), change.object().key());
            switch (change.what()) {
                case FOUND, ADDED -> {
                    if (picture.put(key, change.object()) != null) wrong.add("told twice: " + change);
                }
                case CHANGED -> {
                    if (!change.before().equals(picture.remove(List.of(change.before().kind(), change.before().key())))) wrong.add("not so before: " + change);
                    picture.put(key, change.object());
                    if (change.before().equals(change.object())) wrong.add("no change: " + change);
                }
                case REMOVED -> {
                    if (!change.object().equals(picture.remove(key))) wrong.add("removed, but was not there: " + change);
                }
            }
        }

        @Override public void onComplete() { completions.incrementAndGet(); }

        @Override public void onLost() { losses.incrementAndGet(); }

        synchronized Set<NetworkObject> now() { return new HashSet<>(picture.values()); }

        boolean has(What what, Predicate<NetworkObject> which) { return changes.stream().anyMatch(c -> c.what() == what && which.test(c.object())); }
    }

    private Registration watch(Set<Kind> kinds, Color color, NetworkHandler handler, int buffer) throws Exception {
        torque();
        return namespace.run(() -> NetworkSource.open(kinds, color, handler, buffer));
    }

    private Recorder watchAll() throws Exception {
        var recorder = new Recorder();
        watch(EnumSet.allOf(Kind.class), torque().newColor(), recorder, 0);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        return recorder;
    }

    /** What somebody who comes new is told. */
    private Set<NetworkObject> fresh(Set<Kind> kinds) throws Exception {
        var recorder = new Recorder();
        Registration registration = watch(kinds, torque().newColor(), recorder, 0);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        registration.close();
        assertEquals(List.of(), recorder.wrong);
        return recorder.now();
    }

    private static Predicate<NetworkObject> link(String name, boolean up) { return o -> o instanceof Link link && link.name().equals(name) && link.up() == up; }

    private static void await(Recorder recorder, What what, Predicate<NetworkObject> which) {
        Eventually.await(() -> what + " is told: " + recorder.changes, Eventually.DEFAULT_LIMIT, () -> recorder.has(what, which));
    }

    /** Waits until what was told of some kinds is what the kernel has. */
    private void awaitTheKernelsPicture(Recorder recorder, Set<Kind> kinds) {
        Eventually.await("the picture is the kernel's", () -> {
            try {
                Set<NetworkObject> now = recorder.now();
                now.removeIf(o -> !kinds.contains(o.kind()));
                return now.equals(fresh(kinds));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test void whatIsThereIsFoundAndEveryChangeIsTold() throws Exception {
        namespace.ip("link add found0 type bridge");
        Recorder recorder = watchAll();
        assertTrue(recorder.has(What.FOUND, link("lo", false)));
        assertTrue(recorder.has(What.FOUND, link("found0", false)));
        assertTrue(recorder.changes.stream().allMatch(c -> c.what() == What.FOUND));

        namespace.ip("link add veth0 type veth peer name veth1");
        await(recorder, What.ADDED, o -> o instanceof Link l && l.name().equals("veth0") && l.driver().equals("veth") && l.hardware().length() == 17);
        namespace.ip("link set veth0 up");
        await(recorder, What.CHANGED, o -> o instanceof Link l && l.name().equals("veth0") && l.up() && !l.running());
        namespace.ip("link set veth1 up");
        await(recorder, What.CHANGED, o -> o instanceof Link l && l.name().equals("veth0") && l.up() && l.running());
        namespace.ip("link set veth0 mtu 1400");
        await(recorder, What.CHANGED, o -> o instanceof Link l && l.name().equals("veth0") && l.mtu() == 1400);

        namespace.ip("addr add 10.1.2.3/24 dev veth0");
        InetAddress address = InetAddress.ofLiteral("10.1.2.3");
        await(recorder, What.ADDED, o -> o instanceof Address a && a.address().equals(address) && a.prefixLength() == 24 && a.permanent());
        await(recorder, What.ADDED, o -> o instanceof Route r && r.isMain() && r.destination().equals(InetAddress.ofLiteral("10.1.2.0")) && r.prefixLength() == 24);
        namespace.ip("route add 192.168.0.0/16 via 10.1.2.9 metric 7");
        await(recorder, What.ADDED, o -> o instanceof Route r && r.prefixLength() == 16 && r.priority() == 7 && r.hops().getFirst().gateway().equals(InetAddress.ofLiteral("10.1.2.9")));
        namespace.ip("route replace 192.168.0.0/16 via 10.1.2.8 metric 7");
        await(recorder, What.CHANGED, o -> o instanceof Route r && r.prefixLength() == 16 && r.hops().getFirst().gateway().equals(InetAddress.ofLiteral("10.1.2.8")));
        namespace.ip("route add default nexthop via 10.1.2.10 weight 2 nexthop via 10.1.2.11");
        await(recorder, What.ADDED, o -> o instanceof Route r && r.prefixLength() == 0 && r.hops().size() == 2 && r.hops().getFirst().weight() == 2);
        namespace.ip("neigh add 10.1.2.50 lladdr 02:00:00:00:00:01 dev veth0 nud permanent");
        await(recorder, What.ADDED, o -> o instanceof Neighbour n && n.hardware().equals("02:00:00:00:00:01") && n.state().equals("permanent"));
        namespace.ip("addr add 2001:db8::1/64 dev veth0");
        await(recorder, What.ADDED, o -> o instanceof Address a && a.address().equals(InetAddress.ofLiteral("2001:db8::1")));

        namespace.ip("route del 192.168.0.0/16 metric 7");
        await(recorder, What.REMOVED, o -> o instanceof Route r && r.prefixLength() == 16 && r.priority() == 7);
        // The kernel says nothing of the routes that go with this.
        namespace.ip("link set veth0 down");
        await(recorder, What.REMOVED, o -> o instanceof Route r && r.prefixLength() == 0);
        namespace.ip("link del veth0");
        await(recorder, What.REMOVED, o -> o instanceof Link l && l.name().equals("veth0"));
        await(recorder, What.REMOVED, o -> o instanceof Link l && l.name().equals("veth1"));
        await(recorder, What.REMOVED, o -> o instanceof Address a && a.address().equals(address));
        awaitTheKernelsPicture(recorder, EnumSet.of(Kind.LINK, Kind.ADDRESS, Kind.ROUTE));
        assertEquals(List.of(), recorder.wrong);
        assertEquals(1, recorder.completions.get());
        assertEquals(0, recorder.losses.get());
    }

    @Test void onlyWhatWasAskedForIsTold() throws Exception {
        var recorder = new Recorder();
        watch(EnumSet.of(Kind.ROUTE), torque().newColor(), recorder, 0);
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        namespace.sh("ip link add d0 type bridge; ip addr add 10.9.0.1/24 dev d0; ip link set d0 up");
        await(recorder, What.ADDED, o -> o instanceof Route r && r.isMain());
        assertTrue(recorder.changes.stream().allMatch(c -> c.object() instanceof Route), recorder.changes::toString);
    }

    @Test void whenTheKernelHasLostChangesTheDifferencesAreTold() throws Exception {
        namespace.sh("ip link add d0 type bridge; ip link set d0 up; ip addr add 10.7.0.1/24 dev d0; ip addr add 10.6.0.1/24 dev d0");
        var recorder = new Recorder();
        var color = torque().newColor();
        watch(EnumSet.of(Kind.LINK, Kind.ADDRESS, Kind.ROUTE), color, recorder, 2304); // the least that the kernel gives
        Eventually.await("complete", () -> recorder.completions.get() == 1);
        int before = recorder.changes.size();
        var held = new CountDownLatch(1);
        var holding = new CountDownLatch(1);
        torque().post(color, () -> {
            holding.countDown();
            try {
                held.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        holding.await();
        var script = new StringBuilder();
        for (int i = 0; i < 200; i++) script.append("addr add 10.8.").append(i).append(".1/24 dev d0\n");
        script.append("addr del 10.6.0.1/24 dev d0\nlink add d1 type bridge\n");
        namespace.sh("ip -batch - <<'END'\n" + script + "END");
        assertEquals(before, recorder.changes.size());
        held.countDown();
        Eventually.await("it says so and catches up", () -> recorder.losses.get() >= 1 && recorder.completions.get() == 1 + recorder.losses.get());
        assertTrue(recorder.has(What.ADDED, link("d1", false)));
        assertTrue(recorder.has(What.REMOVED, o -> o instanceof Address a && a.address().equals(InetAddress.ofLiteral("10.6.0.1"))));
        assertEquals(200, recorder.changes.stream().filter(c -> c.what() == What.ADDED && c.object() instanceof Address).count());
        assertEquals(List.of(), recorder.wrong);
        awaitTheKernelsPicture(recorder, EnumSet.of(Kind.LINK, Kind.ADDRESS, Kind.ROUTE)); // which may change by itself: links that come up, addresses that are tried
    }

    @Test void aThousandAddressesComeAndGoAndThePictureIsRight() throws Exception {
        namespace.sh("ip link add d0 type bridge; ip link set d0 up");
        Recorder recorder = watchAll();
        var script = new StringBuilder();
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 500; i++) script.append("addr ").append(round == 0 ? "add" : i % 2 == 0 ? "del" : "change").append(" 10.8.").append(i / 250).append('.').append(1 + i % 250)
                    .append("/32 dev d0\n");
        }
        namespace.sh("ip -batch - <<'END'\n" + script + "END");
        awaitTheKernelsPicture(recorder, EnumSet.of(Kind.LINK, Kind.ADDRESS));
        assertEquals(List.of(), recorder.wrong);
    }

    @Test void closedInItsOwnCallbackNothingComesAfter() throws Exception {
        var calls = new AtomicInteger();
        var self = new AtomicReference<Registration>();
        var color = torque().newColor();
        List<Registration> all = new ArrayList<>();
        torque();
        namespace.run(() -> {
            var registered = new CountDownLatch(1);
            self.set(NetworkSource.open(EnumSet.of(Kind.LINK), color, change -> {
                registered.await();
                self.get().close();
                calls.incrementAndGet();
            }));
            registered.countDown();
            return all.add(self.get());
        });
        Eventually.await("told once", () -> calls.get() == 1);
        assertFalse(self.get().isOpen());
        namespace.ip("link add d0 type bridge");
        sleep(30);
        assertEquals(1, calls.get());
    }
}
