package org.libtorque.event;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.libtorque.sys.SignalFd;

/**
 * A signal, by the kernel's number on x86-64 and AArch64 and its name without SIG. Real-time signals count from the first one that glibc leaves to programs: {@code RTMIN} is 34,
 * {@code RTMIN+30} is 64.
 *
 * @param number 1 to 64, without 32 and 33, which are glibc's
 */
public record Signal(int number) implements Comparable<Signal> {
    private static final List<String> NAMES = List.of("", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
            "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");
    private static final Pattern REAL_TIME = Pattern.compile("RTMIN(?:\\+(\\d{1,2}))?|RTMAX(?:-(\\d{1,2}))?");

    /** The terminal has gone; by convention also: read the configuration again. */
    public static final Signal HUP = new Signal(SignalFd.SIGHUP);
    /** Interrupt from the terminal. */
    public static final Signal INT = new Signal(SignalFd.SIGINT);
    /** Quit from the terminal. */
    public static final Signal QUIT = new Signal(SignalFd.SIGQUIT);
    /** The program's own. */
    public static final Signal USR1 = new Signal(SignalFd.SIGUSR1);
    /** The program's own; the JVM takes it unless it is started with {@code _JAVA_SR_SIGNUM} naming another. */
    public static final Signal USR2 = new Signal(SignalFd.SIGUSR2);
    /** A pipe or socket has no reader. Those that the kernel sends to the thread that wrote are not reported, since that call fails with {@code EPIPE}. */
    public static final Signal PIPE = new Signal(SignalFd.SIGPIPE);
    /** From alarm(2). */
    public static final Signal ALRM = new Signal(SignalFd.SIGALRM);
    /** Please end. */
    public static final Signal TERM = new Signal(SignalFd.SIGTERM);
    /** A child has ended, stopped or continued; several that wait are one. To learn of each, use {@code Torque.onExit}. */
    public static final Signal CHLD = new Signal(SignalFd.SIGCHLD);
    /** Go on after having been stopped. */
    public static final Signal CONT = new Signal(SignalFd.SIGCONT);
    /** The size of the terminal has changed. */
    public static final Signal WINCH = new Signal(SignalFd.SIGWINCH);

    /** Checks the number. */
    public Signal {
        if (number < 1 || number > SignalFd.SIGRTMAX || number == 32 || number == 33) {
            throw new IllegalArgumentException("there is no signal " + number + " for programs: 1 to 31 and " + SignalFd.SIGRTMIN + " to " + SignalFd.SIGRTMAX);
        }
    }

    /**
     * Returns a real-time signal, of which each that is sent is queued and delivered, with its value.
     *
     * @param index 0 to 30, counted from RTMIN
     */
    public static Signal realTime(int index) {
        if (index < 0 || index > SignalFd.SIGRTMAX - SignalFd.SIGRTMIN) throw new IllegalArgumentException("real-time signals are 0 to 30, not " + index);
        return new Signal(SignalFd.SIGRTMIN + index);
    }

    /**
     * Finds a signal by what people call it: {@code TERM}, {@code SIGTERM}, {@code RTMIN+3}, {@code RTMAX-1} or its number.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Signal of(String text) {
        String name = text.strip().toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) name = name.substring(3);
        int number = name.isEmpty() ? -1 : NAMES.indexOf(name);
        if (number > 0) return new Signal(number);
        Matcher realTime = REAL_TIME.matcher(name);
        if (realTime.matches()) {
            if (name.startsWith("RTMAX")) return realTime(30 - (realTime.group(2) == null ? 0 : Integer.parseInt(realTime.group(2))));
            return realTime(realTime.group(1) == null ? 0 : Integer.parseInt(realTime.group(1)));
        }
        if (name.matches("\\d{1,2}")) return new Signal(Integer.parseInt(name));
        throw new IllegalArgumentException("'" + text + "' is no signal; known: " + String.join(", ", NAMES.subList(1, NAMES.size())) + ", RTMIN to RTMIN+30");
    }

    /** Returns the name without SIG: {@code TERM}, {@code RTMIN+3}. */
    public String name() {
        if (number < NAMES.size()) return NAMES.get(number);
        int index = number - SignalFd.SIGRTMIN;
        return index == 0 ? "RTMIN" : "RTMIN+" + index;
    }

    /** Tells whether each one sent is queued, with a value. */
    public boolean isRealTime() { return number >= SignalFd.SIGRTMIN; }

    @Override public int compareTo(Signal other) { return Integer.compare(number, other.number); }

    @Override public String toString() { return "SIG" + name(); }
}
