package org.libtorque.vcore.epoll;

import org.junit.jupiter.api.Test;
import org.libtorque.memory.BlockPool;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.EventQueueMovingTest;

class EpollMovingTest extends EventQueueMovingTest {
    @Override protected EventQueue open(BlockPool blocks) { return new EpollQueue(blocks); }

    @Test void aStreamThatCannotBeAttachedStaysDetached() { assertThatAStreamThatCannotBeAttachedStaysDetached(); }
}
