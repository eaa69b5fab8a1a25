package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;

/** One thread plays vcores that are parked and resumed, without a kernel. */
class ParkingTest {
    private static final long MILLI = 1_000_000;

    /** Knows who is registered; detaching takes until the next harvest if it is to. */
    private static final class TableQueue extends FakeQueue {
        final SourceTable table = new SourceTable(this);
        final List<EventSource> detaching = new ArrayList<>();
        boolean slow;

        @Override public void forEachSource(Consumer<EventSource> action) { table.forEach(action); }

        @Override public int sourceCount() { return table.count(); }

        @Override public int harvest(int window, long timeoutNanos) {
            for (EventSource source : List.copyOf(detaching)) letGo(source);
            detaching.clear();
            return super.harvest(window, timeoutNanos);
        }

        @Override public boolean detach(EventSource source) {
            if (slow) detaching.add(source);
            else letGo(source);
            return true;
        }

        private void letGo(EventSource source) {
            table.remove(source.slot());
            source.leave();
            source.deliverDetached();
        }

        @Override public int attach(EventSource source) {
            table.add(source);
            return 0;
        }
    }

    /** A source that moves, unless told otherwise, and counts its runs and where they were. */
    private final class Mobile extends EventSource {
        boolean movable = true;
        int runs;
        Vcore ranOn;

        Mobile(Color color) { super(color, 1_000); }

        void open() { ((TableQueue) color().home().queue()).table.add(this); }

        void roams() { runAtHome(false); }

        @Override protected void run() {
            takeReady();
            runs++;
            ranOn = Vcore.current();
        }

        @Override protected boolean canMove() { return movable; }

        @Override protected void arrive() {
            assertSame(Vcore.current(), color().home());
            color().home().queue().attach(this);
        }
    }

    private final ManualClock clock = new ManualClock();
    private final List<Throwable> failures = new ArrayList<>();
    private final List<Vcore> vcores = new ArrayList<>();
    private final List<TableQueue> queues = new ArrayList<>();
    private Scoreboard board;

    private void make(int n) {
        board = Scoreboard.flat(n);
        for (int i = 0; i < n; i++) {
            vcores.add(new Vcore(i, i, clock::nanoTime, new BlockPool(4096, 1 << 20), 100, (where, failure) -> failures.add(failure), board, Balance.MIGRATE));
            queues.add(new TableQueue());
            vcores.get(i).bind(queues.get(i));
        }
        Vcore.switchTo(null);
    }

    @AfterEach void end() {
        board.close();
        turnAll(5); // what is on its way arrives
        for (Vcore vcore : vcores) {
            Vcore.switchTo(vcore);
            for (EventSource source : all(queues.get(vcore.index()))) {
                queues.get(vcore.index()).table.remove(source.slot());
                source.leave();
            }
            vcore.shutDown(0);
        }
        Vcore.switchTo(null);
        assertEquals(List.of(), failures);
    }

    private static List<EventSource> all(TableQueue queue) {
        var list = new ArrayList<EventSource>();
        queue.forEachSource(list::add);
        return list;
    }

    private void turn(int index) {
        Vcore.switchTo(vcores.get(index));
        vcores.get(index).runOnce(true);
        Vcore.switchTo(null);
    }

    private void turnAll(int times) {
        for (int i = 0; i < times; i++) {
            for (int v = 0; v < vcores.size(); v++) turn(v);
            clock.advance(MILLI);
        }
    }

    private void on(int index, Runnable body) {
        Vcore.switchTo(vcores.get(index));
        body.run();
        Vcore.switchTo(null);
    }

    private Mobile mobile(int index) {
        var source = new Mobile(vcores.get(index).newColor());
        on(index, source::open);
        return source;
    }

    private static Task task(Color color, Runnable body) {
        return new Task(color) {
            @Override protected void run() { body.run(); }
        };
    }

    @Test void whatWaitsAndWhatIsIdleLeavesAndWhatIsPinnedStays() {
        make(2);
        Mobile idle = mobile(0);
        Mobile busy = mobile(0);
        var ran = new ArrayList<String>();
        Color loose = vcores.get(0).newColor();
        task(loose, () -> ran.add("loose on " + Vcore.current().index())).post();
        task(vcores.get(0).newColor().pin(), () -> ran.add("pinned on " + Vcore.current().index())).post();
        busy.signal(EventSource.READABLE);
        vcores.get(0).park();
        assertTrue(vcores.get(0).isParked());
        turnAll(4);
        assertEquals(List.of("pinned on 0", "loose on 1"), ran);
        assertSame(vcores.get(1), loose.home());
        assertSame(vcores.get(1), idle.color().home());
        assertSame(vcores.get(1), busy.color().home());
        assertEquals(1, busy.runs);
        assertEquals(0, queues.get(0).sourceCount());
        turn(0);
        assertEquals(Long.MAX_VALUE, queues.get(0).lastTimeout(), "it sleeps without limit");
        assertFalse(board.isIdle(0), "and nobody looks to it for help");
        idle.signal(EventSource.READABLE);
        turnAll(1);
        assertSame(vcores.get(1), idle.ranOn);
    }

