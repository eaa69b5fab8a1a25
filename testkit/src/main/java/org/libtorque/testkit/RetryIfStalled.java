package org.libtorque.testkit;

import java.lang.reflect.Method;
import java.time.Duration;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.ReflectionSupport;

/**
 * Runs each test of a class again that fails while the machine stands still, as {@link StallMeter#retryIfStalled} does: {@code @RegisterExtension static final RetryIfStalled RETRY =
 * new RetryIfStalled(Duration.ofMillis(50))}. For classes whose tests are about what is done in a window of the real clock, and make all that they use themselves: the test's object and
 * its temporary directories are the same in each attempt, and nothing is called in between.
 */
public final class RetryIfStalled implements InvocationInterceptor {
    private final Duration stall;

    /** @param stall for how long the machine must have stood still for a failure to be its fault */
    public RetryIfStalled(Duration stall) { this.stall = stall; }

    @Override public void interceptTestMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> context, ExtensionContext extension) throws Throwable { run(invocation, context); }

    @Override public void interceptTestTemplateMethod(Invocation<Void> invocation, ReflectiveInvocationContext<Method> context, ExtensionContext extension) throws Throwable {
        run(invocation, context);
    }

    private void run(Invocation<Void> invocation, ReflectiveInvocationContext<Method> context) throws Exception {
        boolean[] again = new boolean[1];
        StallMeter.retryIfStalled(stall, () -> {
            if (again[0]) {
                ReflectionSupport.invokeMethod(context.getExecutable(), context.getTarget().orElseThrow(), context.getArguments().toArray());
                return;
            }
            again[0] = true; // JUnit lets it go on once
            try {
                invocation.proceed();
            } catch (Exception | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }, () -> { });
    }
}
