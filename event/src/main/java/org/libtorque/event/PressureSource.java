package org.libtorque.event;

import java.io.IOException;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Files;
import org.libtorque.vcore.Color;

/**
 * A trigger of pressure stall information: the descriptor of a file in /proc/pressure or of a control group, to which the trigger was written, and which has priority events
 * (POLLPRI) when it fires. Such a file is always readable and writable besides, which is not asked for. The trigger lives as long as the descriptor.
 */
final class PressureSource extends KernelSource {
    private final PressureTrigger trigger;
    private final PressureHandler handler;

    private PressureSource(Color color, int fd, PressureTrigger trigger, PressureHandler handler) {
        super(color, fd, PRIORITY);
        this.trigger = trigger;
        this.handler = handler;
    }

    /** See {@link org.libtorque.Torque#onPressure(PressureTrigger, Color, PressureHandler)}. */
    static PressureSource open(PressureTrigger trigger, Color color, PressureHandler handler) throws IOException {
        ErrnoSlot errno = ErrnoSlot.current();
        int fd = KernelFile.open(errno, trigger.file(), Files.O_RDWR);
        if (fd < 0) throw refused(trigger, fd);
        int result = KernelFile.write(errno, fd, trigger.command());
        if (result < 0) {
            Files.close(errno, fd);
            throw refused(trigger, result);
        }
        PressureSource source = new PressureSource(color, fd, trigger, handler);
        source.register();
        return source;
    }

    /** @param error a negated errno, of opening the file or of writing the trigger */
    static IOException refused(PressureTrigger trigger, int error) {
        boolean ofMachine = trigger.cgroup() == null;
        String why = switch (-error) {
            case Errno.ENOENT -> ofMachine ? "the kernel has no pressure stall information: it must be built with CONFIG_PSI, which has it since Linux 4.20"
                    : "there is no such control group, or it is one of version 1, or the kernel has no pressure stall information (CONFIG_PSI)";
            case Errno.EOPNOTSUPP -> "pressure stall information is switched off: boot with psi=1" + (ofMachine ? "" : ", and write 1 to cgroup.pressure of the group");
            case Errno.EACCES, Errno.EPERM -> ofMachine ? "before Linux 6.5 that needs CAP_SYS_RESOURCE" : "this user may not write there; the group must be delegated to it";
            case Errno.EINVAL -> trigger.window().toNanos() % PressureTrigger.UNPRIVILEGED_WINDOW.toNanos() != 0
                    ? "without CAP_SYS_RESOURCE the window must be a multiple of 2 s (and it cannot be had at all before Linux 6.5)"
                    : "the kernel refuses stall and window" + (trigger.full() && trigger.resource() == PressureTrigger.Resource.CPU && ofMachine ? "; 'full' may not be had of the whole machine's CPUs" : "");
            case Errno.EBUSY -> "the descriptor has a trigger already";
            default -> Errno.describe(-error);
        };
        IOException e = new IOException("pressure trigger " + trigger + ": " + why);
        e.initCause(KernelFile.failure(error, trigger.file()));
        return e;
    }

    @Override protected void run() throws Exception {
        int bits = takeReady();
        if (!isOpen()) return;
        if ((bits & HANG_UP) != 0) {
            fail(new IOException("pressure trigger " + trigger + ": the control group is gone"));
        } else if ((bits & PRIORITY) != 0) {
            handler.onPressure(Pressure.parse(trigger, KernelFile.read(loop().errno, fd())));
        }
    }

    /** What has thrown has been told of its event; there is none left. */
    @Override protected void failed(Throwable failure) { color().home().reportFailure(this, failure); }

    /** For a grace period of the kernel's (RCU) that ends the last look at the trigger: 11 ms. */
    @Override protected boolean waitsWhenClosed() { return true; }

    @Override public String toString() { return "Registration[" + trigger + "]"; }
}
