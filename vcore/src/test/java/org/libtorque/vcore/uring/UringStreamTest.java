package org.libtorque.vcore.uring;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueStreamContractTest;

class UringStreamTest extends EventQueueStreamContractTest {
    private final UringQueues queues = new UringQueues();

    @Override protected EventQueue open(BlockPool blocks) { return new UringQueue(blocks, queues); }
}
