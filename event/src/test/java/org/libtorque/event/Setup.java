package org.libtorque.event;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;

/** What a system test runs on: every class of them runs once for each. */
record Setup(Backend backend, int vcores) {
    /** Both backends, on one vcore and on two if there are as many CPUs. */
    static Stream<Setup> all() {
        List<Setup> all = new ArrayList<>();
        for (Backend backend : new Backend[] {Backend.EPOLL, Backend.IO_URING}) {
            for (int vcores = 1; vcores <= Math.min(2, CpuSet.allowed().size()); vcores++) all.add(new Setup(backend, vcores));
        }
        return all.stream();
    }

    /** Both backends, on as many vcores as {@link #all} goes up to. */
    static Stream<Setup> largest() { return all().filter(setup -> setup.vcores == Math.min(2, CpuSet.allowed().size())); }

    /** Both backends, on one vcore. */
    static Stream<Setup> single() { return all().filter(setup -> setup.vcores == 1); }

    CpuSet cpus() {
        int[] allowed = CpuSet.allowed().toArray();
        return vcores == 1 ? CpuSet.of(allowed[0]) : CpuSet.of(allowed[0], allowed[1]);
    }

    @Override public String toString() { return backend.optionName() + ", " + vcores + (vcores == 1 ? " vcore" : " vcores"); }
}
