/** What the tests of every layer share. Uses no layer itself. */
module org.libtorque.testkit {
    requires java.management;
    requires jdk.management;
    requires jdk.unsupported; // sun.misc.Unsafe, for the offsets of fields
    requires transitive org.junit.jupiter.api;

    exports org.libtorque.testkit;
}
