package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** The mark of a {@link Task} that is queued: no data is lost between whoever finds it and the run. */
public class TaskStress {
    private static Task task() {
        return new Task(new Color(null, 1)) {
            @Override protected void run() { }
        };
    }

    /** A poster finds the task queued, or it must queue it itself; the run sees what he wrote in the first case. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "it was queued, and the run sees the data")
    @Outcome(id = {"1, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "the poster queues it anew")
    @Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "LOST: it was queued, and the run has not seen the data")
    @State public static class PosterAndRun {
        private final Task task = task();
        private int data;

        public PosterAndRun() { task.markQueued(); }

        @Actor public void poster(II_Result r) {
            data = 1;
            r.r1 = task.markQueued() ? 1 : 0;
        }

        @Actor public void run(II_Result r) {
            task.unmarkQueued();
            r.r2 = data;
        }
    }

    /** Two post at once: one of them queues it. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one queues it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "queued twice, or not at all")
    @State public static class TwoPosters {
        private final Task task = task();

        @Actor public void first(II_Result r) { r.r1 = task.markQueued() ? 1 : 0; }

        @Actor public void second(II_Result r) { r.r2 = task.markQueued() ? 1 : 0; }
    }

    /** One was refused and takes his mark back, another posts. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "taken back, then queued by the other")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "the other relies on the mark, so it cannot be taken back")
    @Outcome(id = "1, 0", expect = Expect.FORBIDDEN, desc = "LOST: taken back although the other was told that it is queued")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "queued by both")
    @State public static class RefusalAndAPoster {
        private final Task task = task();

        public RefusalAndAPoster() { task.markTrying(); }

        @Actor public void refused(II_Result r) { r.r1 = task.unmarkTrying() ? 1 : 0; }

        @Actor public void poster(II_Result r) { r.r2 = task.markQueued() ? 1 : 0; }
    }
}
