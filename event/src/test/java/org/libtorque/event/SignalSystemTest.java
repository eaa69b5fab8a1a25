package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Vcore;

/** Signals in this process, by the JDK's handler, for nobody blocks them here. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class SignalSystemTest extends SystemTest {
    private static void raise(Signal signal) { assertEquals(0, Processes.kill(ErrnoSlot.current(), Processes.getpid(), signal.number())); }

    @Test void aHandlerRunsUnderItsColour() throws Exception {
        var color = torque().newColor();
        var seen = new AtomicReference<Object>();
        Registration registration = torque().onSignal(Signal.WINCH, color, info -> seen.set(Vcore.currentColor()));
        assertSame(color, registration.color());
        raise(Signal.WINCH);
        Eventually.await("the handler has run", () -> seen.get() != null);
        assertSame(color, seen.get());
    }

    @Test void closedInItsOwnCallbackNothingComesAfter() throws Exception {
        var calls = new AtomicInteger();
        var self = new AtomicReference<Registration>();
        self.set(torque().onSignal(Signal.WINCH, info -> {
            self.get().close();
            calls.incrementAndGet();
        }));
        var other = new AtomicInteger();
        torque().onSignal(Signal.WINCH, info -> other.incrementAndGet());
        raise(Signal.WINCH);
        Eventually.await("told", () -> calls.get() == 1 && other.get() == 1);
        assertFalse(self.get().isOpen());
        raise(Signal.WINCH);
        Eventually.await("the other is told again", () -> other.get() == 2);
        assertEquals(1, calls.get());
    }

    @Test void anExceptionIsReportedAndTheNextSignalComes() throws Exception {
        var calls = new AtomicInteger();
        torque().onSignal(Signal.CONT, info -> {
            if (calls.incrementAndGet() == 1) throw new Exception("mine");
        });
        raise(Signal.CONT);
        assertEquals("mine", takeFailure().getMessage());
        raise(Signal.CONT);
        Eventually.await("told again", () -> calls.get() == 2);
    }

    @Test void whenTheLastRegistrationEndsTheOldHandlerIsBack() throws Exception {
        var before = new AtomicInteger();
        Object previous = JdkSignals.install(Signal.WINCH, before::incrementAndGet);
        try {
            var ours = new AtomicInteger();
            Registration registration = torque().onSignal(Signal.WINCH, info -> ours.incrementAndGet());
            raise(Signal.WINCH);
            Eventually.await("ours", () -> ours.get() == 1);
            registration.close();
            raise(Signal.WINCH);
            Eventually.await("theirs", () -> before.get() == 1);
            torque().onSignal(Signal.WINCH, info -> ours.incrementAndGet());
            stop();
            raise(Signal.WINCH);
            Eventually.await("theirs, since the runtime has ended", () -> before.get() == 2);
            assertEquals(1, ours.get());
        } finally {
            JdkSignals.restore(Signal.WINCH, previous);
        }
    }
}
