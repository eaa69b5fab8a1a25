package org.libtorque.event;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.NativeMemory;
import org.libtorque.sys.SignalFd;
import org.libtorque.sys.SignalFd.Siginfo;

/**
 * One signal of this process, and everybody in it who wants to be told: signals are the process's, runtimes are several, and each registration shall see each signal.
 *
 * <p><b>Two ways.</b> If every thread has the signal blocked, it stays pending in the kernel, and signalfd(2) takes it from there with sender and value. Threads inherit the mask of
 * their creator, so that is so when the launcher blocked it; without {@code -Xrs} the JVM takes HUP, INT and TERM out of the mask again. Otherwise the JDK's handler is
 * installed, which can take most signals but knows nothing of them but the number. Which way is settled when the first member joins, and holds until the last one leaves.
 *
 * <p><b>Several members, signalfd.</b> Each has a descriptor of its own, and all of them become readable. Whoever comes first takes what there is and passes it to all, itself included;
 * the others find nothing, or what came since. All of that is under the hub's lock, so all see the same order. Nobody takes more than the member with the least room
 * can hold: the rest stays in the kernel, whose limit (RLIMIT_SIGPENDING) then refuses senders. That member comes back here when it has made room. So nothing is
 * lost and nothing grows without bound.
 *
 * <p>Rejected: one descriptor for all, with an owner. Owners end, with their runtime, and the descriptor would have to be handed on; a descriptor more costs nothing.
 */
final class SignalHub {
    /** Somebody who wants to be told. */
    interface Member {
        /** Returns how many signals it can take now. Under the hub's lock. */
        int room();

        /** Takes a signal. Under the hub's lock; must be brief. */
        void offer(SignalInfo info);
    }

    /** Signals taken by one read. */
    static final int BATCH = 15;
    /** Bytes of memory that {@link #pump} needs. */
    static final int BATCH_BYTES = BATCH * 128;

    private static final SignalHub[] HUBS = new SignalHub[SignalFd.SIGRTMAX + 1];

    private final Signal signal;
    private final List<Member> members = new ArrayList<>();
    /** Members, and those about to be. */
    private int users;
    private boolean byDescriptor;
    /** What the JDK had before; null while its handler is not ours. */
    private Object previous;

    private SignalHub(Signal signal) { this.signal = signal; }

    static SignalHub of(Signal signal) {
        synchronized (HUBS) {
            SignalHub hub = HUBS[signal.number()];
            if (hub == null) HUBS[signal.number()] = hub = new SignalHub(signal);
            return hub;
        }
    }

    /**
     * Prepares for a member, which is to be {@linkplain #add added}, or, if that does not come to pass, to {@linkplain #leave leave}.
     *
     * @return a signalfd, non-blocking, which is the member's to watch, {@linkplain #pump pump} and close; or -1 if there is none because the JDK's handler does it
     * @throws UnsupportedOperationException if the signal cannot be taken; says what to do
     * @throws IOException                   if descriptors are out
     */
    synchronized int join() throws IOException {
        if (users == 0) {
            refuseWhatNobodyCanTake();
            byDescriptor = isBlockedEverywhere(signal.number());
            if (!byDescriptor) previous = takeByJdk();
        }
        int fd = -1;
        if (byDescriptor) {
            fd = SignalFd.create(ErrnoSlot.current(), -1, SignalFd.sigaddset(0, signal.number()), SignalFd.SFD_NONBLOCK | SignalFd.SFD_CLOEXEC);
            if (fd < 0) throw IoErrors.of(fd, "signalfd", "{}", signal);
        }
        users++;
        return fd;
    }

    /** Passes signals to a member from now on. After {@link #join}. */
    synchronized void add(Member member) { members.add(member); }

    /** Removes a member, who has joined. */
    synchronized void leave(Member member) {
        members.remove(member);
        if (--users > 0 || previous == null) return;
        JdkSignals.restore(signal, previous);
        previous = null;
    }

