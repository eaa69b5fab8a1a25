package org.libtorque.bench;

import java.util.Arrays;
import java.util.List;

/** Files of one size. */
enum SendFileCase {
    SMALL("1KiB", 1 << 10, 1000),
    MEDIUM("64KiB", 64 << 10, 400),
    LARGE("16MiB", 16 << 20, 16);

    final String id;
    final int bytes;
    /** How many different ones there are; those on disk are asked for once each. */
    final int files;

    SendFileCase(String id, int bytes, int files) {
        this.id = id;
        this.bytes = bytes;
        this.files = files;
    }

    static List<String> ids() { return Arrays.stream(values()).map(c -> c.id).toList(); }

    static SendFileCase byId(String id) { return Arrays.stream(values()).filter(c -> c.id.equals(id)).findFirst().orElse(null); }
}
