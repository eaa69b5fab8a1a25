package org.libtorque.apps.http;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Any bytes are the path that the model finds, or none; no path leads out of the root. */
class RequestPathFuzz {
    @FuzzTest void pathsAreTheModels(byte[] target) {
        if (target == null || target.length > 5_000) return;
        PathComparison.compare(target);
    }
}
