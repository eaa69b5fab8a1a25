package org.libtorque.thread;

import java.lang.System.Logger.Level;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A Java agent that puts {@link Uthread#checkpoint checkpoints} into loops and method entries of chosen classes, so that code that knows nothing of uthreads is preempted when the
 * {@linkplain Uthreads#schedulingPeriod scheduling period} is over:
 *
 * <pre>{@code
 *   java -javaagent:libtorque-thread.jar=com.example.*,org.other.Sorter ...
 * }</pre>
 *
 * <p>The argument names classes, or with {@code .*} at the end packages with all that lies below them, separated by commas. The library itself and the JDK are never woven.
 */
public final class CheckpointAgent {
    private static final System.Logger LOG = System.getLogger("org.libtorque");
    private static final String OURS = "org/libtorque/thread/";
    private static final AtomicInteger CLASSES = new AtomicInteger();
    private static final AtomicInteger CHECKPOINTS = new AtomicInteger();

    private CheckpointAgent() {}

    /** Called by the JVM before the program's {@code main}. */
    public static void premain(String argument, Instrumentation instrumentation) { install(argument, instrumentation); }

    /** Called by the JVM when it is loaded into a running program: weaves what is loaded already, too. */
    public static void agentmain(String argument, Instrumentation instrumentation) {
        List<String> patterns = install(argument, instrumentation);
        for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
            if (!matches(patterns, loaded.getName().replace('.', '/')) || !instrumentation.isModifiableClass(loaded)) continue;
            try {
                instrumentation.retransformClasses(loaded);
            } catch (UnmodifiableClassException | RuntimeException | LinkageError e) {
                LOG.log(Level.WARNING, "no checkpoints in " + loaded.getName(), e);
            }
        }
    }

    private static List<String> install(String argument, Instrumentation instrumentation) {
        List<String> patterns = patterns(argument);
        instrumentation.addTransformer(new Transformer(patterns, instrumentation), true);
        return patterns;
    }

    /**
     * Returns what the argument names, in the JVM's way of writing: a package ends with a slash.
     *
     * @throws IllegalArgumentException if it names nothing, or something that cannot be the name of a class
     */
    static List<String> patterns(String argument) {
        List<String> patterns = new ArrayList<>();
        for (String part : argument == null ? new String[0] : argument.split(",")) {
            String name = part.strip();
            if (name.isEmpty()) continue;
            boolean inside = name.endsWith(".*");
            String path = (inside ? name.substring(0, name.length() - 2) : name).replace('.', '/');
            if (!path.matches("[\\p{L}_$][\\p{L}\\p{N}_$]*(/[\\p{L}_$][\\p{L}\\p{N}_$]*)*")) throw new IllegalArgumentException("not a class, nor a package with .*: '" + name + "'");
            patterns.add(inside ? path + "/" : path);
        }
        if (patterns.isEmpty()) throw new IllegalArgumentException("name what is to have checkpoints: -javaagent:...=com.example.*,org.other.Sorter");
        return patterns;
    }

    /** Tells whether a class, as the JVM writes it, is named; nested classes go with their outer one. */
    static boolean matches(List<String> patterns, String className) {
        if (className.startsWith(OURS) || className.startsWith("java/") || className.startsWith("jdk/") || className.startsWith("sun/")) return false;
        for (String pattern : patterns) {
            if (pattern.endsWith("/") ? className.startsWith(pattern) : className.equals(pattern) || className.startsWith(pattern + "$")) return true;
        }
        return false;
    }

    /** Returns how many classes have got checkpoints. */
    public static int wovenClasses() { return CLASSES.get(); }

    /** Returns how many checkpoints they have got. */
    public static int wovenCheckpoints() { return CHECKPOINTS.get(); }

    private record Transformer(List<String> patterns, Instrumentation instrumentation) implements ClassFileTransformer {
        @Override public byte[] transform(Module module, ClassLoader loader, String className, Class<?> redefined, ProtectionDomain domain, byte[] bytes) {
            if (className == null || !matches(patterns, className)) return null;
            try {
                if (loader == null || Class.forName(Uthread.class.getName(), false, loader) != Uthread.class) return null; // it could not call us
                CheckpointWeaver weaver = new CheckpointWeaver(loader);
                byte[] woven = weaver.weave(bytes);
                if (woven == null) return null;
                Module ours = Uthread.class.getModule();
                if (!module.canRead(ours)) instrumentation.redefineModule(module, Set.of(ours), Map.of(), Map.of(), Set.of(), Map.of());
                CLASSES.incrementAndGet();
                CHECKPOINTS.addAndGet(weaver.woven());
                return woven;
            } catch (ClassNotFoundException e) {
                return null; // this loader does not know us
            } catch (RuntimeException | LinkageError e) {
                LOG.log(Level.WARNING, "no checkpoints in " + className.replace('/', '.'), e); // it runs as it is
                return null;
            }
        }
    }
}