    /**
     * Takes what is pending, as much as every member has room for at most, and passes it to all.
     *
     * @param fd     what {@link #join} returned
     * @param memory {@link #BATCH_BYTES} of the caller's
     * @return signals taken
     */
    synchronized int pump(int fd, ErrnoSlot errno, long memory) {
        int room = BATCH;
        for (int i = 0; i < members.size(); i++) room = Math.min(room, members.get(i).room());
        if (room <= 0) return 0;
        int n = SignalFd.read(errno, fd, memory, room);
        for (int i = 0; i < n; i++) pass(infoAt(memory + i * Siginfo.SIZE));
        return Math.max(0, n);
    }

    private void pass(SignalInfo info) {
        for (int i = 0; i < members.size(); i++) members.get(i).offer(info);
    }

    private SignalInfo infoAt(long at) {
        int code = NativeMemory.getInt(at + Siginfo.SSI_CODE);
        return new SignalInfo(signal, code, NativeMemory.getInt(at + Siginfo.SSI_PID), NativeMemory.getInt(at + Siginfo.SSI_UID),
                code == SignalFd.SI_QUEUE ? NativeMemory.getLong(at + Siginfo.SSI_PTR) : 0, signal.number() == SignalFd.SIGCHLD ? NativeMemory.getInt(at + Siginfo.SSI_STATUS) : 0);
    }

    /** On the JVM's thread. A member without room is left out: as with two of a standard signal that wait in the kernel, they are one. */
    private synchronized void cameByJdk() {
        SignalInfo info = new SignalInfo(signal, SignalInfo.UNKNOWN_CODE, -1, -1, 0, 0);
        for (Member member : List.copyOf(members)) {
            if (member.room() > 0) member.offer(info);
        }
    }

    // ---- which way

    private void refuseWhatNobodyCanTake() {
        switch (signal.number()) {
            case SignalFd.SIGKILL, SignalFd.SIGSTOP -> throw new UnsupportedOperationException(signal + " cannot be taken: the kernel gives it to no program");
            case SignalFd.SIGSEGV, SignalFd.SIGBUS, SignalFd.SIGFPE, SignalFd.SIGILL, SignalFd.SIGTRAP, SignalFd.SIGABRT, SignalFd.SIGSYS ->
                    throw new UnsupportedOperationException(signal + " cannot be taken: it tells the JVM of faults of its own code");
            default -> { }
        }
    }

    private Object takeByJdk() {
        String launch = "start the program by './torque', or as 'env --block-signal=" + signal.name() + " java -Xrs …'";
        if (signal.isRealTime()) {
            throw new UnsupportedOperationException(signal + " cannot be taken: not every thread blocks it, and the JDK handles no real-time signals; " + launch);
        }
        if (signal.number() == SignalFd.SIGUSR2 && !jvmSuspendsByAnother()) {
            throw new UnsupportedOperationException(signal + " cannot be taken: the JVM suspends its threads by it; start the program by './torque', or with another signal for that as "
                    + "'_JAVA_SR_SIGNUM=16 env --block-signal=USR2 java -Xrs …'");
        }
        try {
            return JdkSignals.install(signal, this::cameByJdk);
        } catch (UnsupportedOperationException e) {
            throw new UnsupportedOperationException(signal + " cannot be taken: not every thread blocks it, and the JVM refuses it (" + e.getMessage() + "); " + launch, e);
        }
    }

    private static boolean jvmSuspendsByAnother() {
        String number = System.getenv("_JAVA_SR_SIGNUM");
        return number != null && !number.equals(Integer.toString(SignalFd.SIGUSR2));
    }

    /** Tells whether all threads of this process block a signal. */
    static boolean isBlockedEverywhere(int number) {
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path thread : threads) {
                String status;
                try {
                    status = Files.readString(thread.resolve("status"));
                } catch (IOException e) {
                    continue; // it has ended since
                }
                int at = status.indexOf("\nSigBlk:");
                if (at < 0) continue;
                int end = status.indexOf('\n', at + 1);
                long blocked = Long.parseUnsignedLong(status.substring(at + 8, end).strip(), 16);
                if (!SignalFd.sigismember(blocked, number)) return false;
            }
            return true;
        } catch (IOException | UncheckedIOException | DirectoryIteratorException e) {
            return false; // no /proc: the JDK's way works without
        }
    }
}
