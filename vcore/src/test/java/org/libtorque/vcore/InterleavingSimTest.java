package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.hardware.Topology;

/**
 * Some vcores on one thread, which plays them in a random order, one turn or one colour's turn at a time; thousands of colours and tasks of all kinds. Whatever the order, each
 * task runs once, in its colour's order, where it must.
 */
class InterleavingSimTest {
    private static final int COLORS = 1_000;
    private static final int TASKS = 20_000;

    /** What a colour has been promised and has had. */
    private static final class Strand {
        final Color color;
        final List<Mover> movers = new ArrayList<>();
        long posted;
        long ran;
        boolean running;

        Strand(Color color) { this.color = color; }
    }

    private static final class Mover extends Resident {
        final Run run;
        boolean leaving;
        Vcore at;

        Mover(Run run, Color color) {
            super(color);
            this.run = run;
            settle();
            at = color.home();
        }

        @Override protected boolean canMove() { return run.random.nextInt(10) > 0; }

        @Override protected void depart() {
            assertSame(at, Vcore.current());
            assertFalse(leaving);
            leaving = true;
            if (run.random.nextBoolean()) finish();
            else run.leaving.add(this);
        }

        void finish() {
            at = null;
            leaving = false;
            departed();
        }

        @Override protected void arrive() {
            assertFalse(leaving);
            at = Vcore.current();
            assertSame(color().home(), at);
            if (run.random.nextBoolean()) post();
        }

        void end() {
            assertFalse(leaving);
            unsettle();
        }

        @Override protected void run() { assertSame(at, color().home()); }
    }

    private static final class Run {
        final SplittableRandom random;
        final Team team;
        final int n;
        final List<Strand> strands = new ArrayList<>();
        final List<Mover> leaving = new ArrayList<>();
        int left = TASKS;
        int longest;

        Run(long seed) {
            random = new SplittableRandom(seed);
            n = 1 + random.nextInt(8);
            Balance balance = random.nextInt(4) == 0 ? Balance.STEAL : random.nextInt(8) == 0 ? Balance.STATIC : Balance.MIGRATE;
            team = new Team(random.nextBoolean() ? Scoreboard.flat(n)
                    : Scoreboard.of(java.util.stream.IntStream.range(0, n).toArray(), Topology.of("node:2 core:2 hart:2").universe()), balance);
            longest = 1 << 10 + random.nextInt(14);
            for (int i = 0; i < COLORS; i++) {
                Color color = team.vcore(random.nextInt(n)).newColor();
                if (random.nextInt(20) == 0) color.pin();
                if (random.nextInt(10) == 0) color.shares(1 + random.nextInt(Color.MAX_SHARES));
                Strand strand = new Strand(color);
                if (random.nextInt(3) == 0) {
                    for (int m = random.nextInt(3); m >= 0; m--) strand.movers.add(new Mover(this, color));
                }
                strands.add(strand);
            }
        }

        Strand any() { return strands.get(random.nextInt(4) == 0 ? random.nextInt(COLORS) : random.nextInt(20)); }

        void post(Strand strand) {
            if (left-- <= 0) return;
            long number = strand.posted++;
            boolean atHome = random.nextInt(10) == 0;
            Task task = Team.task(strand.color, () -> {
                assertEquals(strand.ran++, number, "in the order of posting");
                assertFalse(strand.running, "one at a time");
                strand.running = true;
                if (atHome || strand.color.isPinned()) assertSame(strand.color.home(), Vcore.current());
                assertSame(strand.color, Vcore.currentColor());
                team.clock.advance(random.nextInt(1 + random.nextInt(longest)));
                while (random.nextInt(5) > 2) post(any());
                if (atHome && !strand.movers.isEmpty() && random.nextInt(4) == 0) strand.movers.removeLast().end();
                strand.running = false;
                if (random.nextInt(100) == 0) throw new IllegalStateException("now and then");
            });
            task.runAtHome(atHome);
            assertTrue(task.tryPost());
        }

