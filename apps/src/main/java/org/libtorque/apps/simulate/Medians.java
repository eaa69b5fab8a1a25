package org.libtorque.apps.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.libtorque.sim.Result;
import org.libtorque.sim.Result.Waiting;

/** Several runs of one case with different seeds, as one: the median of each figure by itself, the lower one of two in the middle. */
final class Medians {
    private Medians() {}

    static Result of(List<Result> runs) {
        Result first = runs.getFirst();
        if (runs.size() == 1) return first;
        var kinds = new ArrayList<Waiting>();
        for (int i = 0; i < first.kinds().size(); i++) {
            int kind = i;
            kinds.add(new Waiting(first.kinds().get(i).kind(), median(runs, r -> r.kinds().get(kind).throughput()), (long) median(runs, r -> r.kinds().get(kind).p50()),
                    (long) median(runs, r -> r.kinds().get(kind).p99()), (long) median(runs, r -> r.kinds().get(kind).p999()), (long) median(runs, r -> r.kinds().get(kind).max())));
        }
        return new Result(first.scenario(), first.connections(), median(runs, Result::throughput), kinds, median(runs, Result::utilisation), median(runs, Result::steals),
                median(runs, Result::migrations), median(runs, Result::messages), median(runs, Result::wakeUps), median(runs, Result::fairness), (long) median(runs, Result::events),
                (long) median(runs, Result::cpuNanos));
    }

    private static double median(List<Result> runs, ToDoubleFunction<Result> figure) {
        return runs.stream().mapToDouble(figure).sorted().toArray()[(runs.size() - 1) / 2];
    }
}
