package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.AllocationProbe;
import org.libtorque.testkit.Eventually;

class ScoreboardTest {
    private static final String TWO_NODES = "node:2 package:1 core:8 hart:2 l2:core l3:core*4";
    private static final String LARGE = "node:16 package:2 core:64 hart:2 l2:core l3:core*8 distance:10,20";

    private static Scoreboard board(Universe universe) { return Scoreboard.of(universe.harts().toArray(), universe); }

    private static Vcore vcore(int index, int cpu, Scoreboard board) {
        var vcore = new Vcore(index, cpu, Clock.SYSTEM, new BlockPool(4096, 4096), 8, (where, failure) -> { }, board, Balance.STEAL);
        vcore.blocks().close();
        return vcore;
    }

    // ---- making

    @ParameterizedTest @ValueSource(ints = {0, -1, Scoreboard.MAX_VCORES + 1})
    void aNumberOfVcoresThatCannotBeIsRefused(int n) { assertThrows(IllegalArgumentException.class, () -> Scoreboard.flat(n)); }

    @Test void cpusThatTheMachineHasNotAreRefused() {
        Universe u = Topology.of("core:4").universe();
        assertThrows(IllegalArgumentException.class, () -> Scoreboard.of(new int[0], u));
        var e = assertThrows(IllegalArgumentException.class, () -> Scoreboard.of(new int[] {0, 7}, u));
        assertTrue(e.getMessage().contains("has 1 different ones, not 2"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Scoreboard.of(new int[] {1, 1}, u));
    }

    @Test void positionsAreInTheOrderOfTheTreeWhateverTheIndices() {
        Universe u = Topology.of("node:2 core:2 hart:2 numbering:linux").universe(); // cores {0,4} {1,5} {2,6} {3,7}
        int[] cpus = {7, 2, 5, 0, 3};
        Scoreboard board = Scoreboard.of(cpus, u);
        assertEquals(5, board.size());
        Vcore[] vcores = new Vcore[5];
        for (int i = 0; i < 5; i++) vcores[i] = vcore(i, cpus[i], board);
        int[] order = IntStream.range(0, 5).map(p -> board.member(p).cpu()).toArray();
        assertEquals(List.of(0, 5, 2, 3, 7), IntStream.of(order).boxed().toList());
        assertThrows(IllegalArgumentException.class, () -> vcore(2, 5, board), "it is there already");
        assertSame(vcores[3], board.member(0));
    }

    // ---- sets

    @ParameterizedTest @ValueSource(ints = {1, 2, 63, 64, 65, 127, 128, 129, 1_000, 4_096})
    void bothSetsHoldWhatIsPutInWhateverTheSize(int n) {
        Scoreboard board = Scoreboard.flat(n);
        var random = new SplittableRandom(n);
        var idle = new BitSet();
        var offering = new BitSet();
        for (int i = 0; i < 20_000; i++) {
            int p = random.nextInt(8) == 0 ? random.nextInt(n) : random.nextInt(Math.min(n, 3)) * (n - 1) / 2 % n; // now and then far away, mostly the same few
            switch (random.nextInt(4)) {
                case 0 -> {
                    board.setIdle(p);
                    idle.set(p);
                }
                case 1 -> {
                    board.clearIdle(p);
                    idle.clear(p);
                }
                case 2 -> {
                    board.setOffering(p);
                    offering.set(p);
                }
                default -> {
                    board.clearOffering(p);
                    offering.clear(p);
                }
            }
            assertEquals(idle.isEmpty(), board.nobodyIdle());
            assertEquals(offering.isEmpty(), board.nobodyOffers());
            assertEquals(idle.get(p), board.isIdle(p));
            assertEquals(offering.get(p), board.isOffering(p));
            int from = random.nextInt(n);
            assertEquals(next(idle, from), board.nearestIdle(from));
            assertEquals(next(offering, from), board.nearestOffering(from));
        }
    }

    /** The next member behind {@code from}, around. */
    private static int next(BitSet set, int from) {
        int found = set.nextSetBit(from + 1);
        if (found < 0) found = set.nextSetBit(0);
        return found == from ? -1 : found;
    }

    @ParameterizedTest @ValueSource(strings = {"core:1", "core:2", "node:2 core:2 hart:2", TWO_NODES, "package:2 core:3,5 hart:2 l3:core*2",
        "node:4 core:2 distances:10,16,40,40;16,10,40,40;40,40,10,16;40,40,16,10", "node:2 package:2 die:2 core:12 hart:2 l2:core l3:core*6", LARGE})
    void theNearestIsOneOfThoseAtTheLeastDistance(String spec) {
        Universe u = Topology.of(spec).universe();
        int[] cpus = u.huddle(u.harts());
        int n = cpus.length;
        Scoreboard board = board(u);
        var random = new SplittableRandom(1);
        for (int members : new int[] {1, Math.min(2, n), Math.max(1, n / 8), n}) {
            var set = new BitSet();
            while (set.cardinality() < members) set.set(random.nextInt(n));
            set.stream().forEach(board::setIdle);
            for (int i = 0; i < 200; i++) {
                int p = random.nextInt(n);
                int least = set.stream().filter(q -> q != p).map(q -> u.distance(cpus[p], cpus[q])).min().orElse(-1);
                int found = board.nearestIdle(p);
                assertEquals(least, found < 0 ? -1 : u.distance(cpus[p], cpus[found]), "from " + p + " to " + found + " among " + set);
                assertTrue(found < 0 || set.get(found));
                if (found < 0) continue;
                // Among equals the next one around, so that not all go to the same.
                int[] equal = set.stream().filter(q -> q != p && u.distance(cpus[p], cpus[q]) == least).toArray();
                int behind = IntStream.of(equal).filter(q -> q > p).findFirst().orElse(equal[0]);
                assertEquals(behind, found);
            }
            set.stream().forEach(board::clearIdle);
            assertTrue(board.nobodyIdle());
        }
    }

    @Test void vcoresOnSomeCpusOnlyAreAsFarApartAsTheirCpus() {
        Universe u = Topology.of(TWO_NODES).universe();
        int[] cpus = {1, 30, 14, 12, 3};
        Scoreboard board = Scoreboard.of(cpus, u); // positions: 1 3 12 14 30
        board.setOffering(4);
        assertEquals(4, board.nearestOffering(0));
        board.setOffering(3);
        assertEquals(3, board.nearestOffering(0));
        board.setOffering(2);
        assertEquals(2, board.nearestOffering(0));
        board.setOffering(1);
        assertEquals(1, board.nearestOffering(0));
        assertEquals(3, board.nearestOffering(2));
        assertEquals(2, board.nearestOffering(3));
    }

    @Test void oneSearchesInEachCacheDomain() {
        Universe u = Topology.of(TWO_NODES).universe(); // an L3 has 4 cores, 8 harts
        Scoreboard board = board(u);
        assertTrue(board.beginSearch(0));
        for (int p = 0; p < 8; p++) assertFalse(board.beginSearch(p));
        assertTrue(board.beginSearch(8));
        assertFalse(board.beginSearch(15));
        assertTrue(board.beginSearch(16));
        board.endSearch(7);
        assertTrue(board.beginSearch(3));
    }

    @Test void searchingMakesSenseIfSomebodyOffersAndNobodyNearSearches() {
        Scoreboard board = board(Topology.of(TWO_NODES).universe());
        assertFalse(board.mayFind(0));
        board.setOffering(0);
        assertFalse(board.mayFind(0), "one's own offer");
        board.setOffering(31);
        assertTrue(board.mayFind(0));
        board.beginSearch(1);
        assertFalse(board.mayFind(0));
        assertTrue(board.mayFind(9));
        board.endSearch(1);
        assertTrue(board.mayFind(0));
        board.close();
        assertFalse(board.mayFind(0));
        assertTrue(board.isClosing());
    }

    /** Each thread puts itself in and out; when they have ended, what is in the set must be found, and nothing else. */
    @ParameterizedTest @ValueSource(ints = {3, 64, 200})
    void nobodyIsForgottenWhateverTheRace(int n) {
        Scoreboard board = Scoreboard.flat(n);
        var failure = new AtomicReference<Throwable>();
        for (int round = 0; round < 30; round++) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                int p = t * (n - 1) / 2;
                boolean stays = (round >> t & 1) == 0;
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        for (int i = 0; i < 3_000; i++) {
                            board.setIdle(p);
                            assertTrue(board.isIdle(p));
                            if (n <= 64) assertFalse(board.nobodyIdle(), "it is idle itself"); // with more, a summary may hide it for a moment
                            board.clearIdle(p);
                            assertFalse(board.isIdle(p));
                        }
                        if (stays) board.setIdle(p);
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                }));
            }
            threads.forEach(Eventually::awaitEnd);
            assertEquals(null, failure.get());
            for (int t = 0; t < 3; t++) {
                int p = t * (n - 1) / 2;
                boolean stays = (round >> t & 1) == 0;
                assertEquals(stays, board.isIdle(p));
                if (stays) assertEquals(p, board.nearestIdle(Math.floorMod(p - 1, n)), "found by its neighbour");
            }
            for (int t = 0; t < 3; t++) board.clearIdle(t * (n - 1) / 2);
            assertEquals(-1, board.nearestIdle(1));
        }
    }

    // ---- lines

    @Test void everyVcoreHasItsOwnNumbers() {
        Scoreboard board = Scoreboard.flat(100);
        for (int p = 0; p < 100; p++) {
            board.turn(p, 1_000 + p, 2 * p, 0);
            board.utilisation(p, 3 * p);
        }
        board.given(40);
        board.turn(40, 1_047, 80, 0);
        for (int p = 0; p < 100; p++) {
            assertEquals(2 * p, board.outstanding(p));
            assertEquals(3 * p, board.utilisation(p));
            assertEquals(p == 40 ? 7 : 1_000 + p, board.turnsSinceGiven(p));
        }
    }

    @Test void theReceiverIsInTheSmallestNeighbourhoodThatHasSomebodyIdle() {
        Scoreboard board = board(Topology.of(TWO_NODES).universe());
        for (int p = 0; p < 32; p++) board.turn(p, 10, 10, 0);
        assertEquals(-1, board.receiver(5, 0), "nobody is idle");
        for (int p : new int[] {20, 9, 2, 4}) { // on the other node, on this node, by the same cache, by the same core
            board.setIdle(p);
            for (int random = 0; random < 50; random++) assertEquals(p, board.receiver(5, random));
        }
        board.utilisation(4, 100); // busier than the giver
        assertEquals(2, board.receiver(5, 0));
        board.park(2);
        assertEquals(9, board.receiver(5, 0));
    }

    @Test void theReceiverIsOnTheParetoFrontierAndNotAlwaysTheSame() {
        int n = 20;
        Scoreboard board = Scoreboard.flat(n);
        for (int p = 0; p < n; p++) board.setIdle(p);
        var random = new SplittableRandom(3);
        for (int round = 0; round < 200; round++) {
            for (int p = 0; p < n; p++) {
                board.turn(p, 0, 0, 0);
                board.given(p);
                board.turn(p, random.nextInt(1, 8), random.nextInt(8), 0);
            }
            for (int i = 0; i < 100; i++) {
                int who = board.receiver(0, random.nextInt(1 << 24));
                assertTrue(who > 0 && who < n);
                for (int p = 1; p < n; p++) {
                    boolean better = board.outstanding(p) <= board.outstanding(who) && board.turnsSinceGiven(p) >= board.turnsSinceGiven(who)
                            && (board.outstanding(p) < board.outstanding(who) || board.turnsSinceGiven(p) > board.turnsSinceGiven(who));
                    assertFalse(better, p + " is better than " + who);
                }
            }
        }
        for (int p = 0; p < n; p++) board.turn(p, 5, 1, 0); // all alike
        Set<Integer> chosen = new HashSet<>();
        for (int i = 0; i < 1_000; i++) chosen.add(board.receiver(0, random.nextInt(1 << 24)));
        assertEquals(n - 1, chosen.size());
    }

    @Test void whoeverIsLookedAtAndOverdueIsFoundAndElseWhoHasMostWaiting() {
        Scoreboard board = Scoreboard.flat(5); // so few that all are looked at
        for (int p = 0; p < 5; p++) {
            board.harvested(p, 1_000);
            board.turn(p, 1, 0, 100 * p);
        }
        for (int random = 0; random < 20; random++) {
            assertEquals(4, board.needy(0, 1_000, 400, random), "the others have less");
            assertEquals(3, board.needy(4, 1_000, 300, random), "not itself");
            assertEquals(-1, board.needy(0, 1_000, 401, random));
        }
        board.harvested(1, 2_000);
        board.harvested(2, 2_000);
        board.harvested(3, 2_000);
        assertEquals(4, board.needy(0, 1_001, 10_000, 2), "it has not been at its queue for longer");
        board.setIdle(4);
        assertEquals(-1, board.needy(0, 1_001, 10_000, 2));
        assertEquals(3, board.needy(0, 1_001, 300, 2), "who is idle has nothing");
        board.park(3);
        assertEquals(2, board.needy(0, 1_001, 200, 2), "who is parked has nothing that others can do");
        assertFalse(board.isOverdue(4, 5_000));
        board.clearIdle(4);
        assertTrue(board.isOverdue(4, 5_000));
    }

    @Test void whoHasNeverBeenAtItsQueueIsNotOverdue() {
        Scoreboard board = Scoreboard.flat(2);
        assertFalse(board.isOverdue(1, Long.MAX_VALUE));
        assertEquals(-1, board.needy(0, Long.MAX_VALUE, 1, 0));
    }

    @Test void whereManyAreAllAreLookedAtInTurn() {
        Scoreboard board = board(Topology.of(TWO_NODES).universe());
        for (int p = 0; p < 32; p++) board.harvested(p, 1_000);
        var random = new SplittableRandom(11);
        Set<Integer> found = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            int overdue = i % 32;
            board.harvested(overdue, 1);
            if (board.needy(5, 500, 1, random.nextInt(1 << 24)) == overdue) found.add(overdue);
            board.harvested(overdue, 1_000);
        }
        assertEquals(31, found.size(), "all but itself");
        assertFalse(found.contains(5));
    }

    @Test void theSpreadOfWhatIsAskedForIsSeenWhereverOneLooks() {
        Scoreboard board = Scoreboard.flat(16);
        for (int p = 0; p < 16; p++) board.demand(p, 600);
        for (int i = 0; i < 200; i++) board.needy(3, 0, 1_000, 31 * i);
        assertEquals(0, board.spread(3));
        for (int p = 0; p < 4; p++) board.demand(p, 1_400);
        for (int i = 0; i < 200; i++) {
            board.needy(3, 0, 1_000, 31 * i);
            board.needy(9, 0, 1_000, 31 * i);
        }
        assertTrue(board.spread(3) > 500 && board.spread(3) < 800, () -> "12 of 15 are asked for 800 less: " + board.spread(3));
        assertTrue(board.spread(9) > 100 && board.spread(9) < 350, () -> "4 of 15 are asked for 800 more: " + board.spread(9));
    }

    @Test void theSpreadOfALargeMachineIsSeenAlsoWhereAllNeighboursAreAskedForAsMuch() {
        Scoreboard board = board(Topology.of(LARGE).universe());
        for (int p = 0; p < board.size(); p++) board.demand(p, p < board.size() / 2 ? 1_400 : 600);
        var random = new SplittableRandom(11);
        int looks = 2_000;
        long sum = 0;
        for (int i = 0; i < looks; i++) {
            board.needy(board.size() - 1, 0, 1_000, random.nextInt(1 << 24));
            if (i >= looks / 2) sum += board.spread(board.size() - 1);
        }
        long mean = sum / (looks / 2);
        assertTrue(mean > 350 && mean < 450, () -> "half of all are asked for 800 more, none of them near: " + mean);
    }

    @Test void inALargeMachineSomebodyIsFoundInAnyNeighbourhood() {
        Universe u = Topology.of(LARGE).universe();
        Scoreboard board = board(u);
        assertEquals(4_096, board.size());
        int[] cpus = u.huddle(CpuSet.of(u.harts().toArray()));
        var random = new SplittableRandom(5);
        for (int p = 0; p < 4_096; p++) board.turn(p, 10, 10, 0);
        for (int i = 0; i < 100; i++) {
            int giver = random.nextInt(4_096);
            int partner = giver ^ 1; // the other hart of its core
            assertEquals(1, u.distance(cpus[giver], cpus[partner]));
            board.setIdle(partner);
            assertEquals(partner, board.receiver(giver, random.nextInt(1 << 24)));
            board.clearIdle(partner);
        }
    }

    @Test void lookingAllocatesNothing() {
        Scoreboard board = board(Topology.of(TWO_NODES).universe());
        for (int p = 0; p < 32; p++) board.turn(p, 10, p, 0);
        AllocationProbe.assertAllocatesNothing(20_000, 10_000, () -> {
            board.setIdle(30);
            board.setOffering(3);
            if (board.nearestIdle(0) != 30 || board.nearestOffering(30) != 3) throw new AssertionError();
            board.receiver(31, 7);
            board.needy(31, 5, 1_000, 7);
            board.clearIdle(30);
            board.clearOffering(3);
        });
    }
}
