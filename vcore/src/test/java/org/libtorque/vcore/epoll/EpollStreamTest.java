package org.libtorque.vcore.epoll;

import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueStreamContractTest;

class EpollStreamTest extends EventQueueStreamContractTest {
    @Override protected EventQueue open(BlockPool blocks) { return new EpollQueue(blocks); }
}
