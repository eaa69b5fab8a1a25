/** The per-core loop: vcores, tasks and colours, event queues over epoll and io_uring, timers. */
module org.libtorque.vcore {
    requires org.libtorque.sys;
    requires transitive org.libtorque.hardware;
    requires transitive org.libtorque.memory;

    exports org.libtorque.vcore;
}
