package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;

/** Who works and where new work goes, on machines that are made up. */
class RosterTest {
    private static final long MILLI = 1_000_000;
    /** CPUs: node (8), package (8), core (2 harts each), L3 for 4 harts. */
    private static final String MACHINE = "node:2 package:1 core:4 hart:2 l2:core l3:core*2";

    private final ManualClock clock = new ManualClock();
    private final List<Vcore> vcores = new ArrayList<>();
    private final List<FakeQueue> queues = new ArrayList<>();
    private Scoreboard board;
    private Universe universe;
    private Roster roster;

    private void make(String machine, int min) {
        universe = Topology.of(machine).universe();
        int[] cpus = universe.harts().toArray();
        board = Scoreboard.of(cpus, universe);
        for (int i = 0; i < cpus.length; i++) {
            vcores.add(new Vcore(i, cpus[i], clock::nanoTime, new BlockPool(4096, 4096), 100, (where, failure) -> { }, board, Balance.MIGRATE));
            queues.add(new FakeQueue());
            vcores.get(i).bind(queues.get(i));
        }
        Vcore.switchTo(null);
        roster = new Roster(board, min);
    }

    @AfterEach void end() {
        Vcore.switchTo(null);
        for (Vcore vcore : vcores) vcore.blocks().close();
    }

    private Set<Integer> working() {
        Set<Integer> working = new TreeSet<>();
        for (Vcore vcore : vcores) if (!vcore.isParked()) working.add(vcore.index());
        assertEquals(working.size(), roster.working());
        return working;
    }

    private Set<String> groupsOf(Set<Integer> indices, int level) {
        Set<String> groups = new HashSet<>();
        for (int i : indices) groups.add(universe.neighbourhood(vcores.get(i).cpu(), level).toString());
        return groups;
    }

    // ---- who works

    @Test void fewWorkFarFromEachOther() {
        make(MACHINE, 0);
        assertEquals(16, working().size());
        assertEquals(8, roster.request(8));
        assertEquals(8, groupsOf(working(), 1).size(), "one hart of each core");
        assertEquals(2, roster.request(2));
        assertEquals(2, groupsOf(working(), universe.depth() - 2).size(), "one for each node");
        Set<Integer> two = working();
        assertEquals(5, roster.requestMore(3));
        assertTrue(working().containsAll(two), "those that work go on");
        assertEquals(1, roster.requestMore(-100));
        assertEquals(16, roster.request(1000));
        assertThrows(IllegalArgumentException.class, () -> roster.request(0));
        assertEquals(14 + 4, roster.parks());
        assertEquals(3 + 15, roster.resumes());
    }

    @Test void whoseCpuInterruptsTakeBeginsLastAndStopsFirst() {
        make(MACHINE, 0);
        roster.interrupts(0, 600);
        roster.interrupts(5, 600);
        assertEquals(14, roster.request(14));
        assertFalse(working().contains(0) || working().contains(5), working() + " work");
        roster.request(1);
        roster.request(14);
        assertFalse(working().contains(0) || working().contains(5), working() + " work");
    }

    @Test void whoseCpuIsGoneIsParkedUntilItIsBack() {
        make("core:4", 0);
        roster.cpuGone(2, true);
        assertEquals(Set.of(0, 1, 3), working());
        roster.cpuGone(2, true);
        assertEquals(1, roster.parks());
        assertEquals(3, roster.request(4), "no more have a CPU");
        roster.cpuGone(2, false);
        assertEquals(Set.of(0, 1, 2, 3), working());
        roster.request(2);
        Set<Integer> two = working();
        int lost = two.iterator().next();
        roster.cpuGone(lost, true);
        assertEquals(2, working().size(), "another one works instead");
        assertFalse(working().contains(lost));
    }

    @Test void whenAllCpusAreGoneAllGoOn() {
        make("core:3", 0);
        for (int i = 0; i < 3; i++) roster.cpuGone(i, true);
        assertEquals(Set.of(0, 1, 2), working());
        roster.cpuGone(1, false);
        assertEquals(Set.of(1), working());
    }

