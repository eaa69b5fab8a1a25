package org.libtorque;

import java.time.Duration;
import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.FailureHandler;

/**
 * How a runtime is set up. Immutable; each {@code with} method returns a changed copy.
 *
 * @param cpus             CPUs to take, one vcore each
 * @param backend          kernel interface of the event queues
 * @param bufferBlockBytes size of buffer blocks, a power of two from 4 KiB to 1 MiB: the most that one connection keeps of an incomplete message, and that
 *                         one receive brings
 * @param bufferMemory     bytes of buffer blocks that each vcore may use
 * @param postLimit        tasks that may be waiting in a colour before it refuses what threads other than vcores post, at least 1. What whoever runs the colour has taken over to
 *                         run does not count, so up to twice as many can wait. Shared tasks count until they have run, less as many as there are vcores: so many may be running
 * @param drainTimeout     how long {@link Torque#stop} lets connections finish
 * @param failureHandler   told of exceptions that callbacks let out
 * @param balance          what vcores do when one has more to do than another
 * @param keepCpus         whether vcores whose CPU is taken away (offline, or out of the cpuset) are parked, and work again when it
 *                         returns; costs a thread that looks twice a second
 * @param minVcores        how many vcores work however little there is to do, if load is to govern how many do; 0 lets all work, unless the program says
 *                         otherwise ({@link Torque#requestVcores})
 * @param overstay         how long a callback may run before that is logged, with its class and stack, up to 365 days; zero to log none
 * @param fileThreads      threads, at most, that wait for disks where the kernel cannot do it by itself ({@link org.libtorque.event.FileOperation}), at least 1; they
 *                         are shared by all vcores, and there is one, asleep, while there is nothing to wait for
 * @param fileWaiting      file operations that may be waiting for one of them before further ones are refused with {@code EAGAIN}, at least 1
 */
public record TorqueOptions(CpuSet cpus, Backend backend, int bufferBlockBytes, long bufferMemory, int postLimit, Duration drainTimeout,
                            FailureHandler failureHandler, Balance balance, boolean keepCpus, int minVcores, Duration overstay,
                            int fileThreads, int fileWaiting) {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    /** Many times as long can still be told in nanoseconds. */
    private static final Duration MAX_OVERSTAY = Duration.ofDays(365);

    /** All CPUs that this process may use, the better backend, 32 KiB blocks up to 512 MiB a vcore, 10 s to drain; failures are logged. */
    public static TorqueOptions defaults() {
        return new TorqueOptions(CpuSet.allowed(), Backend.AUTO, 32 * 1024, 512L << 20, 4096, Duration.ofSeconds(10),
                (where, failure) -> LOG.log(System.Logger.Level.WARNING, "callback of " + where + " failed", failure), Balance.MIGRATE, true, 0, Duration.ofMillis(100), 8, 4096);
    }

    /** Checks the values. */
    public TorqueOptions {
        if (cpus.isEmpty()) throw new IllegalArgumentException("no CPU to run on");
        if (bufferBlockBytes < 4096 || bufferBlockBytes > 1 << 20 || Integer.bitCount(bufferBlockBytes) != 1) {
            throw new IllegalArgumentException("bufferBlockBytes must be a power of two from 4096 to 1048576, not " + bufferBlockBytes);
        }
        if (bufferMemory < 128L * bufferBlockBytes) {
            throw new IllegalArgumentException("bufferMemory must be room for at least 128 blocks (" + 128L * bufferBlockBytes + " bytes), not "
                    + bufferMemory);
        }
        if (postLimit < 1) throw new IllegalArgumentException("postLimit must be at least 1, not " + postLimit);
        if (minVcores < 0 || minVcores > cpus.size()) throw new IllegalArgumentException("minVcores must be 0 to " + cpus.size() + ", not " + minVcores);
        if (minVcores > 0 && balance == Balance.STATIC) throw new IllegalArgumentException("with Balance.STATIC nothing moves, so minVcores must be 0, not " + minVcores);
        if (overstay.isNegative() || overstay.compareTo(MAX_OVERSTAY) > 0) {
            throw new IllegalArgumentException("overstay must be zero to " + MAX_OVERSTAY.toDays() + " days, not " + overstay);
        }
        if (fileThreads < 1 || fileWaiting < 1) throw new IllegalArgumentException("fileThreads and fileWaiting must be at least 1, not " + fileThreads + ", " + fileWaiting);
        if (drainTimeout.isNegative()) throw new IllegalArgumentException("drainTimeout must not be negative: " + drainTimeout);
        if (failureHandler == null || backend == null || balance == null) throw new NullPointerException();
    }

    /** Changes the CPUs. */
    public TorqueOptions withCpus(CpuSet value) {
        return new TorqueOptions(value, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes the backend. */
    public TorqueOptions withBackend(Backend value) {
        return new TorqueOptions(cpus, value, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes the buffers: bytes in a block, and in all blocks of one vcore. */
    public TorqueOptions withBuffers(int blockBytes, long memory) {
        return new TorqueOptions(cpus, backend, blockBytes, memory, postLimit, drainTimeout, failureHandler, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes how many tasks may be waiting in a colour. */
    public TorqueOptions withPostLimit(int value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, value, drainTimeout, failureHandler, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes how long connections may take to finish when the runtime stops. */
    public TorqueOptions withDrainTimeout(Duration value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, value, failureHandler, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes who is told of exceptions that callbacks let out. */
    public TorqueOptions withFailureHandler(FailureHandler value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, value, balance, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes what vcores do when one has more to do than another. */
    public TorqueOptions withBalance(Balance value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, value, keepCpus, minVcores, overstay, fileThreads, fileWaiting);
    }

    /**
     * Has load govern how many vcores work, of those there are: they are parked slowly when fewer would do, and go on to work within milliseconds when there is too much to do.
     * See {@link org.libtorque.vcore.Vcore#park} for what a parked vcore does.
     *
     * @param min how many work at least, from 1; 0 takes it back
     */
    public TorqueOptions withElasticity(int min) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, keepCpus, min, overstay, fileThreads, fileWaiting);
    }

    /** Changes whether vcores are kept on their CPUs. */
    public TorqueOptions withKeepCpus(boolean value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, value, minVcores, overstay, fileThreads, fileWaiting);
    }

    /** Changes how long a callback may run before that is logged; zero logs none. */
    public TorqueOptions withOverstay(Duration value) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, keepCpus, minVcores, value, fileThreads, fileWaiting);
    }

    /** Changes how many threads wait for disks at most, and how many file operations for one of them. */
    public TorqueOptions withFileThreads(int threads, int waiting) {
        return new TorqueOptions(cpus, backend, bufferBlockBytes, bufferMemory, postLimit, drainTimeout, failureHandler, balance, keepCpus, minVcores, overstay, threads, waiting);
    }
}
