package org.libtorque.vcore.uring;

import java.util.function.Function;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.RunnersTest;

class UringRunnersTest extends RunnersTest {
    @Override protected Function<BlockPool, EventQueue> opener() {
        var queues = new UringQueues();
        return blocks -> new UringQueue(blocks, queues, 64, 256, 256, 4);
    }
}