    @Test void nobodyIsParkedWhenTheRuntimeStops() {
        make("core:3", 1);
        board.close();
        roster.request(1);
        assertEquals(3, vcores.stream().filter(v -> !v.isParked()).count());
    }

    @Test void theLeastMustBePossible() {
        make("core:3", 0);
        assertThrows(IllegalArgumentException.class, () -> new Roster(board, 4));
        assertThrows(IllegalArgumentException.class, () -> new Roster(board, -1));
    }

    // ---- load

    /** A period in which those who work were busy for {@code of1024}; as vcores tell of it. */
    private void period(int of1024) {
        clock.advance(2 * MILLI);
        for (int i : working()) {
            int position = vcores.get(i).position();
            board.utilisation(position, of1024);
            board.measured(position, clock.nanoTime());
        }
        for (int i : working()) roster.measured(vcores.get(i).position(), of1024, clock.nanoTime());
    }

    @Test void fullLoadBringsAllBackWithinMillisecondsAndLittleLoadParksThemSlowly() {
        make(MACHINE, 2);
        for (int i = 0; i < 450; i++) period(20);
        assertEquals(16, working().size(), "not within a second");
        for (int i = 0; i < 20_000; i++) period(20);
        assertEquals(2, working().size());
        assertEquals(2, groupsOf(working(), universe.depth() - 2).size());
        long start = clock.nanoTime();
        while (working().size() < 3) period(1024);
        assertTrue(clock.nanoTime() - start <= 10 * MILLI, (clock.nanoTime() - start) / MILLI + " ms");
        while (working().size() < 16) period(1024);
        assertTrue(clock.nanoTime() - start <= 60 * MILLI, (clock.nanoTime() - start) / MILLI + " ms");
        long parks = roster.parks();
        for (int i = 0; i < 5_000; i++) period(700);
        assertEquals(parks, roster.parks());
    }

    @Test void withoutElasticityLoadChangesNothing() {
        make(MACHINE, 0);
        for (int i = 0; i < 3_000; i++) period(0);
        assertEquals(16, working().size());
        roster.request(3);
        for (int i = 0; i < 3_000; i++) period(1024);
        assertEquals(3, working().size());
    }

    @Test void aVcoreThatSleepsSinceLongIsNotBusyAndOneThatDoesNotComeBackIs() {
        make("core:2", 1);
        for (int p = 0; p < 2; p++) {
            board.utilisation(p, 800);
            board.measured(p, clock.nanoTime());
        }
        clock.advance(800 * MILLI);
        board.setIdle(0);
        assertTrue(board.activity(0, clock.nanoTime()) <= 8);
        assertEquals(1024, board.activity(1, clock.nanoTime()));
        assertEquals(516, board.averageActivity(clock.nanoTime(), 7));
    }

    @Test void aSaturatedLoopHasAnotherOneHelp() {
        make("core:2", 1);
        roster.request(1);
        Vcore working = vcores.get(working().iterator().next());
        Vcore.switchTo(working);
        long start = clock.nanoTime();
        var task = new Task(working.newColor()) {
            @Override protected void run() {
                clock.advance(50_000);
                post();
            }
        };
        task.post();
        while (working().size() < 2 && clock.nanoTime() - start < 100 * MILLI) working.runOnce(true);
        assertEquals(2, working().size());
        assertTrue(clock.nanoTime() - start <= 10 * MILLI, (clock.nanoTime() - start) / 1_000 + " us");
    }

    // ---- placement

    @Test void solitaryWorkIsSpreadOverNodesFirstAndHartsLast() {
        make(MACHINE, 0);
        Set<Integer> first = new TreeSet<>();
        for (int i = 0; i < 2; i++) first.add(roster.newColor(Placement.solitary(), vcores.get(3)).home().index());
        assertEquals(2, groupsOf(first, universe.depth() - 2).size());
        for (int i = 0; i < 6; i++) first.add(roster.newColor(Placement.solitary(), null).home().index());
        assertEquals(8, groupsOf(first, 1).size(), "a core for each");
        for (int i = 0; i < 8; i++) first.add(roster.newColor(Placement.solitary(), null).home().index());
        assertEquals(16, first.size());
    }

