/** Event sources, and the facade through which a program gets its cores. */
module org.libtorque.event {
    requires org.libtorque.sys;
    requires transitive org.libtorque.hardware;
    requires transitive org.libtorque.memory;
    requires transitive org.libtorque.vcore;
    requires jdk.unsupported; // sun.misc.Signal: SIGTERM and SIGINT

    exports org.libtorque;
    exports org.libtorque.event;

    uses org.libtorque.event.Spawner.Provider; // module org.libtorque.thread, if it is there
}
