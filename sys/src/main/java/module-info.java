/** libc and raw system calls: one class for each kernel facility, and what all layers need of the JDK. The only module that is granted native access. */
@SuppressWarnings("module") // the layers named in the qualified exports are compiled later
module org.libtorque.sys {
    exports org.libtorque.sys to
            org.libtorque.hardware, org.libtorque.memory, org.libtorque.vcore, org.libtorque.event,
            org.libtorque.thread, org.libtorque.lithe, org.libtorque.netty,
            org.libtorque.apps;
}
