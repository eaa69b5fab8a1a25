package org.libtorque.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.libtorque.vcore.Balance;

/** Who runs chains in {@link ColorsBench}: this project in several settings, and others. */
enum ChainPeer {
    STATIC("static", "vcores without stealing; chains on all of them in turn", cpus -> ChainRunner.torque(cpus, Balance.STATIC, false)),
    STATIC_ONE("static-one", "the same; all chains on the first vcore", cpus -> ChainRunner.torque(cpus, Balance.STATIC, true)),
    STEAL("steal", "vcores with stealing; chains on all of them in turn", cpus -> ChainRunner.torque(cpus, Balance.STEAL, false)),
    STEAL_ONE("steal-one", "the same; all chains posted to the first vcore", cpus -> ChainRunner.torque(cpus, Balance.STEAL, true)),
    SHARED_QUEUE("shared-queue", "threads with one queue and a lock around it", cpus -> ChainRunner.sharedQueue(cpus.size())),
    FORK_JOIN("forkjoin", "ForkJoinPool in its asynchronous mode; chains forked by all workers in turn", cpus -> ChainRunner.forkJoin(cpus.size(), false)),
    FORK_JOIN_ONE("forkjoin-one", "the same; all chains forked by one worker", cpus -> ChainRunner.forkJoin(cpus.size(), true)),
    NETTY("netty", "Netty's DefaultEventExecutorGroup; chains on all executors in turn", cpus -> ChainRunner.nettyExecutors(cpus.size(), false)),
    NETTY_ONE("netty-one", "the same; all chains on the first executor", cpus -> ChainRunner.nettyExecutors(cpus.size(), true)),
    NETTY_LOOP("netty-loop", "Netty's event loops over epoll; chains on all loops in turn", cpus -> ChainRunner.nettyLoops(cpus.size(), false)),
    STRIPED("striped", "single-thread executors; chains on all of them in turn", cpus -> ChainRunner.striped(cpus.size(), false)),
    STRIPED_ONE("striped-one", "the same; all chains on the first executor", cpus -> ChainRunner.striped(cpus.size(), true)),
    FIXED_POOL("fixed-pool", "one ThreadPoolExecutor with its LinkedBlockingQueue", cpus -> ChainRunner.fixedPool(cpus.size()));

    final String id;
    final String title;
    private final Function<List<Integer>, ChainRunner> factory;

    ChainPeer(String id, String title, Function<List<Integer>, ChainRunner> factory) {
        this.id = id;
        this.title = title;
        this.factory = factory;
    }

    /** Makes a runner with a thread for each CPU; this project's pin theirs. */
    ChainRunner open(List<Integer> cpus) { return factory.apply(cpus); }

    /** Returns the names of all, in order. */
    static List<String> ids() { return Arrays.stream(values()).map(peer -> peer.id).toList(); }

    /** Returns the one of that name, or null. */
    static ChainPeer byId(String id) { return Arrays.stream(values()).filter(peer -> peer.id.equals(id)).findFirst().orElse(null); }
}