        void step() {
            int i = random.nextInt(n);
            switch (random.nextInt(10)) {
                case 0 -> post(any()); // from outside
                case 1 -> team.as(i, () -> post(any()));
                case 2 -> { // a harvest brings several
                    team.queues[i].script.add(window -> {
                        int events = random.nextInt(20);
                        for (int k = 0; k < events; k++) post(any());
                        return events;
                    });
                }
                case 3 -> {
                    if (leaving.isEmpty()) return;
                    Mover mover = leaving.remove(random.nextInt(leaving.size()));
                    team.as(mover.at.index(), mover::finish);
                }
                case 4 -> {
                    int j = random.nextInt(n);
                    if (i != j) team.queues[i].onWait = () -> { // while it sleeps, another one goes on
                        team.queues[i].onWait = () -> { };
                        team.step(j, false);
                        team.as(i);
                    };
                }
                default -> {
                    team.vcore(i).setTurnLimit(random.nextBoolean() ? 1 : 1_000);
                    team.step(i, random.nextBoolean());
                }
            }
            team.vcore(i).checkInvariants();
        }

        void finishLeaving() {
            while (!leaving.isEmpty()) {
                Mover mover = leaving.removeLast();
                team.as(mover.at.index(), mover::finish);
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyTaskRunsOnceInItsColorsOrderWhereItMust(long seed) {
        var run = new Run(seed);
        while (run.left > 0) run.step();
        for (int i = 0; i < 4; i++) {
            run.finishLeaving();
            run.team.settle();
        }
        finish(run);
        if (run.n > 1 && run.team.vcore(0).balance() != Balance.STATIC) {
            assertTrue(stolen(run) > 0, "nothing was stolen");
        }
    }

    /**
     * Vcores end one after the other, while others go on. Each waits until its sources are closed, which a task of their colour does at home: wherever that colour is, with
     * whatever it has to do before.
     */
    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everySourceIsClosedWhereverItsColorIsWhenVcoresEnd(long seed) {
        var run = new Run(seed);
        while (run.left > TASKS / 2) run.step();
        run.left = 0;
        for (int i = 0; i < run.n; i++) {
            Vcore vcore = run.team.vcore(i);
            run.team.queues[i].sourceCounter = () -> (int) run.strands.stream().flatMap(s -> s.movers.stream()).filter(m -> m.at == vcore).count();
        }
        for (Strand strand : run.strands) {
            if (strand.movers.isEmpty()) continue;
            Team.homeTask(strand.color, () -> {
                assertEquals(strand.posted, strand.ran, "it comes last");
                while (!strand.movers.isEmpty()) strand.movers.removeLast().end();
            }).postSurely();
        }
        List<Integer> alive = new ArrayList<>();
        for (int i = 0; i < run.n; i++) alive.add(i);
        while (!alive.isEmpty()) {
            int ends = alive.get(run.random.nextInt(alive.size()));
            run.team.queues[ends].onHarvest = () -> {
                run.team.clock.advance(1_000);
                int other = alive.get(run.random.nextInt(alive.size()));
                if (other != ends) run.team.step(other, false);
                run.finishLeaving();
                run.team.as(ends);
            };
            run.team.as(ends);
            assertEquals(0, run.team.vcore(ends).shutDown(Long.MAX_VALUE), "sources left");
            alive.remove((Integer) ends);
        }
        Vcore.switchTo(null);
        for (Strand strand : run.strands) assertTrue(strand.movers.isEmpty());
    }

    private static long stolen(Run run) {
        long stolen = 0;
        for (Vcore v : run.team.vcores) stolen += v.stats().stolen();
        return stolen;
    }

    private static void finish(Run run) {
        for (Strand t : run.strands) {
            assertEquals(t.posted, t.ran, () -> t.color + " has had " + t.ran + " of " + t.posted);
            assertTrue(t.color.isIdle(), t.color::toString);
            for (Mover m : t.movers) assertSame(t.color.home(), m.at);
        }
        for (Throwable failure : run.team.failures) {
            if (!(failure instanceof IllegalStateException)) throw new AssertionError(failure);
        }
        run.team.close();
    }
}
