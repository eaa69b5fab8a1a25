package org.libtorque.event;

import java.lang.foreign.Arena;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Processes;
import org.libtorque.sys.Processes.ChildInfo;

/** Waits for children that outlive the runtime that started them, so that they leave no zombie: a thread each, as the JDK has for its own. */
final class Reaper {
    private static final long STACK_BYTES = 128 << 10;

    private Reaper() {}

    static void adopt(int pid) {
        Thread.ofPlatform().daemon().name("torque-reaper-" + pid).stackSize(STACK_BYTES).start(() -> {
            try (Arena arena = Arena.ofConfined()) {
                long info = arena.allocate(ChildInfo.SIZE, 8).address();
                while (Processes.waitid(ErrnoSlot.current(), Processes.P_PID, pid, info, Processes.WEXITED) == -Errno.EINTR) Thread.onSpinWait();
            }
        });
    }
}
