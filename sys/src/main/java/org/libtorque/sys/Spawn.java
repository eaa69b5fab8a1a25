package org.libtorque.sys;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * posix_spawn(3): starts a program in a child process without copying this one.
 *
 * <p>The child gets three descriptors and no other, an empty signal mask, and default actions for the signals that were caught here (as exec does) and those named. Its parent is this
 * process, which alone may wait for it: the JDK waits only for what it has started itself.
 *
 * <p>These functions return an error number instead of setting errno.
 */
public final class Spawn {
    private static final short POSIX_SPAWN_SETSIGDEF = 0x04, POSIX_SPAWN_SETSIGMASK = 0x08;
    /** Both structs are opaque: 80 and 336 bytes in glibc 2.28 to 2.41, on both architectures. */
    private static final long ACTIONS_BYTES = 256, ATTRIBUTES_BYTES = 512;
    /** sigset_t of the C library. */
    private static final long SIGSET_BYTES = 128;
    /** From glibc 2.34 on: closes all descriptors from a number on. */
    private static final boolean HAS_CLOSEFROM = Libc.has("posix_spawn_file_actions_addclosefrom_np");
    private static final boolean HAS_CHDIR = Libc.has("posix_spawn_file_actions_addchdir_np");

    private Spawn() {}

    /** Links on first use: most programs start none. */
    private static final class Functions {
        static final MethodHandle ACTIONS_INIT = Libc.rare("posix_spawn_file_actions_init");
        static final MethodHandle ACTIONS_DESTROY = Libc.rare("posix_spawn_file_actions_destroy");
        static final MethodHandle ADD_DUP2 = Libc.rare("posix_spawn_file_actions_adddup2");
        static final MethodHandle ADD_CLOSE = Libc.rare("posix_spawn_file_actions_addclose");
        static final MethodHandle ADD_CLOSEFROM = HAS_CLOSEFROM ? Libc.rare("posix_spawn_file_actions_addclosefrom_np") : null;
        static final MethodHandle ADD_CHDIR = HAS_CHDIR ? Libc.rare("posix_spawn_file_actions_addchdir_np") : null;
        static final MethodHandle ATTRIBUTES_INIT = Libc.rare("posix_spawnattr_init");
        static final MethodHandle ATTRIBUTES_DESTROY = Libc.rare("posix_spawnattr_destroy");
        static final MethodHandle SET_FLAGS = Libc.rare("posix_spawnattr_setflags");
        static final MethodHandle SET_MASK = Libc.rare("posix_spawnattr_setsigmask");
        static final MethodHandle SET_DEFAULT = Libc.rare("posix_spawnattr_setsigdefault");
        static final MethodHandle SPAWNP = Libc.rare("posix_spawnp");
    }

    /**
     * Starts a program. The calling thread waits until it runs, some hundred microseconds. Allocates.
     *
     * @param arguments   the program, looked for in the folders of PATH if it has no slash, and its arguments
     * @param environment {@code NAME=value} each
     * @param directory   where it starts, or null for this process's directory
     * @param descriptors what it gets as 0, 1 and 2; they stay open here and should be close-on-exec
     * @param defaults    signals, as a set of {@link SignalFd}, whose action is to be the default even if this process ignores them
     * @param open        descriptors of this process that the child must not keep, for C libraries that cannot close all; else not looked at
     * @return the child, or a negated errno: {@code -ENOENT} no such program (or directory), {@code -EACCES}, {@code -EAGAIN} too many processes, {@code -ENOSYS} the C library
     *         (before glibc 2.29) cannot change the directory
     */
    public static int spawn(ErrnoSlot errno, List<String> arguments, List<String> environment, String directory, int[] descriptors, long defaults, int[] open) {
        if (directory != null && !HAS_CHDIR) return -Errno.ENOSYS;
        try (Arena arena = Arena.ofConfined()) {
            long actions = arena.allocate(ACTIONS_BYTES, 16).address();
            long attributes = arena.allocate(ATTRIBUTES_BYTES, 16).address();
            long argv = strings(arguments, arena);
            long envp = strings(environment, arena);
            long pid = arena.allocate(4, 4).address();
            int error = call(errno, Functions.ACTIONS_INIT, actions, 0, 0);
            if (error != 0) return -error;
            try {
                error = call(errno, Functions.ATTRIBUTES_INIT, attributes, 0, 0);
                if (error != 0) return -error;
                try {
                    error = describe(errno, actions, attributes, directory, descriptors, defaults, open, arena);
                    if (error != 0) return -error;
                    error = (int) (long) Functions.SPAWNP.invokeExact(errno.segment(), pid, NativeMemory.getLong(argv), actions, attributes, argv, envp, 0L);
                    return error != 0 ? -error : NativeMemory.getInt(pid);
                } finally {
                    call(errno, Functions.ATTRIBUTES_DESTROY, attributes, 0, 0);
                }
            } finally {
                call(errno, Functions.ACTIONS_DESTROY, actions, 0, 0);
            }
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    private static int describe(ErrnoSlot errno, long actions, long attributes, String directory, int[] descriptors, long defaults, int[] open, Arena arena) {
        int error = 0;
        // By way of numbers that none of them has, so that none is overwritten before it was used if some are among 0, 1 and 2 themselves.
        int free = Math.max(3, Math.max(descriptors[0], Math.max(descriptors[1], descriptors[2])) + 1);
        for (int i = 0; i < 3 && error == 0; i++) error = call(errno, Functions.ADD_DUP2, actions, descriptors[i], free + i);
        for (int i = 0; i < 3 && error == 0; i++) error = call(errno, Functions.ADD_DUP2, actions, free + i, i);
        if (error == 0 && directory != null) error = call(errno, Functions.ADD_CHDIR, actions, CStrings.allocate(directory, arena), 0);
        if (HAS_CLOSEFROM) {
            if (error == 0) error = call(errno, Functions.ADD_CLOSEFROM, actions, 3, 0);
        } else {
            for (int i = 0; i < 3 && error == 0; i++) error = call(errno, Functions.ADD_CLOSE, actions, free + i, 0);
            for (int i = 0; i < open.length && error == 0; i++) {
                if (open[i] > 2) error = call(errno, Functions.ADD_CLOSE, actions, open[i], 0);
            }
        }
        long set = arena.allocate(SIGSET_BYTES, 8).address();
        NativeMemory.fill(set, SIGSET_BYTES, (byte) 0);
        if (error == 0) error = call(errno, Functions.SET_MASK, attributes, set, 0);
        NativeMemory.putLong(set, defaults);
        if (error == 0) error = call(errno, Functions.SET_DEFAULT, attributes, set, 0);
        if (error == 0) error = call(errno, Functions.SET_FLAGS, attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF, 0);
        return error;
    }

    private static int call(ErrnoSlot errno, MethodHandle function, long a, long b, long c) {
        try {
            return (int) (long) function.invokeExact(errno.segment(), a, b, c, 0L, 0L, 0L, 0L);
        } catch (Throwable t) { throw Libc.impossible(t); }
    }

    private static long strings(List<String> texts, Arena arena) {
        long array = arena.allocate(8L * (texts.size() + 1), 8).address();
        for (int i = 0; i < texts.size(); i++) NativeMemory.putLong(array + 8L * i, CStrings.allocate(texts.get(i), arena));
        NativeMemory.putLong(array + 8L * texts.size(), 0);
        return array;
    }
}
