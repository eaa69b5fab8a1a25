/** Native memory for events: mapped arenas, block pools, and the views that callbacks get of them. */
@SuppressWarnings("module") // the layers named in the qualified exports are compiled later
module org.libtorque.memory {
    requires org.libtorque.sys;
    requires org.libtorque.hardware;

    exports org.libtorque.memory;
    exports org.libtorque.memory.raw to org.libtorque.vcore, org.libtorque.event, org.libtorque.thread,
            org.libtorque.apps; // the web server on platform threads, with which the others are compared, has sockets of its own
}