    @Test void whatCannotMoveStaysUntilItsTurnFindsThatItCan() {
        make(2);
        Mobile source = mobile(0);
        source.movable = false;
        vcores.get(0).park();
        turnAll(4);
        assertSame(vcores.get(0), source.color().home());
        source.signal(EventSource.READABLE);
        turnAll(2);
        assertSame(vcores.get(0), source.ranOn);
        assertSame(vcores.get(0), source.color().home());
        source.movable = true;
        source.signal(EventSource.READABLE);
        turnAll(3);
        assertSame(vcores.get(1), source.color().home());
        assertEquals(2, source.runs);
    }

    @Test void timersLeaveWithTheirColour() {
        make(2);
        Color color = vcores.get(0).newColor();
        var fired = new ArrayList<Integer>();
        var timer = new Timer() {
            @Override protected void onExpiry(long nowNanos) { fired.add(Vcore.current().index()); }

            @Override protected Color color() { return color; }
        };
        var resident = new Resident(color) {
            @Override protected void run() { }

            void start() { settle(); }

            @Override protected boolean canMove() { return true; }

            @Override protected void depart() {
                color.home().timers().cancel(timer);
                departed();
            }

            @Override protected void arrive() { color.home().timers().schedule(timer, timer.deadlineNanos()); }
        };
        on(0, () -> {
            resident.start();
            vcores.get(0).timers().schedule(timer, clock.nanoTime() + 20 * MILLI);
        });
        vcores.get(0).park();
        turnAll(4);
        assertEquals(0, vcores.get(0).timers().size());
        assertEquals(1, vcores.get(1).timers().size());
        turnAll(20);
        assertEquals(List.of(1), fired);
    }

    @Test void seatedColoursComeBackAndOthersStayWhereTheyAre() {
        make(3);
        Mobile seated = mobile(0);
        Mobile other = mobile(0);
        vcores.get(0).seat(seated.color());
        vcores.get(0).park();
        turnAll(4);
        Vcore refuge = other.color().home();
        assertTrue(refuge != vcores.get(0) && seated.color().home() != vcores.get(0));
        vcores.get(0).resume();
        turnAll(4);
        assertSame(vcores.get(0), seated.color().home());
        assertSame(refuge, other.color().home());
        vcores.get(0).unseat(seated.color());
        vcores.get(0).park();
        turnAll(4);
        vcores.get(0).resume();
        turnAll(4);
        assertTrue(seated.color().home() != vcores.get(0));
    }

    @Test void oneThatIsResumedWhileItsColoursLeaveGetsTheSeatedBack() {
        make(2);
        Mobile seated = mobile(0);
        queues.get(0).slow = true;
        vcores.get(0).seat(seated.color());
        vcores.get(0).park();
        Vcore.switchTo(vcores.get(0));
        vcores.get(0).runOnce(false); // has asked the kernel to let go
        Vcore.switchTo(null);
        vcores.get(0).resume();
        turnAll(6);
        assertSame(vcores.get(0), seated.color().home());
        seated.signal(EventSource.READABLE);
        turnAll(1);
        assertEquals(1, seated.runs);
    }

    @Test void manyLeaveInStepsAndSpread() {
        make(5);
        for (int i = 0; i < 1_000; i++) mobile(0);
        vcores.get(0).park();
        turn(0);
        int first = 1_000 - queues.get(0).sourceCount();
        assertTrue(first > 0 && first <= 128, first + " left at once");
        turnAll(100);
        assertEquals(0, queues.get(0).sourceCount());
        for (int i = 1; i < 5; i++) {
            int n = queues.get(i).sourceCount();
            assertTrue(n >= 249 && n <= 251, n + " came to " + i);
        }
    }

    @Test void theLeastLoadedNeighbourTakesOver() {
        make(3);
        for (int i = 0; i < 3; i++) board.measured(i, clock.nanoTime());
        board.utilisation(1, 1000);
        Mobile source = mobile(0);
        vcores.get(0).park();
        turn(0);
        turn(2);
        assertSame(vcores.get(2), source.color().home());
    }

