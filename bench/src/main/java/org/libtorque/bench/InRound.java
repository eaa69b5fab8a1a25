package org.libtorque.bench;

import java.util.List;
import java.util.Locale;

/** One measurement, in one of the rounds of a run. */
interface InRound {
    /** Which round, from 1. */
    int round();

    /** CPU seconds per second that others took meanwhile, the host included. */
    double othersBusy();

    /** Returns the number of the last round, 0 if there is no measurement. */
    static int last(List<? extends InRound> measurements) { return measurements.stream().mapToInt(InRound::round).max().orElse(0); }

    /**
     * Says how far others disturbed a run, or returns null if they did not.
     *
     * @param from whose CPU time they took, as far as that is to be said, else an empty text
     */
    static String disturbance(List<? extends InRound> measurements, String from) {
        long disturbed = measurements.stream().filter(m -> m.othersBusy() > CpuUse.DISTURBED).count();
        return disturbed == 0 ? null : String.format(Locale.ROOT, "in %d of %d measurements others took more than %.0f %% of a CPU%s: these figures are disturbed",
                disturbed, measurements.size(), CpuUse.DISTURBED * 100, from);
    }
}
