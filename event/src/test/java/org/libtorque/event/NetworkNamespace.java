package org.libtorque.event;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Assumptions;
import org.libtorque.sys.Errno;
import org.libtorque.sys.ErrnoSlot;
import org.libtorque.sys.Namespaces;

/** A network namespace of a test's own: that of one thread, and of what it starts. */
final class NetworkNamespace implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("namespace").factory());

    private NetworkNamespace() {}

    /** Makes one, or skips the test where that is forbidden or there is no ip(8). */
    static NetworkNamespace open() throws Exception {
        var namespace = new NetworkNamespace();
        int result = namespace.run(() -> Namespaces.unshare(ErrnoSlot.current(), Namespaces.CLONE_NEWNET));
        boolean tool = result == 0 && namespace.run(() -> {
            try {
                return namespace.call(List.of("ip", "link")) == 0;
            } catch (java.io.IOException e) {
                return false;
            }
        });
        if (!tool) namespace.close();
        Assumptions.assumeTrue(result == 0, () -> "no network namespace can be made: " + Errno.describe(-result));
        Assumptions.assumeTrue(tool, "there is no ip(8)");
        return namespace;
    }

    <T> T run(Callable<T> body) throws Exception {
        try {
            return thread.submit(body).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) throw cause;
            throw new AssertionError(e.getCause());
        }
    }

    /** Runs ip(8), which must succeed. */
    void ip(String arguments) throws Exception {
        List<String> command = new java.util.ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments.split(" ")));
        int status = run(() -> call(command));
        if (status != 0) throw new AssertionError("ip " + arguments + ": exit " + status);
    }

    /** Runs a shell script. */
    void sh(String script) throws Exception {
        int status = run(() -> call(List.of("sh", "-e", "-c", script)));
        if (status != 0) throw new AssertionError("exit " + status + ": " + script.lines().limit(5).toList());
    }

    private int call(List<String> command) throws Exception { return new ProcessBuilder(command).inheritIO().redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor(); }

    @Override public void close() { thread.shutdown(); }
}
