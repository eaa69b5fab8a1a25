package org.libtorque.thread;

class GlobalQueueSchedulerTest extends SchedulerContractTest {
    @Override Scheduler scheduler() { return new GlobalQueueScheduler(); }
}
