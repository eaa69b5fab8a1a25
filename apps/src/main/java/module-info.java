/** The web server and the command-line tools, written against the public API only. */
module org.libtorque.apps {
    requires HdrHistogram; // an automatic module: its name is that of the file
    requires com.google.gson;
    requires info.picocli;
    requires org.libtorque.event;
    requires org.libtorque.hardware;
    requires org.libtorque.sys; // handles of fields, and timerfd: the runtime's own timers tick once a millisecond, too coarse to pace requests by
    requires org.libtorque.sim;
    requires org.libtorque.thread;

    opens org.libtorque.apps.cli to info.picocli; // it fills the annotated fields of the commands
    opens org.libtorque.apps.simulate to info.picocli;
    opens org.libtorque.apps.topology to info.picocli;
    opens org.libtorque.apps.watch to info.picocli;
}
