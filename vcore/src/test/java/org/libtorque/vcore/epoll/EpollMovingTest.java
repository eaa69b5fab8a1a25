package org.libtorque.vcore.epoll;

import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueMovingTest;

class EpollMovingTest extends EventQueueMovingTest {
    @Override protected Function<BlockPool, EventQueue> opener() { return EpollQueue::new; }

    @Test void aStreamThatCannotBeAttachedStaysDetached() { assertThatAStreamThatCannotBeAttachedStaysDetached(); }
}
