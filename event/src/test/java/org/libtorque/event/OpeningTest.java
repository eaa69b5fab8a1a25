package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.ManualClock;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.EventSource;
import org.libtorque.vcore.IdleQueue;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/** An accepted connection between its registration and its first callback, when others can know of it already. */
class OpeningTest {
    private final ManualClock clock = new ManualClock(5_000_000_000L);
    private final List<Throwable> failures = new ArrayList<>();
    private final Scoreboard board = Scoreboard.flat(2);
    private final Vcore home = vcore(0);
    private final Vcore helper = vcore(1);

    private Vcore vcore(int index) {
        return new Vcore(index, index, clock::nanoTime, new BlockPool(16384, 64 * 16384), 1_000_000, (where, failure) -> failures.add(failure), board, Balance.MIGRATE);
    }

    @AfterEach void close() {
        for (Vcore vcore : new Vcore[] {home, helper}) {
            Vcore.switchTo(vcore);
            vcore.shutDown(0);
        }
        Vcore.switchTo(null);
    }

    /** A vcore with nothing to do harvests where one is behind, so it can find an event of a connection that has just been registered, and whose first callback is still to come. */
    @Test void theFirstCallbackHasTheColourThoughAnotherVcoreHasHarvestedAnEventBefore() {
        helper.bind(new IdleQueue());
        home.bind(new IdleQueue() {
            @Override public int openStream(StreamSource source) {
                Vcore.switchTo(helper);
                source.signal(EventSource.READABLE);
                Vcore.switchTo(home);
                return 0;
            }

            @Override public void close(EventSource source, boolean keepDescriptor) { }
        });
        Loop loop = new Loop(home, 1 << 20, (where, failure) -> failures.add(failure), () -> { });
        StreamConnection connection = new StreamConnection(loop, home.newColor(), -1);
        List<Color> held = new ArrayList<>();
        new Task(home.newColor()) {
            @Override protected void run() { connection.openAccepted(c -> held.add(Vcore.currentColor()), 0); }
        }.postSurely();
        Vcore.switchTo(home);
        for (int i = 0; i < 4; i++) home.runOnce(false);
        assertEquals(List.of(connection.color()), held);
        assertEquals(List.of(), failures);
        loop.abortAll();
        loop.close();
    }
}
