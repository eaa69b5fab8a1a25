package org.libtorque.hardware;

import java.nio.file.Path;

/** Puts the sources together: files, CPUID, firmware tables, drivers. */
final class Discovery {
    /** How much to find out. */
    enum Detail { CPUS, FULL }

    private Discovery() {}

    static Topology tree(Path root) {
        var files = new FileTree(root);
        Facts facts = SysfsReader.read(files);
        facts.remarks.addAll(files.remarks());
        return new Topology(facts);
    }

    static Topology live(Detail detail) { return tree(Path.of("/")); }
}
