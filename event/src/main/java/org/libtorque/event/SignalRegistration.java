package org.libtorque.event;

import java.io.IOException;
import java.util.concurrent.ArrayBlockingQueue;
import org.libtorque.vcore.Color;

/** A handler of one signal; see {@link SignalHub} for where signals come from. */
final class SignalRegistration extends KernelSource implements SignalHub.Member {
    /** Signals that wait for the handler before the rest is left in the kernel. */
    private static final int QUEUE_LENGTH = 256;
    private static final int BUDGET = 64;

    private final Signal signal;
    private final SignalHub hub;
    private final SignalHandler handler;
    /** Filled under the hub's lock, emptied under the colour. */
    private final ArrayBlockingQueue<SignalInfo> waiting = new ArrayBlockingQueue<>(QUEUE_LENGTH);

    private SignalRegistration(Signal signal, SignalHub hub, Color color, SignalHandler handler, int fd) {
        super(color, fd, READABLE);
        this.signal = signal;
        this.hub = hub;
        this.handler = handler;
    }

    /** See {@link org.libtorque.Torque#onSignal(Signal, Color, SignalHandler)}. */
    static SignalRegistration open(Signal signal, Color color, SignalHandler handler) throws IOException {
        SignalHub hub = SignalHub.of(signal);
        var registration = new SignalRegistration(signal, hub, color, handler, hub.join());
        hub.add(registration); // before it is registered, so that what comes from now on is not lost
        registration.register();
        return registration;
    }

    @Override void closing() { hub.leave(this); }

    @Override public int room() { return waiting.remainingCapacity(); }

    @Override public void offer(SignalInfo info) {
        waiting.add(info);
        signal(READABLE);
    }

    @Override protected void run() throws Exception {
        takeReady();
        for (int budget = BUDGET; isOpen() && budget > 0; ) {
            if (RingPort.holds(handler, this)) return;
            SignalInfo info = waiting.poll();
            if (info != null) {
                handler.onSignal(info);
                budget--;
            } else if (fd() < 0 || hub.pump(fd(), loop().errno, loop().scratch) == 0) {
                return;
            }
        }
        if (isOpen()) signal(READABLE); // behind the other colours
    }

    @Override public String toString() { return "Registration[" + signal + "]"; }
}
