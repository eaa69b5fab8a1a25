package org.libtorque.sys;

/**
 * A system call failed in a way that the code around it does not expect. Names the call, its arguments and the errno:
 * {@code epoll_ctl(efd=9, op=ADD, fd=31): EEXIST (File exists)}.
 *
 * <p>Expected outcomes are negated errnos and never become exceptions; the {@code check} methods turn the rest into
 * one. Their arguments are primitives or strings that exist anyway, so a call that succeeds pays one comparison and
 * allocates nothing. In a template each <code>{}</code> stands for the next argument.
 */
public final class SyscallException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final String arguments;
    private final int errno;

    /**
     * @param call      name of the call, as in its manual page
     * @param arguments its arguments as they should be shown, such as {@code fd=31, level=6}
     * @param errno     positive error number
     */
    public SyscallException(String call, String arguments, int errno) {
        super(call + "(" + arguments + "): " + Errno.describe(errno));
        this.call = call;
        this.arguments = arguments;
        this.errno = errno;
    }

    /** Returns the name of the call, as in its manual page. */
    public String call() { return call; }

    /** Returns the arguments, such as {@code efd=9, op=ADD, fd=31}. */
    public String arguments() { return arguments; }

    /** Returns the error number, positive. */
    public int errno() { return errno; }

    /**
     * Makes the exception for a failed call.
     *
     * @param result    what the call returned: a negated errno
     * @param template  arguments with <code>{}</code> for each of {@code values}
     */
    public static SyscallException of(long result, String call, String template, Object... values) {
        return new SyscallException(call, fill(template, values), (int) -result);
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template) {
        if (result < 0) throw of(result, call, template);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a) {
        if (result < 0) throw of(result, call, template, a);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a, long b) {
        if (result < 0) throw of(result, call, template, a, b);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a, long b, long c) {
        if (result < 0) throw of(result, call, template, a, b, c);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a, long b, long c, long d) {
        if (result < 0) throw of(result, call, template, a, b, c, d);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, Object a) {
        if (result < 0) throw of(result, call, template, a);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a, Object b) {
        if (result < 0) throw of(result, call, template, a, b);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static int check(int result, String call, String template, long a, Object b, long c) {
        if (result < 0) throw of(result, call, template, a, b, c);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static long check(long result, String call, String template) {
        if (result < 0) throw of(result, call, template);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static long check(long result, String call, String template, long a) {
        if (result < 0) throw of(result, call, template, a);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static long check(long result, String call, String template, long a, long b) {
        if (result < 0) throw of(result, call, template, a, b);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static long check(long result, String call, String template, long a, long b, long c) {
        if (result < 0) throw of(result, call, template, a, b, c);
        return result;
    }

    /** Returns {@code result}, or throws if it is a negated errno. */
    public static long check(long result, String call, String template, long a, long b, long c, long d) {
        if (result < 0) throw of(result, call, template, a, b, c, d);
        return result;
    }

    private static String fill(String template, Object[] values) {
        var text = new StringBuilder(template.length() + 16 * values.length);
        int from = 0;
        for (Object value : values) {
            int at = template.indexOf("{}", from);
            if (at < 0) throw new IllegalArgumentException("template '" + template + "' has no place for " + value);
            text.append(template, from, at).append(value);
            from = at + 2;
        }
        return text.append(template, from, template.length()).toString();
    }
}
