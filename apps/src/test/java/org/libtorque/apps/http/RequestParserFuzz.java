package org.libtorque.apps.http;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Any bytes, in any pieces, get the verdict and the result of the model. The pieces follow from the bytes.
 *
 * <p>As all fuzz tests, this one replays its inputs (in {@code RequestParserFuzzInputs}) in an ordinary run. It hunts for
 * new ones, for as long as the second variable says, with
 * <pre>{@code
 * JAZZER_FUZZ=1 JAZZER_MAX_DURATION=10m mvn -pl apps -am test -Dtest=RequestParserFuzz \
 *     -Dsurefire.failIfNoSpecifiedTests=false -Djazzer.hooks=true
 * }</pre>
 * What it finds on the way goes to {@code apps/.cifuzz-corpus}, an input that fails to the inputs directory.
 */
class RequestParserFuzz {
    private static final HttpLimits TIGHT = new HttpLimits(40, 300, 6, 1 << 20, 100, 100);

    @FuzzTest void requestsGetTheModelsVerdict(byte[] request) {
        if (request == null || request.length > 20_000) return;
        SplittableRandom random = new SplittableRandom(Arrays.hashCode(request));
        int[] ends = random.ints(random.nextInt(6), 0, request.length + 1).sorted().toArray();
        RequestComparison.compare(random.nextBoolean() ? TIGHT : HttpLimits.DEFAULT, request, ends);
    }
}
