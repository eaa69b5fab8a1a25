package org.libtorque.sys;

/** Waiting for what is sure to come: an interrupt does not end the wait, and the caller sees it afterwards. */
public final class Uninterruptibly {
    private Uninterruptibly() {}

    /** Something that waits and can be interrupted; it is called again if it was. */
    @FunctionalInterface
    public interface Wait {
        /** Waits. */
        void await() throws InterruptedException;
    }

    /**
     * Waits, as often as it is interrupted. Any thread that may block.
     *
     * @param wait ends in bounded time, for nothing ends it from outside
     */
    public static void await(Wait wait) {
        boolean interrupted = false;
        while (true) {
            try {
                wait.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
