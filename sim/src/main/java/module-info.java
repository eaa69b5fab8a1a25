/** The simulator: the loop of {@code org.libtorque.vcore} on a made-up machine with a clock of its own. */
module org.libtorque.sim {
    requires HdrHistogram; // an automatic module: its name is that of the file
    requires java.management; // the CPU time that a simulation takes
    requires org.libtorque.memory;
    requires org.libtorque.vcore;
    requires transitive org.libtorque.hardware;

    exports org.libtorque.sim;
}