    @Test void workOfAGroupMadeByTurnsWithSolitaryWorkDoesNotPutThatInOnePlace() {
        make("core:2", 0);
        ColorGroup one = new ColorGroup(1), both = new ColorGroup(2);
        Set<Integer> solitary = new TreeSet<>(), grouped = new TreeSet<>();
        for (int i = 0; i < 4; i++) {
            roster.newColor(Placement.communal(one), null);
            solitary.add(roster.newColor(Placement.solitary(), null).home().index());
        }
        for (int i = 0; i < 4; i++) {
            grouped.add(roster.newColor(Placement.communal(both), null).home().index());
            roster.newColor(Placement.solitary(), null);
        }
        assertEquals(Set.of(0, 1), solitary);
        assertEquals(Set.of(0, 1), grouped);
    }

    @Test void solitaryWorkGoesWhereThereIsLittleToDoAndFewInterrupts() {
        make("core:4", 0);
        board.utilisation(vcores.get(1).position(), 900);
        roster.interrupts(2, 700);
        vcores.get(3).park();
        for (int i = 0; i < 20; i++) assertSame(vcores.get(0), roster.newColor(Placement.solitary(), null).home());
    }

    @Test void nearIsHereUnlessItIsParked() {
        make(MACHINE, 0);
        for (Vcore vcore : vcores) assertSame(vcore, roster.newColor(Placement.near(), vcore).home());
        vcores.get(4).park();
        assertTrue(roster.newColor(Placement.near(), vcores.get(4)).home() != vcores.get(4));
    }

    @Test void onAVcoreMeansThereForGood() {
        make(MACHINE, 0);
        Color color = roster.newColor(Placement.on(9), vcores.get(0));
        assertSame(vcores.get(9), color.home());
        assertTrue(color.isPinned());
        assertThrows(IllegalArgumentException.class, () -> roster.newColor(Placement.on(16), null));
        assertThrows(IllegalArgumentException.class, () -> Placement.on(-1));
        assertTrue(roster.allows(Placement.on(9), vcores.get(9), null));
        assertFalse(roster.allows(Placement.on(9), vcores.get(8), null));
    }

    @Test void aGroupIsHuddledAroundItsFirstMember() {
        make(MACHINE, 0);
        var group = new ColorGroup();
        Set<Integer> homes = new TreeSet<>();
        for (int i = 0; i < 40; i++) homes.add(roster.newColor(Placement.communal(group), i == 0 ? vcores.get(5) : null).home().index());
        Set<Integer> cacheOf5 = new TreeSet<>();
        for (Vcore v : vcores) if (universe.distance(v.cpu(), vcores.get(5).cpu()) <= universe.cacheLevel()) cacheOf5.add(v.index());
        assertEquals(4, cacheOf5.size());
        assertEquals(cacheOf5, homes);
        for (Vcore v : vcores) assertEquals(cacheOf5.contains(v.index()), roster.allows(Placement.communal(group), v, null));
        var pair = new ColorGroup(2);
        homes.clear();
        for (int i = 0; i < 40; i++) homes.add(roster.newColor(Placement.communal(pair), vcores.get(5)).home().index());
        assertEquals(2, homes.size());
        assertEquals(1, groupsOf(homes, 1).size(), "one core");
        var alone = new ColorGroup(1);
        assertSame(vcores.get(5), roster.newColor(Placement.communal(alone), vcores.get(5)).home());
        assertSame(vcores.get(5), roster.newColor(Placement.communal(alone), vcores.get(1)).home());
        var all = new ColorGroup(1000);
        assertTrue(vcores.stream().allMatch(v -> roster.allows(Placement.communal(all), v, null)));
        var other = new Roster(Scoreboard.flat(1), 0);
        assertThrows(IllegalStateException.class, () -> other.newColor(Placement.communal(group), null));
    }

    /** A colour with a task, which waits where it is at home. */
    private Color waiting(Placement placement, Vcore at, int cost, List<Integer> ran) {
        Color color = roster.newColorAt(placement, at);
        color.cost = color.taskCost = cost;
        Vcore.switchTo(at);
        new Task(color) {
            @Override protected void run() {
                ran.add(Vcore.current().index());
                clock.advance(cost);
            }
        }.post();
        Vcore.switchTo(null);
        return color;
    }

