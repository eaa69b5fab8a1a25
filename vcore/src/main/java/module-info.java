/** The per-core loop: vcores, tasks and colours, event queues over epoll and io_uring, timers. */
@SuppressWarnings("module") // the layer named in the qualified export is compiled later
module org.libtorque.vcore {
    requires org.libtorque.sys;
    requires transitive org.libtorque.hardware;
    requires transitive org.libtorque.memory;

    exports org.libtorque.vcore;
    exports org.libtorque.vcore.jdk to org.libtorque.thread;
}
