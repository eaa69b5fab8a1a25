package org.libtorque.vcore.epoll;

import java.util.function.Function;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.RunnersTest;

class EpollRunnersTest extends RunnersTest {
    @Override protected Function<BlockPool, EventQueue> opener() { return EpollQueue::new; }
}
