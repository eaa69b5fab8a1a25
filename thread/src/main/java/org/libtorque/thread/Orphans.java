package org.libtorque.thread;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs threads that have outlived the vcores of their runtime, so that they come to their end and whoever waits for them goes on: on one platform thread, which ends when idle. */
final class Orphans {
    private static final ThreadPoolExecutor CARRIER = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("torque-orphans").factory());

    static {
        CARRIER.allowCoreThreadTimeOut(true);
    }

    private Orphans() {}

    static void run(Runnable continuation) { CARRIER.execute(continuation); }
}
