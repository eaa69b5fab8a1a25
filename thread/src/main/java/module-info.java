/** User-level threads: blocking Java on the vcores, and the schedulers that run it. */
module org.libtorque.thread {
    requires transitive java.instrument; // the agent that weaves checkpoints
    requires org.libtorque.sys;
    requires transitive org.libtorque.vcore;
    requires transitive org.libtorque.event;
    requires org.libtorque.memory;

    exports org.libtorque.thread;

    provides org.libtorque.event.Spawner.Provider with org.libtorque.thread.UthreadProvider;
}
