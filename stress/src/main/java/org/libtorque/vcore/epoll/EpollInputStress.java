package org.libtorque.vcore.epoll;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** {@link EpollInput}: what arrives while the runner empties the socket is received in the end. */
public class EpollInputStress {
    /** r1: received by then. r2: bytes left in the socket. r3: whether the runner would look there again. */
    @JCStressTest
    @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "came too late, and will be received")
    @Outcome(id = "2, 0, 1", expect = Expect.ACCEPTABLE, desc = "was received, and the runner will look in vain")
    @Outcome(id = "2, 0, 0", expect = Expect.ACCEPTABLE, desc = "was received")
    @Outcome(expect = Expect.FORBIDDEN, desc = "left in the socket, and nobody will look")
    @State public static class OneMoreByte {
        private final EpollInput input = new EpollInput();
        private final AtomicInteger socket = new AtomicInteger(1);

        public OneMoreByte() { input.note(false); }

        @Actor public void home() {
            socket.incrementAndGet(); // the kernel's
            input.note(false);
        }

        @Actor public void runner(III_Result r) {
            int edges = input.edges();
            r.r1 = socket.getAndSet(0);
            input.answer(edges);
        }

        @Arbiter public void later(III_Result r) {
            r.r2 = socket.get();
            r.r3 = input.unanswered(input.edges()) ? 1 : 0;
        }
    }
}
