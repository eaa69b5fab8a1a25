package org.libtorque.vcore;

/**
 * A task that takes its colour <em>shared</em>: it may run in parallel with other shared tasks of the colour, on any vcores, but never with an ordinary one, which takes it
 * exclusively. Phases are in the order of posting: an exclusive task waits for the shared ones posted before it, and holds up those posted after it, so neither side
 * starves. That a colour knows no readers is what the authors of coloured callbacks name as a limit (Zeldovich et al. 2003).
 *
 * <p>When its turn comes it goes over into a colour of its own, its <em>lane</em>, which can be stolen like any other; the colour that it is of counts it as a reader until it has
 * run. A lane may be where its colour may be, pinned or in the neighbourhood of a group, and has its shares: each of several lanes that run has as many as the colour. Posting
 * allocates nothing; making one allocates the lane.
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

            /** The vcore of the lane has ended; that of the colour may not have, so it can be posted again. */
            @Override protected void dropped() {
                unmark();
                try {
                    SharedTask.this.dropped();
                } finally {
                    end();
                }
            }

            private void end() {
                if (color.readerDone()) Vcore.dispatch(color);
            }

            @Override protected void failed(Throwable failure) { SharedTask.this.failed(failure); }

            @Override protected Object subject() { return SharedTask.this.subject(); }
        };
    }

    /** The colour that it runs in; for tests. */
    Color lane() { return reading.color(); }

    private void unmark() { unmarkQueued(); }

    /** Lets it run, in its lane, which is {@code here} unless the former run has not ended yet, or the colour is only a guest here. Called by the colour's holder. */
    void admit(Vcore here) {
        Color color = color();
        color.readerAdmitted();
        Color lane = reading.color();
        if (lane.push(reading, Integer.MAX_VALUE) != Color.NOW_HELD) return;
        lane.likens(color);
        lane.home(lane.mayLiveAt(here) ? here : color.home()); // where it was last may have stopped by now
        Vcore.dispatch(lane);
    }
}
