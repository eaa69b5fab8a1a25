package org.libtorque.vcore;

/**
 * A task that takes its colour <em>shared</em>: it may run in parallel with other shared tasks of the colour, on any vcores, but never with an ordinary one, which takes it
 * exclusively. Phases are in the order of posting: an exclusive task waits for the shared ones posted before it, and holds up those posted after it, so neither side
 * starves. That a colour knows no readers is what the authors of coloured callbacks name as a limit (Zeldovich et al. 2003).
 *
 * <p>When its turn comes it goes over into a colour of its own, its <em>lane</em>, which can be stolen like any other; the colour that it is of counts it as a reader until it has
 * run. Posting allocates nothing; making one allocates the lane.
 */
public abstract class SharedTask extends Task {
    private final Task reading;

    /** @param color what it reads under */
    protected SharedTask(Color color) {
        super(color);
        shared = true;
        reading = new Task(new Color(color.home(), color.id())) {
            @Override protected void run() throws Throwable {
                unmark();
                try {
                    SharedTask.this.run();
                } finally {
                    end();
                }
            }

            @Override protected void dropped() { end(); }

            private void end() {
                if (color.readerDone()) Vcore.dispatch(color);
            }

            @Override protected void failed(Throwable failure) { SharedTask.this.failed(failure); }
        };
    }

    /** The colour that it runs in; for tests. */
    Color lane() { return reading.color(); }

    private void unmark() { unmarkQueued(); }

    /** Lets it run, in its lane, which is {@code here} unless the former run has not ended yet. Called by the colour's holder. */
    void admit(Vcore here) {
        color().readerAdmitted();
        Color lane = reading.color();
        if (lane.push(reading, Integer.MAX_VALUE) != Color.NOW_HELD) return;
        lane.home(here); // where it was last may have stopped by now
        Vcore.dispatch(lane);
    }
}
