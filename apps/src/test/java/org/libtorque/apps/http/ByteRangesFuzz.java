package org.libtorque.apps.http;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import org.libtorque.memory.ByteView;

/** Any bytes are the ranges that the model finds, or none. The size of the file follows from the bytes. */
class ByteRangesFuzz {
    @FuzzTest void rangesAreTheModels(byte[] value) {
        if (value == null || value.length > 2_000) return;
        RangesComparison.compare(ByteView.copyOf(value), Math.floorMod(Arrays.hashCode(value), 4) * 500);
    }
}
