package org.libtorque.bench;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.thread.GlobalQueueScheduler;
import org.libtorque.thread.PerVcoreScheduler;
import org.libtorque.thread.Uthread;
import org.libtorque.thread.UthreadBuilder;
import org.libtorque.thread.Uthreads;

/** Who runs threads in {@link UthreadsBench}: our schedulers, the JDK's virtual threads, and threads of the kernel. */
enum UthreadPeer {
    QUEUES("uthreads, a queue for each vcore, no stealing"), STEALING("uthreads, a queue for each vcore, with stealing"), GLOBAL("uthreads, one queue"),
    COLORS("uthreads, a colour each (the default)"), JDK("virtual threads of the JDK, on as many carriers as CPUs"), PLATFORM("platform threads");

    final String title;

    UthreadPeer(String title) { this.title = title; }

    String id() { return name().toLowerCase(java.util.Locale.ROOT); }

    static List<String> ids() { return Stream.of(values()).map(UthreadPeer::id).toList(); }

    static UthreadPeer byId(String id) { return valueOf(id.toUpperCase(java.util.Locale.ROOT)); }

    boolean isOurs() { return this != JDK && this != PLATFORM; }

    interface Body {
        void run(Threads threads) throws Exception;
    }

    /** What threads are made with. {@code uthreads}: null for the others. */
    record Threads(ThreadFactory factory, Uthreads uthreads) {
        /** Gives the CPU to others, whatever runs. */
        void yield() {
            if (uthreads == null) Thread.yield();
            else Uthread.yield();
        }
    }

    /** Opens what threads run on, on the given CPUs, runs {@code body} and closes it. {@code always}: whether a yield leaves the CPU even if nobody else wants it. */
    void run(List<Integer> cpus, boolean always, Body body) throws Exception {
        if (!isOurs()) {
            body.run(new Threads(this == JDK ? Thread.ofVirtual().factory() : Thread.ofPlatform().factory(), null));
            return;
        }
        try (Torque torque = Torque.open(TorqueOptions.defaults().withCpus(CpuSet.of(cpus.stream().mapToInt(i -> i).toArray())).withOverstay(Duration.ZERO))) {
            Uthreads uthreads = Uthreads.of(torque).shortCircuitYield(!always).compensation(Duration.ZERO);
            UthreadBuilder builder = uthreads.builder();
            switch (this) {
                case QUEUES -> builder.scheduler(new PerVcoreScheduler().stealing(false).plannedVcores(cpus.size()));
                case STEALING -> builder.scheduler(new PerVcoreScheduler());
                case GLOBAL -> builder.scheduler(new GlobalQueueScheduler());
                default -> { }
            }
            body.run(new Threads(builder.factory(), uthreads));
        }
    }
}
