package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.libtorque.memory.BlockPool;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.ManualClock;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.IdleQueue;
import org.libtorque.vcore.Roster;
import org.libtorque.vcore.Scoreboard;
import org.libtorque.vcore.Task;
import org.libtorque.vcore.Vcore;

/** What was to be registered with a vcore that ends before it comes to that: as when its CPU was taken away for longer than its end may take. No descriptor may be left. */
@ExtendWith(LeakCheck.class)
class NeverStartedTest {
    private final ManualClock clock = new ManualClock(5_000_000_000L);
    private final List<Throwable> failures = new ArrayList<>();
    private final Scoreboard board = Scoreboard.flat(1);
    private final Vcore vcore = new Vcore(0, 0, clock::nanoTime, new BlockPool(16384, 64 * 16384), 1_000_000, (where, failure) -> failures.add(failure), board, Balance.STATIC);
    private Loop loop;

    @BeforeEach void aVcoreWhoseNextTurnTakesTooLong() {
        vcore.bind(new IdleQueue());
        loop = new Loop(vcore, 1 << 20, (where, failure) -> failures.add(failure), () -> { });
        new Task(vcore.newColor()) {
            @Override protected void run() { clock.advance(10_000_000_000L); } // so that it ends behind this
        }.postSurely();
    }

    private void end() {
        vcore.shutDown(1_000_000_000, loop::close);
        Vcore.switchTo(null);
        assertEquals(List.of(), failures);
    }

    @Test void aListenerGivesItsSocketBack() throws IOException {
        Listener listener = Listener.open(new Loop[] {loop}, SystemTest.ANY_PORT, ListenOptions.DEFAULT, c -> { }, new Roster(board, 0));
        end();
        listener.close();
    }

    @Test void soDoesAListenerThatWasClosedMeanwhile() throws IOException {
        Listener.open(new Loop[] {loop}, SystemTest.ANY_PORT, ListenOptions.DEFAULT, c -> { }, new Roster(board, 0)).close();
        end();
    }

    @Test void soDoesOneForDatagrams() throws IOException {
        DatagramListener listener = DatagramListener.open(new Loop[] {loop}, SystemTest.ANY_PORT, (endpoint, data) -> { });
        end();
        listener.close();
    }

    @Test void soDoesASourceOfTheKernel() throws IOException {
        Registration registration = ExitSource.open((int) ProcessHandle.current().pid(), null, vcore.newColor(), (pid, status) -> { });
        end();
        assertFalse(registration.isOpen());
    }

    @Test void whoConnectsIsToldThatItFailed() {
        var told = new ArrayList<Throwable>();
        new Connector(vcore.newColor(), new InetSocketAddress("127.0.0.1", 9), ConnectOptions.DEFAULT, c -> fail("connected"), told::add).postSurely();
        end();
        assertEquals(1, told.size(), told::toString);
        assertInstanceOf(IOException.class, told.getFirst());
    }
}
