package org.libtorque.apps.http;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Any bytes, in any pieces, are the body that the model finds, or none. The pieces follow from the bytes. */
class ChunkedDecoderFuzz {
    private static final HttpLimits TIGHT = new HttpLimits(100, 100, 3, 20, 12, 30);

    @FuzzTest void bodiesGetTheModelsVerdict(byte[] body) {
        if (body == null || body.length > 20_000) return;
        SplittableRandom random = new SplittableRandom(Arrays.hashCode(body));
        int[] ends = random.ints(random.nextInt(6), 0, body.length + 1).sorted().toArray();
        ChunkedComparison.compare(random.nextBoolean() ? TIGHT : HttpLimits.DEFAULT, body, ends);
    }
}
