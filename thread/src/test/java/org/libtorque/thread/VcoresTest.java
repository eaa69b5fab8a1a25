package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.libtorque.Torque;
import org.libtorque.event.Registration;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

class VcoresTest {
    @Test void vcoresAreAskedForAndGivenBack() {
        try (Torque torque = Runtimes.openTwo()) {
            Vcores vcores = Vcores.of(torque);
            assertEquals(2, vcores.maxVcores());
            assertEquals(2, vcores.numVcores());
            Vcores.Request one = vcores.request(1);
            assertEquals(1, vcores.numVcores());
            assertEquals(1, one.granted());
            assertFalse(one.isPending());
            assertFalse(one.cancel());
            assertEquals(2, vcores.requestMore(1).granted());
            assertEquals(2, vcores.requestMore(5).granted());
            assertThrows(IllegalArgumentException.class, () -> vcores.request(0));
            assertThrows(IllegalArgumentException.class, () -> vcores.requestMore(-1));
        }
    }

    @Test void aParticularCpuCanBeHad() {
        try (Torque torque = Runtimes.openTwo()) {
            Vcores vcores = Vcores.of(torque);
            for (Vcore wanted : torque.vcores()) {
                vcores.request(1);
                assertTrue(vcores.requestCpu(wanted.cpu()));
                assertFalse(wanted.isParked());
            }
            assertThrows(IllegalArgumentException.class, () -> vcores.requestCpu(4095));
        }
    }

    @Test void whatCannotBeGrantedWaitsAndCanBeCancelled() {
        Runtimes.needTwo();
        try (Torque torque = Torque.open(Runtimes.options(2).withKeepCpus(false))) {
            Vcores vcores = Vcores.of(torque);
            torque.roster().cpuGone(1, true);
            assertEquals(1, vcores.numVcores());
            Vcores.Request two = vcores.request(2);
            assertEquals(1, two.granted());
            assertTrue(two.isPending());
            assertFalse(vcores.requestCpu(torque.vcores().get(1).cpu()));
            torque.roster().cpuGone(1, false);
            assertEquals(2, two.granted());
            torque.roster().cpuGone(1, true);
            assertTrue(vcores.request(2).cancel());
            torque.roster().cpuGone(1, false);
            assertEquals(1, vcores.numVcores());
        }
    }

    @Test void aVcoreGivesItselfBackUnlessItIsTheLast() throws Exception {
        try (Torque torque = Runtimes.openTwo()) {
            Vcores vcores = Vcores.of(torque);
            assertFalse(vcores.yield());
            assertTrue(Runtimes.on(torque, vcores::yield));
            assertEquals(1, vcores.numVcores());
            assertFalse(Runtimes.on(torque, vcores::yield));
            assertEquals(1, vcores.numVcores());
        }
    }

    @Test void vcoreContextIsKnownAndChecked() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).compensation(Duration.ZERO); // nobody stands in for the one vcore, however long its CPU is gone
            assertFalse(Vcores.inVcoreContext());
            assertNull(Vcores.currentVcore());
            assertThrows(IllegalStateException.class, () -> Vcores.checkVcoreContext("this"));
            CompletableFuture<Boolean> callback = new CompletableFuture<>();
            torque.post(() -> callback.complete(Vcores.inVcoreContext() && Vcores.currentVcore() == torque.vcores().getFirst()));
            assertTrue(callback.get(Eventually.limitSeconds(), TimeUnit.SECONDS));
            assertFalse(Runtimes.on(torque, Vcores::inVcoreContext));
            assertEquals(torque.vcores().getFirst(), Runtimes.on(torque, Vcores::currentVcore));
        }
    }

    @Test void entryIsToldForEachVcoreAndEachTimeItWorksAgain() {
        try (Torque torque = Runtimes.openTwo()) {
            Vcores vcores = Vcores.of(torque);
            AtomicIntegerArray entries = new AtomicIntegerArray(2);
            ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
            Registration registration = vcores.onEntry(vcore -> {
                if (!Vcores.inVcoreContext() || Vcore.current() != vcore) wrong.add(vcore + " on " + Thread.currentThread());
                entries.incrementAndGet(vcore.index());
            });
            Eventually.await("both are told", () -> entries.get(0) == 1 && entries.get(1) == 1);
            vcores.request(1);
            Vcore parked = torque.vcores().stream().filter(Vcore::isParked).findFirst().orElseThrow();
            int before = entries.get(parked.index());
            Eventually.await("it is told once more", () -> {
                vcores.request(1);
                vcores.request(2);
                return entries.get(parked.index()) > before;
            });
            registration.close();
            assertFalse(registration.isOpen());
            assertTrue(wrong.isEmpty(), wrong.toString());
        }
    }
}
