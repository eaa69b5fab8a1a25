/** The machine: which CPUs there are, and which of them this process may use. */
module org.libtorque.hardware {
    requires org.libtorque.sys;

    exports org.libtorque.hardware;
}
