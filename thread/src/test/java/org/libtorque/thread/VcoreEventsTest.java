package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

class VcoreEventsTest {
    private final PlayedVcore play = new PlayedVcore();
    private final VcoreEvents events = new VcoreEvents(List.of(play.vcore));
    private final List<Object> got = new ArrayList<>();

    @AfterEach void end() { play.close(); }

    private void register() {
        events.register(3, event -> {
            assertSame(play.vcore, Vcore.current());
            got.add(event.payload());
        });
    }

    /** As another thread would. */
    private void send(Object payload) {
        Vcore.switchTo(null);
        assertTrue(events.sendEvent(play.vcore, 3, payload));
        Vcore.switchTo(play.vcore);
    }

    @Test void anEventRunsTheHandlerOfItsTypeOnItsVcoreInOrder() {
        register();
        for (int i = 0; i < 5; i++) send(i);
        assertEquals(List.of(), got);
        play.settle();
        assertEquals(List.of(0, 1, 2, 3, 4), got);
    }

    @Test void whileNotificationsAreDisabledEventsWait() {
        register();
        events.disableNotifications();
        events.disableNotifications();
        assertEquals(2, events.disabledDepth());
        send("a");
        play.settle();
        events.enableNotifications();
        play.settle();
        assertEquals(List.of(), got, "still disabled");
        events.enableNotifications();
        assertEquals(List.of(), got, "they come by the loop");
        play.settle();
        assertEquals(List.of("a"), got);
        assertThrows(IllegalStateException.class, events::enableNotifications);
    }

    @Test void aNotificationThatFindsThemDisabledIsNotLost() {
        register();
        send("a");
        events.disableNotifications();
        play.settle(); // the task runs
        assertEquals(List.of(), got);
        events.enableNotifications();
        play.settle();
        assertEquals(List.of("a"), got);
    }

    @Test void eventsCanBeHandledAtOnce() {
        register();
        events.disableNotifications();
        send("a");
        send("b");
        assertEquals(2, events.handleEvents());
        assertEquals(List.of("a", "b"), got);
        assertEquals(0, events.handleEvents());
        events.enableNotifications();
        play.settle();
        assertEquals(2, got.size());
    }

    @Test void whatAHandlerDisablesWaitsThoughItHadArrived() {
        register();
        events.register(6, event -> {
            got.add("disables");
            events.disableNotifications();
        });
        send("before");
        events.sendEvent(play.vcore, 6, null);
        send("a");
        send("b");
        play.settle();
        assertEquals(List.of("before", "disables"), got);
        send("c");
        play.settle();
        assertEquals(2, got.size());
        events.enableNotifications();
        play.settle();
        assertEquals(List.of("before", "disables", "a", "b", "c"), got);
    }

    @Test void aHandlerThatHandlesEventsFindsThoseThatArrivedTogetherInOrder() {
        register();
        events.register(6, event -> {
            send("late");
            assertEquals(3, events.handleEvents());
            got.add("behind");
        });
        events.sendEvent(play.vcore, 6, null);
        send("a");
        send("b");
        play.settle();
        assertEquals(List.of("a", "b", "late", "behind"), got);
    }

    @Test void aHandlerMaySendTheEventOn() {
        events.register(7, event -> {
            int n = (int) event.payload();
            got.add(n);
            event.payload(n + 1);
            if (n < 3) events.sendEvent(play.vcore, event);
        });
        events.sendEvent(play.vcore, new VcoreEvents.Event(7, 0));
        play.settle();
        assertEquals(List.of(0, 1, 2, 3), got);
    }

    @Test void whatHasNoHandlerOrFailsIsReportedAndOthersAreHandled() {
        register();
        events.register(4, event -> { throw new ArithmeticException(); });
        events.sendEvent(play.vcore, 5, null);
        events.sendEvent(play.vcore, 4, null);
        send("after");
        play.settle();
        assertEquals(List.of("after"), got);
        assertEquals(List.of(IllegalStateException.class, ArithmeticException.class), play.failures.stream().map(Object::getClass).toList());
        events.register(3, null);
        send("nobody");
        play.settle();
        assertEquals(1, got.size());
        assertEquals(3, play.failures.size());
    }

    @Test void misuseIsRefused() {
        assertThrows(IndexOutOfBoundsException.class, () -> events.register(VcoreEvents.TYPES, event -> { }));
        assertThrows(IndexOutOfBoundsException.class, () -> new VcoreEvents.Event(-1, null));
        Vcore.switchTo(null);
        assertThrows(IllegalStateException.class, events::handleEvents);
        assertThrows(IllegalStateException.class, events::disableNotifications);
        try (var other = new PlayedVcore()) {
            assertThrows(IllegalArgumentException.class, () -> events.sendEvent(other.vcore, 3, null));
        }
        play.close();
        assertFalse(events.sendEvent(play.vcore, 3, null));
    }

    @Test void sendingAnEventThatOneHasAllocatesNothing() {
        events.register(9, event -> { });
        var event = new VcoreEvents.Event(9, null);
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            events.sendEvent(play.vcore, event);
            events.handleEvents();
        });
    }

    @Test void vcoresSendToEachOtherWhileNotificationsGoOnAndOff() {
        try (Torque torque = Runtimes.open(2); var crew = new Crew(Crew.Kind.PLATFORM)) {
            var service = VcoreEvents.of(torque);
            assertSame(service, VcoreEvents.of(torque));
            List<Vcore> vcores = torque.vcores();
            int senders = 3, each = 5_000;
            var last = new AtomicIntegerArray(senders * vcores.size());
            var count = new AtomicInteger();
            var disorder = new AtomicInteger();
            service.register(1, event -> {
                int[] message = (int[]) event.payload(); // sender, number
                int at = message[0] * vcores.size() + Vcore.current().index();
                if (last.getAndSet(at, message[1]) >= message[1]) disorder.incrementAndGet();
                count.incrementAndGet();
            });
            var uthreads = Uthreads.of(torque);
            var stop = new java.util.concurrent.atomic.AtomicBoolean();
            var togglers = new ArrayList<Thread>();
            for (Vcore vcore : vcores) {
                togglers.add(uthreads.builder().placement(org.libtorque.vcore.Placement.on(vcore.index())).start(() -> {
                    while (!stop.get()) {
                        service.disableNotifications();
                        Thread.yield();
                        service.enableNotifications();
                        Thread.yield();
                    }
                }));
            }
            for (int s = 0; s < senders; s++) {
                int me = s;
                crew.start(() -> {
                    for (int i = 1; i <= each; i++) {
                        for (Vcore vcore : vcores) assertTrue(service.sendEvent(vcore, 1, new int[] {me, i}));
                    }
                });
            }
            crew.join();
            stop.set(true);
            togglers.forEach(Eventually::awaitEnd);
            Eventually.await("all have come", () -> count.get() == senders * each * vcores.size());
            assertEquals(0, disorder.get());
        }
    }
}
