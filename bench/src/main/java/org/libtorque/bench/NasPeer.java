package org.libtorque.bench;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.bench.nas.Workers;
import org.libtorque.hardware.CpuSet;
import org.libtorque.thread.Uthreads;
import org.libtorque.vcore.Placement;

/** What the parallel regions of a kernel run on. */
enum NasPeer {
    UTHREADS("uthreads", "uthreads of this library, one on each vcore, meeting at our barrier") {
        @Override <T> T run(int threads, Function<Workers, T> body) throws Exception {
            List<Integer> cpus = CpuList.parse(ProcFiles.allowedCpus());
            var options = TorqueOptions.defaults().withCpus(CpuSet.of(cpus.stream().limit(threads).mapToInt(Integer::intValue).toArray()))
                    .withOverstay(Duration.ZERO); // a kernel runs for long, and keeps nobody waiting
            try (Torque torque = Torque.open(options)) {
                Uthreads uthreads = Uthreads.of(torque).compensation(Duration.ZERO);
                if (uthreads.problem() != null) throw new IllegalStateException(uthreads.problem());
                var vcore = new AtomicInteger();
                ThreadFactory factory = action -> uthreads.builder().placement(Placement.on(vcore.getAndIncrement() % torque.vcores().size())).unstarted(action);
                var result = new CompletableFuture<T>();
                factory.newThread(() -> {
                    try (Workers workers = Workers.onBarrier(threads, factory)) {
                        result.complete(body.apply(workers));
                    } catch (Throwable t) {
                        result.completeExceptionally(t);
                    }
                }).start();
                return result.get();
            }
        }
    },
    BARRIER("barrier", "platform threads, meeting at our barrier") {
        @Override <T> T run(int threads, Function<Workers, T> body) {
            try (Workers workers = Workers.onBarrier(threads, Thread.ofPlatform().factory())) {
                return body.apply(workers);
            }
        }
    },
    CYCLIC("cyclic", "platform threads, meeting at a java.util.concurrent.CyclicBarrier") {
        @Override <T> T run(int threads, Function<Workers, T> body) {
            try (Workers workers = Workers.onCyclicBarrier(threads, Thread.ofPlatform().factory())) {
                return body.apply(workers);
            }
        }
    },
    FORK_JOIN("forkjoin", "a java.util.concurrent.ForkJoinPool, forked and joined in each parallel region") {
        @Override <T> T run(int threads, Function<Workers, T> body) {
            try (Workers workers = Workers.onForkJoin(threads)) {
                return body.apply(workers);
            }
        }
    };

    final String id, title;

    NasPeer(String id, String title) {
        this.id = id;
        this.title = title;
    }

    /** Has {@code body} run with so many workers of this kind, and ends them. */
    abstract <T> T run(int threads, Function<Workers, T> body) throws Exception;

    static NasPeer byId(String id) { return Stream.of(values()).filter(peer -> peer.id.equals(id)).findFirst().orElse(null); }

    static List<String> ids() { return Stream.of(values()).map(peer -> peer.id).toList(); }
}