    @Test void whoRunsAColourOfAParkedVcoreGetsItForGood() {
        make(2);
        Mobile source = mobile(0);
        source.roams();
        // 1 holds it, as if stolen
        assertTrue(source.color().tryHold());
        vcores.get(0).park();
        turn(0);
        assertSame(vcores.get(0), source.color().home(), "held by somebody else");
        on(1, () -> {
            source.color().movingTo = null;
            vcores.get(1).deliver(source.color());
        });
        turnAll(3);
        assertSame(vcores.get(1), source.color().home());
    }

    @Test void whenAllAreParkedEverybodyGoesOn() {
        make(2);
        Mobile source = mobile(0);
        vcores.get(0).park();
        vcores.get(1).park();
        turnAll(3);
        source.signal(EventSource.READABLE);
        turnAll(3);
        assertEquals(1, source.runs);
        var ran = new ArrayList<Integer>();
        task(vcores.get(1).newColor(), () -> ran.add(1)).post();
        turnAll(3);
        assertEquals(1, ran.size());
        vcores.get(1).resume();
        turnAll(80);
        assertSame(vcores.get(1), source.color().home(), "as soon as somebody works");
    }

    @Test void nothingLeavesWhenTheRuntimeStops() {
        make(2);
        Mobile source = mobile(0);
        board.close();
        vcores.get(0).park();
        turnAll(3);
        assertSame(vcores.get(0), source.color().home());
        var ran = new ArrayList<Integer>();
        task(vcores.get(0).newColor(), () -> ran.add(Vcore.current().index())).post();
        turnAll(3);
        assertEquals(List.of(0), ran);
    }

    @Test void parkingAVcoreThatSleepsWakesIt() {
        make(2);
        queues.get(0).script.add(window -> {
            vcores.get(0).park();
            return 0;
        });
        turn(0);
        assertEquals(1, queues.get(0).wakes.get());
        queues.get(0).script.add(window -> {
            vcores.get(0).resume();
            return 0;
        });
        turn(0);
        assertEquals(2, queues.get(0).wakes.get());
    }

    @Test void aVcoreThatIsToBeParkedDoesNotSleepOverIt() {
        make(2);
        Task last = task(vcores.get(0).newColor().pin(), () -> vcores.get(0).park());
        last.post();
        turn(0);
        turn(0);
        assertTrue(vcores.get(0).isParked());
        turn(0);
        assertEquals(Long.MAX_VALUE, queues.get(0).lastTimeout());
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void whateverTheInterleavingEveryTaskRunsOnceInOrderAndEverySourceIsSomewhere(long seed) {
        var random = new SplittableRandom(seed);
        make(4);
        List<Mobile> sources = new ArrayList<>();
        List<Color> colors = new ArrayList<>();
        int[] posted = new int[30];
        int[] ran = new int[30];
        for (int i = 0; i < 20; i++) {
            Mobile source = mobile(random.nextInt(4));
            if (random.nextBoolean()) source.roams();
            sources.add(source);
            colors.add(source.color());
        }
        for (int i = 20; i < 30; i++) colors.add(random.nextInt(4) == 0 ? vcores.get(random.nextInt(4)).newColor().pin() : vcores.get(random.nextInt(4)).newColor());
        for (TableQueue queue : queues) queue.slow = random.nextBoolean();
        for (int step = 0; step < 3_000; step++) {
            switch (random.nextInt(8)) {
                case 0 -> vcores.get(random.nextInt(4)).park();
                case 1, 2 -> vcores.get(random.nextInt(4)).resume();
                case 3 -> {
                    int i = random.nextInt(30);
                    int number = ++posted[i];
                    task(colors.get(i), () -> {
                        assertEquals(number, ++ran[i]);
                        assertSame(colors.get(i), Vcore.currentColor());
                        clock.advance(random.nextInt(40_000));
                    }).post();
                }
                case 4 -> sources.get(random.nextInt(20)).movable ^= true;
                case 5 -> clock.advance(random.nextLong(3 * MILLI));
                default -> turn(random.nextInt(4));
            }
        }
        for (Mobile source : sources) source.movable = true;
        for (Vcore vcore : vcores) vcore.resume();
        turnAll(50);
        for (int i = 0; i < 30; i++) assertEquals(posted[i], ran[i], "colour " + i);
        for (Mobile source : sources) assertSame(source.color().home().queue(), source.home());
        vcores.get(1).park();
        vcores.get(3).park();
        turnAll(200);
        assertEquals(0, queues.get(1).sourceCount() + queues.get(3).sourceCount());
        assertEquals(20, queues.get(0).sourceCount() + queues.get(2).sourceCount());
    }
}
