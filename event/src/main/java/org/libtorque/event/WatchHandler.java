package org.libtorque.event;

/** Called when a watched descriptor has become ready. */
@FunctionalInterface
public interface WatchHandler {
    /**
     * The descriptor must now be used until the kernel says {@code EAGAIN}: nothing calls a second time for what is there already.
     *
     * @param watch which
     * @param ready bits of {@link Watch#READABLE}, {@link Watch#WRITABLE}, {@link Watch#PRIORITY}, {@link Watch#HANG_UP}
     * @throws Exception anything; ends the watch
     */
    void onReady(Watch watch, int ready) throws Exception;
}