    /** Turns a vcore until it blocks. */
    private void idle(Vcore vcore) {
        Vcore.switchTo(vcore);
        vcore.runOnce(true);
        board.setIdle(vcore.position());
        Vcore.switchTo(null);
    }

    private void turn(Vcore vcore) {
        Vcore.switchTo(vcore);
        vcore.setTurnLimit(1);
        vcore.runOnce(false);
        Vcore.switchTo(null);
    }

    @Test void coloursOfAGroupAreGivenInsideItAndNotTakenFromOutside() {
        make(MACHINE, 0);
        var group = new ColorGroup();
        Placement placement = Placement.communal(group);
        Vcore owner = vcores.get(5);
        roster.newColor(placement, owner);
        Vcore outside = vcores.get(0);
        assertFalse(roster.allows(placement, outside, null));
        List<Integer> ran = new ArrayList<>();
        for (int i = 0; i < 6; i++) waiting(placement, owner, 100_000, ran);
        idle(outside);
        turn(owner);
        assertTrue(board.nobodyOffers());
        turn(outside);
        assertEquals(List.of(5), ran);
        Vcore inside = vcores.stream().filter(v -> v != owner && roster.allows(placement, v, null)).findFirst().orElseThrow();
        idle(inside);
        turn(owner);
        turn(inside);
        assertEquals(List.of(5, 5, inside.index()), ran);
        assertEquals(1, owner.stats().pushed());
    }

    @Test void anOverloadedVcoreOffersWhatItHasOfGroupsToAll() {
        make(MACHINE, 0);
        var group = new ColorGroup(1);
        Placement placement = Placement.communal(group);
        Vcore owner = vcores.get(5);
        roster.newColor(placement, owner);
        Vcore outside = vcores.get(0);
        List<Integer> ran = new ArrayList<>();
        List<Color> colors = new ArrayList<>();
        for (int i = 0; i < 14; i++) colors.add(waiting(placement, owner, 100_000, ran));
        idle(outside);
        turn(owner);
        assertTrue(board.isOffering(owner.position()));
        turn(outside);
        assertEquals(List.of(5, 0), ran);
        for (Color color : colors) assertSame(owner, color.home(), "whoever runs it, it lives here");
    }

    @Test void aGroupThatIsNotSettledSaysSo() {
        assertEquals("ColorGroup[not settled]", new ColorGroup().toString());
        assertNull(new Color(null, 1).group);
    }

    // ---- what vcores ask for themselves

    @Test void whatIsAskedForWhileSomebodyElseDecidesIsNotLost() throws Exception {
        make(MACHINE, 0);
        for (int round = 0; round < 100; round++) {
            assertEquals(1, roster.request(1));
            CyclicBarrier start = new CyclicBarrier(4);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int times = i == 3 ? 1 : 2; // seven
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        start.await();
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                    for (int n = 0; n < times; n++) roster.requestMoreSoon(1);
                }));
            }
            for (Thread thread : threads) thread.join();
            assertEquals(8, roster.working(), "round " + round);
            assertEquals(8, working().size());
        }
    }

    @Test void listenersAreToldOfAResumeOfAVcoreThatHasNotNoticedThatItWasParked() {
        make(MACHINE, 0);
        Vcore vcore = vcores.get(1);
        List<String> told = new ArrayList<>();
        vcore.onParking(() -> told.add(vcore.isParked() ? "parked" : "works"));
        Vcore.switchTo(vcore);
        vcore.runOnce(false);
        assertEquals(List.of(), told);
        vcore.park();
        vcore.resume();
        vcore.runOnce(false);
        vcore.runOnce(false);
        assertEquals(List.of("works"), told);
        vcore.park();
        vcore.runOnce(false);
        vcore.resume();
        vcore.runOnce(false);
        vcore.runOnce(false);
        assertEquals(List.of("works", "parked", "works"), told);
        vcore.park();
        vcore.runOnce(false);
        vcore.resume();
        vcore.park(); // it is parked, and has been working for a moment
        vcore.runOnce(false);
        vcore.runOnce(false);
        assertEquals(List.of("works", "parked", "works", "parked", "parked"), told);
    }
}
