package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.Topology;
import org.libtorque.vcore.Balance;

class SimulatorTest {
    private static final Costs FREE = new Costs(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static Scenario scenario(int harts, Workload workload, Policy policy, long seed) {
        return new Scenario(Topology.of(Scenario.machine(harts)), workload, policy, seed, 20_000_000, 0.6, 8, false, Costs.DEFAULT);
    }

    /** All but the time that it really took. */
    private static String figures(Result r) {
        return r.throughput() + " " + r.kinds() + " " + r.utilisation() + " " + r.steals() + " " + r.migrations() + " " + r.messages() + " " + r.wakeUps()
                + " " + r.fairness() + " " + r.events();
    }

    @ParameterizedTest @EnumSource void equalScenariosHaveEqualResultsAndOtherSeedsOthers(Policy policy) {
        for (Workload workload : Workload.values()) {
            String once = figures(Simulator.run(scenario(4, workload, policy, 7)));
            assertEquals(once, figures(Simulator.run(scenario(4, workload, policy, 7))), workload::label);
            if (workload != Workload.FAT) assertNotEquals(once, figures(Simulator.run(scenario(4, workload, policy, 8))), workload::label);
        }
    }

    @ParameterizedTest @EnumSource(names = {"FAT", "LONE"}, mode = EnumSource.Mode.EXCLUDE)
    void allPoliciesMeetTheSameRequests(Workload workload) {
        int[] expected = null;
        for (Policy policy : Policy.values()) {
            var simulation = new Simulation(scenario(4, workload, policy, 3));
            simulation.run();
            int[] arrived = Arrays.stream(simulation.connections()).mapToInt(c -> c.arrived).toArray();
            if (expected == null) expected = arrived;
            assertTrue(Arrays.stream(arrived).sum() > 1000, workload::label);
            org.junit.jupiter.api.Assertions.assertArrayEquals(expected, arrived, policy::label);
        }
    }

    /** Pollaczek and Khinchine: the mean wait is λ E[S²] / 2 (1 - ρ), whatever the order among those who wait, if it does not look at their length. */
    @ParameterizedTest @EnumSource(names = {"IDEAL", "NETTY", "SHARED", "STATIC"})
    void oneHartWithoutOverheadWaitsAsQueueingTheorySays(Policy policy) {
        double load = 0.7, fixed = 5_000, variable = 5_000;
        var scenario = new Scenario(Topology.of("core:1"), Workload.BALANCED, policy, 1, 20_000_000_000L, load, 512, false, FREE);
        var simulation = new Simulation(scenario);
        Result result = simulation.run();
        double mean = fixed + variable, square = mean * mean + variable * variable;
        double expected = load / mean * square / (2 * (1 - load));
        assertEquals(expected, simulation.waits(0).getMean(), 0.03 * expected);
        assertEquals(load, result.utilisation(), 0.01);
        assertEquals(load / mean * 1e9, result.throughput(), 0.01 * load / mean * 1e9);
    }

    /** But for light requests next to heavy ones: those may be let through first, which the ideal does not do. */
    @ParameterizedTest @EnumSource(names = {"FAT"}, mode = EnumSource.Mode.EXCLUDE) void nobodyWaitsLessThanTheIdeal(Workload workload) {
        Result ideal = Simulator.run(scenario(4, workload, Policy.IDEAL, 5));
        assertEquals(0, ideal.steals() + ideal.messages(), "counts nothing as moved");
        for (Policy policy : Policy.values()) {
            if (policy == Policy.IDEAL) continue;
            Result r = Simulator.run(scenario(4, workload, policy, 5));
            assertTrue(ideal.kinds().getFirst().p99() < r.kinds().getFirst().p99(), () -> workload + " " + r);
        }
    }

    @Test void theIdealLeavesAloneAHartThatIsTakenAway() {
        var scenario = new Scenario(Topology.of(Scenario.machine(16)), Workload.CPU_LOSS, Policy.IDEAL, 1, 100_000_000, 0.6, 32, false, Costs.DEFAULT);
        assertTrue(Simulator.run(scenario).kinds().getFirst().p999() < 100_000);
    }

    @Test void staticPoliciesLeaveHalfOfTheMachineIdleWhenTheHeavyConnectionsMeetOnTheOther() {
        for (Policy policy : new Policy[] {Policy.NETTY, Policy.STATIC}) {
            Result r = Simulator.run(scenario(8, Workload.FAT, policy, 1));
            assertTrue(r.utilisation() > 0.5 && r.utilisation() < 0.56, () -> policy + " " + r);
        }
        Result shared = Simulator.run(scenario(8, Workload.FAT, Policy.SHARED, 1));
        assertTrue(shared.utilisation() > 0.99, shared::toString);
    }

    @Test void idleHartsTakeWorkFromBusyOnes() {
        for (Policy policy : new Policy[] {Policy.STEAL, Policy.MIGRATE}) {
            Result r = Simulator.run(scenario(8, Workload.FAT, policy, 1));
            assertTrue(r.utilisation() > 0.97 && r.steals() > 1000, () -> policy + " " + r);
        }
    }

    @Test void connectionsMoveAndAreServedAfterwards() {
        var scenario = new Scenario(Topology.of(Scenario.machine(4)), Workload.PHASES, Policy.MIGRATE, 1, 300_000_000, 0.6, 32, false, Costs.DEFAULT);
        var simulation = new Simulation(scenario);
        Result r = simulation.run();
        assertTrue(r.migrations() > 0, r::toString);
        int moved = 0;
        for (Connection c : simulation.connections()) {
            if (c.home.id == simulation.traffic().home[c.id]) continue;
            moved++;
            assertTrue(c.served > 0 && c.served > c.arrived - 100, () -> c + ": " + c.served + " of " + c.arrived);
        }
        assertTrue(moved > 0, r::toString);
    }

    /** As {@code ./torque simulate} measures it, with the traffic that is given. */
    private static Result migrating(int harts, Workload workload, double load, boolean closed, long nanos, Consumer<Traffic> change) {
        var scenario = new Scenario(Topology.of(Scenario.machine(harts)), workload, Policy.MIGRATE, 1, nanos, load, 32, closed, Costs.DEFAULT);
        var traffic = new Traffic(scenario);
        change.accept(traffic);
        return new Simulation(scenario, traffic, null, simulation -> new VcoreModel(simulation, Balance.MIGRATE)).run();
    }

    @ParameterizedTest @ValueSource(ints = {2, 16, 64}) void onEvenLoadNextToNothingMoves(int harts) {
        Result r = migrating(harts, Workload.BALANCED, 0.6, false, 400_000_000, traffic -> { });
        assertTrue(r.steals() > 1000, "there is a temptation: " + r);
        assertTrue(r.migrations() < 20, r::toString);
    }

    /**
     * Somebody else has every second CPU half of the time, 3 ms at a time, as a load generator does that shares it: demand is skewed now this way and now that way. In 2 s so many
     * may move as settle there at first, {@code 8} for each hart, and those that the budget grants later.
     */
    @ParameterizedTest @CsvSource({"2, 0.6, true", "2, 0.8, true", "2, 1.0, true", "2, 0.7, false", "16, 0.7, true"})
    void nothingGoesToAndFroWhereCpusAreSharedWithOthers(int harts, double load, boolean closed) {
        double seconds = harts == 2 ? 2 : 0.5;
        Result r = migrating(harts, Workload.BALANCED, load, closed, (long) (seconds * 1e9), traffic -> {
            traffic.lossEvery = 2;
            traffic.lossNanos = 3_000_000;
            traffic.lossPeriodNanos = 6_000_000;
        });
        assertTrue(r.steals() > 1000, r::toString);
        assertTrue(r.migrations() * seconds < 8 * harts + 20 * seconds, r::toString);
    }

    /** Looks at a whole second: what is stolen in the first 32 ms, before anything may move, is more than a tenth of what {@code STEAL} takes in 0.3 s. */
    @ParameterizedTest @ValueSource(ints = {2, 16}) void skewIsMendedByMoving(int harts) {
        Result moving = migrating(harts, Workload.FAT, 0.6, false, 1_000_000_000, traffic -> { });
        Result still = Simulator.run(moving.scenario().with(Policy.STATIC)), stealing = Simulator.run(moving.scenario().with(Policy.STEAL));
        assertTrue(moving.utilisation() > 0.99, moving::toString);
        assertTrue(moving.kinds().getLast().throughput() > 1.9 * still.kinds().getLast().throughput(), moving::toString);
        assertTrue(moving.kinds().getFirst().p99() < still.kinds().getFirst().p99() / 4, moving::toString);
        assertTrue(moving.steals() < stealing.steals() / 10, () -> "what has moved need not be stolen: " + moving + ", " + stealing);
    }

    /** Two harts, 56 light connections of the first that ask for 10,000 requests of 5 us a second in all, and some that ask for 200 us back to back. */
    private static Result heavy(Balance balance, int heavy) {
        var scenario = new Scenario(Topology.of("core:2"), Workload.FAT, Policy.MIGRATE, 1, 1_000_000_000, 1, 32, false, Costs.DEFAULT);
        var traffic = new Traffic(scenario);
        Arrays.fill(traffic.home, 0);
        for (int i = 56 + heavy; i < traffic.kind.length; i++) {
            traffic.kind[i] = 0;
            traffic.gapNanos[i] = 1e18; // nothing in this run
        }
        return new Simulation(scenario, traffic, null, simulation -> new VcoreModel(simulation, balance)).run();
    }

    /** Its requests come one after the other, so it can gain only what it has waited for light ones, and the static hart has time to spare. */
    @Test void oneHeavyConnectionIsServedAsWellAsWhereNothingMovesAndTheLightOnesBetter() {
        Result still = heavy(Balance.STATIC, 1), moving = heavy(Balance.MIGRATE, 1);
        assertTrue(moving.kinds().getLast().throughput() > 0.99 * still.kinds().getLast().throughput(), () -> still + ", " + moving);
        assertTrue(moving.kinds().getFirst().p50() < 0.8 * still.kinds().getFirst().p50(), () -> still + ", " + moving);
    }

    /** The other hart's CPU is away for 30 us of every 75: work that went there would be slower, and it is by its clock alone that one could think it was idle. */
    @ParameterizedTest @ValueSource(ints = {2, 16}) void oneHeavyConnectionIsServedAsWellAsWhereNothingMovesThoughIdleHartsShareTheirCpus(int harts) {
        var scenario = new Scenario(Topology.of(Scenario.machine(harts)), Workload.LONE, Policy.MIGRATE, 1, 400_000_000, 0.6, 32, false, Costs.DEFAULT);
        Result moving = Simulator.run(scenario), still = Simulator.run(scenario.with(Policy.STATIC));
        assertTrue(moving.kinds().getLast().throughput() >= still.kinds().getLast().throughput(), () -> still + ", " + moving);
        assertTrue(moving.kinds().getFirst().p50() < 0.8 * still.kinds().getFirst().p50(), () -> still + ", " + moving);
        assertTrue(moving.kinds().getFirst().p99() <= still.kinds().getFirst().p99(), () -> still + ", " + moving);
    }

    @ParameterizedTest @ValueSource(ints = {2, 3}) void fewHeavyConnectionsUseBothHartsAndDoNotGoToAndFro(int count) {
        Result r = heavy(Balance.MIGRATE, count);
        assertTrue(r.kinds().getLast().throughput() > 1.8 * heavy(Balance.STATIC, count).kinds().getLast().throughput(), r::toString);
        assertTrue(r.migrations() < 20, r::toString);
    }

    @Test void aHartWhoseCpuIsAwayServesNobody() {
        Result with = Simulator.run(scenario(8, Workload.CPU_LOSS, Policy.STATIC, 1)), without = Simulator.run(scenario(8, Workload.BALANCED, Policy.STATIC, 1));
        assertTrue(with.kinds().getFirst().max() > 3_000_000, "somebody waited for most of the 4 ms");
        assertTrue(without.kinds().getFirst().max() < 1_000_000, "nobody waits that long otherwise");
    }

    /** Each of 2,000 connections has one request at a time, so the queue passes each request by two calls, one after the other. */
    @Test void theLockOfTheSharedQueueBoundsItsThroughput() {
        var scenario = new Scenario(Topology.of(Scenario.machine(256)), Workload.BALANCED, Policy.SHARED, 1, 5_000_000, 0.6, 8, true, Costs.DEFAULT);
        double most = 1e9 / (2 * Costs.DEFAULT.lockNanos());
        Result r = Simulator.run(scenario);
        assertTrue(r.throughput() < most && r.throughput() > most / 10, r::toString);
        assertTrue(Simulator.run(scenario.with(Policy.STATIC)).throughput() > 2 * most);
    }

    @Test void whoIsInterruptedForAnotherHartPaysForIt() {
        var scenario = new Scenario(Topology.of("core:2"), Workload.BALANCED, Policy.SHARED, 1, 200_000_000, 0.1, 8, false, Costs.DEFAULT);
        Costs c = Costs.DEFAULT;
        var free = new Costs(c.harvestNanos(), c.eventNanos(), c.requestNanos(), 0, c.wakeSpinNanos(), c.wakeSleepNanos(), c.spinNanos(), c.rearmNanos(), c.lockNanos(),
                c.takeNanos(), c.stateLines(), c.packetLines(), c.migrateNanos(), c.roundTripNanos());
        Result with = Simulator.run(scenario);
        var simulation = new Simulation(new Scenario(scenario.topology(), scenario.workload(), scenario.policy(), 1, scenario.nanos(), 0.1, 8, false, free));
        Result without = simulation.run();
        double perRequest = (with.utilisation() - without.utilisation()) * 2e9 / with.throughput();
        assertTrue(perRequest > 300 && perRequest < 700, () -> "half of the requests find the other hart waiting, and 1 us each: " + perRequest);
        assertEquals(Simulator.run(scenario.with(Policy.STATIC)).throughput(), with.throughput(), 100);
    }

    @ParameterizedTest @EnumSource(Workload.class)
    void everyWorkloadCanBePlayedWithClientsThatWaitForTheirAnswers(Workload workload) {
        for (Policy policy : Policy.values()) {
            var scenario = new Scenario(Topology.of(Scenario.machine(3)), workload, policy, 1, 10_000_000, 0.6, 8, true, Costs.DEFAULT);
            var simulation = new Simulation(scenario);
            simulation.run();
            long served = 0;
            for (Connection c : simulation.connections()) {
                served += c.served;
                if (workload != Workload.BURSTS) assertTrue(c.arrived - c.served <= 1, () -> policy + ": " + c + ": " + c.arrived + " asked, " + c.served + " answered");
            }
            assertTrue(served > 100, policy + ": " + served);
        }
    }

    @Test void clientsOfAClosedLoopAskForNoMoreBecauseOfBursts() {
        var scenario = new Scenario(Topology.of("core:2"), Workload.BURSTS, Policy.STATIC, 1, 400_000_000, 0.6, 8, true, Costs.DEFAULT);
        double utilisation = Simulator.run(scenario).utilisation();
        assertTrue(utilisation > 0.2 && utilisation < 0.8, () -> "each answer of a burst is not followed by a request: " + utilisation);
    }

    @Test void closedLoopClientsWaitForTheirAnswers() {
        var scenario = new Scenario(Topology.of("core:2"), Workload.BALANCED, Policy.STATIC, 1, 50_000_000, 4, 16, true, Costs.DEFAULT);
        var simulation = new Simulation(scenario);
        Result r = simulation.run();
        assertTrue(r.utilisation() > 0.95, "more is asked for than can be had");
        for (Connection c : simulation.connections()) {
            assertTrue(c.arrived - c.served <= 1, () -> c + ": " + c.arrived + " asked, " + c.served + " answered");
        }
    }

    @Test void misuseIsRefused() {
        var topology = Topology.of("core:2");
        assertThrows(IllegalArgumentException.class, () -> new Scenario(topology, Workload.SLOW, Policy.STATIC, 1, 0, 0.5, 1, false, FREE));
        assertThrows(IllegalArgumentException.class, () -> new Scenario(topology, Workload.SLOW, Policy.STATIC, 1, 1, 0, 1, false, FREE));
        assertThrows(IllegalArgumentException.class, () -> new Scenario(topology, Workload.SLOW, Policy.STATIC, 1, 1, 0.5, 0, false, FREE));
        assertThrows(IllegalArgumentException.class, () -> Scenario.machine(4097));
        var big = Topology.of("core:4097");
        assertThrows(IllegalArgumentException.class, () -> new Scenario(big, Workload.SLOW, Policy.STATIC, 1, 1, 0.5, 1, false, FREE));
    }

    @Test void machinesHaveTheHartsThatWereAskedFor() {
        for (int harts = 1; harts <= 300; harts++) assertEquals(harts, Topology.of(Scenario.machine(harts)).online().size());
        assertEquals(4096, Topology.of(Scenario.machine(4096)).online().size());
    }
}
