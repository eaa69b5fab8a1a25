package org.libtorque.bench;

import java.util.Arrays;
import java.util.List;

/** Files of one size. */
enum SendFileCase {
    SMALL("1KiB", 1 << 10, 1000, 4),
    MEDIUM("64KiB", 64 << 10, 400, 6),
    LARGE("16MiB", 16 << 20, 16, 2);

    final String id;
    final int bytes;
    /** How many different ones there are; those on disk are asked for once each. */
    final int files;
    /** How often all are read from disk before it counts: what happens on the way there is compiled then. */
    final int warmupPasses;

    SendFileCase(String id, int bytes, int files, int warmupPasses) {
        this.id = id;
        this.bytes = bytes;
        this.files = files;
        this.warmupPasses = warmupPasses;
    }

    static List<String> ids() { return Arrays.stream(values()).map(c -> c.id).toList(); }

    static SendFileCase byId(String id) { return Arrays.stream(values()).filter(c -> c.id.equals(id)).findFirst().orElse(null); }
}
