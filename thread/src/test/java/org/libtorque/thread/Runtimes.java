package org.libtorque.thread;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.hardware.CpuSet;
import org.libtorque.testkit.Eventually;

/** Runtimes for tests, and how tests get at what happens on them. */
final class Runtimes {
    private Runtimes() {}

    /** Opens a runtime on so many CPUs, or as many as there are. */
    static Torque open(int vcores) { return Torque.open(options(vcores)); }

    /** Opens a runtime on two CPUs; skips the test where there is one. */
    static Torque openTwo() {
        needTwo();
        return open(2);
    }

    /** Skips the test where there is one CPU. */
    static void needTwo() { Assumptions.assumeTrue(CpuSet.allowed().size() >= 2, "needs two CPUs; there is one"); }

    static TorqueOptions options(int vcores) {
        int[] allowed = CpuSet.allowed().toArray();
        return TorqueOptions.defaults().withCpus(CpuSet.of(Arrays.copyOf(allowed, Math.min(vcores, allowed.length))));
    }

    interface Body<T> {
        T run() throws Exception;
    }

    /** Runs a body on a new uthread and returns what it returns or throws what it throws. */
    static <T> T on(UthreadBuilder builder, Body<T> body) throws Exception { return on(builder, Eventually.DEFAULT_LIMIT, body); }

    /** As {@link #on(UthreadBuilder, Body)}, for what may take up to {@code limit}, before scaling. */
    static <T> T on(UthreadBuilder builder, Duration limit, Body<T> body) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        builder.start(() -> {
            try {
                result.complete(body.run());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return result.get(Eventually.scaled(limit).toNanos(), TimeUnit.NANOSECONDS);
    }

    static <T> T on(Torque torque, Body<T> body) throws Exception { return on(Uthreads.of(torque).builder(), body); }

    static void join(Thread thread) throws InterruptedException {
        if (!thread.join(Eventually.scaled(Eventually.DEFAULT_LIMIT))) throw new AssertionError(thread + " has not ended: " + Arrays.toString(thread.getStackTrace()));
    }
}
