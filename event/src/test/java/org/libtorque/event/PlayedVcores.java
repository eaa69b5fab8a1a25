package org.libtorque.event;

import java.util.ArrayList;
import java.util.List;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/** Vcores with the real kernel's event queues and a clock that goes when told, turned by hand on the test's thread. The other clocks go with it, and can be set. */
final class PlayedVcores implements AutoCloseable {
    final ManualClock clock = new ManualClock(5_000_000_000L);
    final List<Throwable> failures = new ArrayList<>();
    final Vcore[] vcores;
    private final Loop[] loops;
    /** How far the other clocks are ahead of the monotonic one. */
    long bootOffset = 3_000_000_000L;
    long wallOffset = 1_700_000_000_000_000_000L;
    /** Made when first asked for. */
    private ClockWatch watch;

    PlayedVcores(Backend backend, int count, Balance balance) {
        Scoreboard board = Scoreboard.flat(count);
        vcores = new Vcore[count];
        loops = new Loop[count];
        Backend.Choice choice = backend.choose();
        for (int i = 0; i < count; i++) {
            vcores[i] = new Vcore(i, i, clock::nanoTime, new BlockPool(16384, 64 * 16384), 1_000_000, (where, failure) -> failures.add(failure), board, balance);
            vcores[i].bind(choice.opener().apply(vcores[i].blocks()));
            loops[i] = new Loop(vcores[i], 1 << 20, (where, failure) -> failures.add(failure), () -> { });
        }
        Vcore.switchTo(null);
    }

    /** The clocks as timers are to see them. */
    long nanos(TimerClock of) {
        return clock.nanoTime() + switch (of) {
            case MONOTONIC -> 0;
            case BOOT -> bootOffset;
            case WALL -> wallOffset;
        };
    }

    ClockWatch watch() {
        if (watch == null) watch = ClockWatch.open(vcores[0].newColor());
        return watch;
    }

    ColorTimer timer(TimerOptions options, Color color, TimerHandler handler) {
        return ColorTimer.start(options, color, handler, this::nanos, options.clock() == TimerClock.MONOTONIC ? null : watch());
    }

    /** One turn of one vcore. Returns how much it found to do. */
    int turn(int vcore) {
        Vcore.switchTo(vcores[vcore]);
        int work = vcores[vcore].runOnce(false);
        Vcore.switchTo(null);
        return work;
    }

    /** Turns all until none finds anything to do. */
    void settle() {
        for (int quiet = 0, turns = 0; quiet < 4; turns++) {
            int work = 0;
            for (int i = 0; i < vcores.length; i++) work += turn(i);
            quiet = work == 0 ? quiet + 1 : 0;
            if (turns > 1_000_000) throw new AssertionError("no end");
        }
    }

    void advance(long nanos) {
        clock.advance(nanos);
        settle();
    }

    /** Runs something under a colour, soon. */
    void post(Color color, Runnable body) {
        new Task(color) {
            @Override protected void run() { body.run(); }
        }.postSurely();
    }

    /** Runs something under a colour, now. */
    void run(Color color, Runnable body) {
        boolean[] ran = new boolean[1];
        post(color, () -> {
            body.run();
            ran[0] = true;
        });
        settle();
        if (!ran[0]) throw new AssertionError("it did not run to its end " + failures, failures.isEmpty() ? null : failures.getFirst());
    }

    /** Timers on the wheels. */
    int scheduled() {
        int n = 0;
        for (Vcore vcore : vcores) n += vcore.timers().size();
        return n;
    }

    /** How many tasks have been posted, and have run. */
    long posted() {
        long n = 0;
        for (Vcore vcore : vcores) n += vcore.stats().posted() + vcore.stats().tasks();
        return n;
    }

    @Override public void close() {
        for (int i = 0; i < vcores.length; i++) {
            Vcore.switchTo(vcores[i]);
            loops[i].abortAll();
        }
        settle();
        for (int i = 0; i < vcores.length; i++) {
            Vcore.switchTo(vcores[i]);
            int left = vcores[i].shutDown(0);
            if (left > 0) throw new AssertionError("sources left: " + left);
            loops[i].close();
        }
        Vcore.switchTo(null);
    }
}
