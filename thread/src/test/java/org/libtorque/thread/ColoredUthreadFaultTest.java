package org.libtorque.thread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.libtorque.Torque;

/** Faults of threads that have a colour, and of those that no vcore runs. */
@Timeout(300)
class ColoredUthreadFaultTest {
    private static final Function<Torque, UthreadBuilder> OWN_COLORS = torque -> Uthreads.of(torque).builder();

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultWhatWasMendedIsDoneAgain(Fault.Kind what) throws Exception { FaultContract.whatWasMendedIsDoneAgain(OWN_COLORS, what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultASubstituteStandsIn(Fault.Kind what) throws Exception { FaultContract.aSubstituteStandsIn(OWN_COLORS, what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultAnActionCanBeRunAgainOrCountAsDone(Fault.Kind what) throws Exception { FaultContract.anActionCanBeRunAgainOrCountAsDone(OWN_COLORS, what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void whoIsKilledForAFaultEndsAndNobodyElse(Fault.Kind what) throws Exception { FaultContract.whoIsKilledEndsAndNobodyElse(OWN_COLORS, what); }

    @ParameterizedTest @EnumSource(Fault.Kind.class)
    void afterAFaultAbortStopsTheRuntime(Fault.Kind what) throws Exception { FaultContract.abortStopsTheRuntime(OWN_COLORS, what); }

    @Test void whoIsNotDecidedAboutAfterAFaultIsKilled() throws Exception { FaultContract.whoIsNotDecidedAboutIsKilled(OWN_COLORS); }

    @Test void noGuardedOperationReturnsWhatItHasNotRead() throws Exception { FaultContract.noGuardedOperationReturnsWhatItHasNotRead(OWN_COLORS); }

    @Test void whereNoVcoreRunsTheThreadAnOperationIsJustRun() {
        assertEquals("result", Uthread.guarded(null, () -> "result"));
        IllegalStateException failure = new IllegalStateException();
        assertSame(failure, assertThrows(IllegalStateException.class, () -> Uthread.guarded(null, () -> {
            throw failure;
        })));
    }

    @Test void aThreadMadeByTheJdksMeansIsItsMakersAndNobodyIsAskedAboutIt() throws Exception {
        try (Torque torque = Runtimes.open(1)) {
            Uthreads.of(torque).faultPolicy((thread, fault) -> fault.substitute("substitute"));
            Throwable[] thrown = new Throwable[1];
            Runtimes.on(torque, () -> {
                Thread.ofVirtual().start(() -> {
                    try {
                        Uthread.guarded(null, () -> {
                            throw new UnsupportedOperationException();
                        });
                    } catch (UnsupportedOperationException e) {
                        thrown[0] = e;
                    }
                }).join();
                return null;
            });
            assertEquals(UnsupportedOperationException.class, thrown[0].getClass());
            assertNull(thrown[0].getCause());
        }
    }
}
