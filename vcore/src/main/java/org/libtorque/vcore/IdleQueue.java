package org.libtorque.vcore;

/**
 * An event queue without a kernel, for a vcore that runs tasks only: nothing ever happens in it, it does not wait, and what has to do with sources
 * throws {@link UnsupportedOperationException}. So a turn of the loop costs what the loop itself costs. What plays a kernel, such as a simulator, extends it by what that
 * kernel can do. Any thread.
 */
public class IdleQueue extends EventQueue {
    /** Makes one; it owns nothing. */
    public IdleQueue() {}

    @Override public String name() { return "idle"; }

    @Override public int harvest(int window, long timeoutNanos) { return 0; }

    @Override public boolean caughtUp() { return true; }

    @Override public boolean hasDeferredWork() { return false; }

    @Override public void wake() {}

    @Override public int sourceCount() { return 0; }

    @Override public void close() {}

    @Override public int openStream(StreamSource source) { throw none(); }

    @Override public int openConnecting(StreamSource source) { throw none(); }

    @Override public int connected(StreamSource source) { throw none(); }

    @Override public int receive(StreamSource source) { throw none(); }

    @Override public int receive(StreamSource source, long address, int capacity) { throw none(); }

    @Override public void leaveInput(StreamSource source) { throw none(); }

    @Override public long keepInput(StreamSource source) { throw none(); }

    @Override public void pauseReceiving(StreamSource source, boolean paused) { throw none(); }

    @Override public int send(StreamSource source, long address, int length) { throw none(); }

    @Override public void awaitWritable(EventSource source) { throw none(); }

    @Override public void awaitHangUp(StreamSource source) { throw none(); }

    @Override public int listen(AcceptSource source) { throw none(); }

    @Override public int accept(AcceptSource source) { throw none(); }

    @Override public int watch(EventSource source, int interest) { throw none(); }

    @Override public boolean detach(EventSource source) { throw none(); }

    @Override public int attach(EventSource source) { throw none(); }

    @Override public void close(EventSource source, boolean keepDescriptor) { throw none(); }

    private static UnsupportedOperationException none() { return new UnsupportedOperationException("this queue has no kernel behind it"); }
}
