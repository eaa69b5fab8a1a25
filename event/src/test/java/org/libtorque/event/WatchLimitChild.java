package org.libtorque.event;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;

/** A process that watches a tree and says what goes wrong. Arguments: the tree, and how deep. */
final class WatchLimitChild {
    private WatchLimitChild() {}

    public static void main(String[] arguments) throws Exception {
        var complete = new CountDownLatch(1);
        try (var torque = Torque.open(TorqueOptions.defaults().withFailureHandler((where, failure) -> System.out.println("failure " + failure.getMessage())))) {
            torque.onPath(Path.of(arguments[0]), PathScope.valueOf(arguments[1]), new PathHandler() {
                @Override public void onChange(PathChange change) {}

                @Override public void onComplete() { complete.countDown(); }
            });
            complete.await();
            System.out.println("complete");
        } catch (java.io.IOException e) {
            System.out.println("refused " + e.getMessage());
        }
    }
}
