package org.libtorque.vcore.uring;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueContractTest;

class UringQueueTest extends EventQueueContractTest {
    @Override protected EventQueue open(BlockPool blocks) { return new UringQueue(blocks); }
}
