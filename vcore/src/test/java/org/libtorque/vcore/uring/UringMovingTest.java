package org.libtorque.vcore.uring;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueMovingTest;

class UringMovingTest extends EventQueueMovingTest {
    private final UringQueues queues = new UringQueues();

    @Override protected EventQueue open(BlockPool blocks) { return new UringQueue(blocks, queues, 64, 256, 256, 4); }
}
