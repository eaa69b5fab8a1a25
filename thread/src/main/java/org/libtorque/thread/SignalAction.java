package org.libtorque.thread;

import java.util.Objects;
import java.util.Set;
import org.libtorque.event.Signal;
import org.libtorque.event.SignalHandler;

/**
 * What a uthread does about a signal, as sigaction(2) has it.
 *
 * @param handler  runs on the thread that the signal was sent to; null for what {@link #DEFAULT} does
 * @param blocked  signals that wait while the handler runs, besides the signal itself
 * @param nested   whether the signal itself does not wait while its handler runs ({@code SA_NODEFER})
 * @param once     whether the signal's action is {@link #DEFAULT} again when its handler begins ({@code SA_RESETHAND})
 */
public record SignalAction(SignalHandler handler, Set<Signal> blocked, boolean nested, boolean once) {
    /** Nothing for {@code CHLD}, {@code CONT}, {@code URG} and {@code WINCH}; for every other signal the failure handler is told, and the runtime stops. */
    public static final SignalAction DEFAULT = new SignalAction(null, Set.of(), false, false);

    /** Nothing, whatever the signal. */
    public static final SignalAction IGNORE = new SignalAction(info -> { }, Set.of(), true, false);

    /** Copies the set. */
    public SignalAction { blocked = Set.copyOf(blocked); }

    /** Runs a handler, during which the signal itself waits. */
    public static SignalAction of(SignalHandler handler) { return new SignalAction(Objects.requireNonNull(handler), Set.of(), false, false); }

    /** Returns this action with these signals waiting, besides its own, while the handler runs. */
    public SignalAction withBlocked(Set<Signal> signals) { return new SignalAction(handler, signals, nested, once); }

    /** Returns this action with a handler that its own signal may interrupt. */
    public SignalAction withNested() { return new SignalAction(handler, blocked, true, once); }

    /** Returns this action for one time only. */
    public SignalAction withOnce() { return new SignalAction(handler, blocked, nested, true); }
}
