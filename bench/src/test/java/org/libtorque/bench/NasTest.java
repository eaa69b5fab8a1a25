package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.bench.nas.Kernel;

final class NasTest {
    static Stream<Arguments> everywhere() {
        return Stream.of(NasPeer.values()).flatMap(peer -> Kernel.ALL.stream().filter(kind -> peer != NasPeer.CYCLIC || !kind.name().equals("EP"))
                .map(kind -> Arguments.of(peer, kind)));
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void everyKernelReachesTheOfficialValuesOfClassSOnEveryPeer(NasPeer peer, Kernel.Kind kind) throws Exception {
        assertTrue(NasProcess.measure(peer, kind, Kernel.Size.S, 2, 0, 1) > 0);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void theNumberOfThreadsDoesNotMatter(Kernel.Kind kind) throws Exception {
        for (int threads : List.of(1, 3)) assertTrue(NasProcess.measure(NasPeer.BARRIER, kind, Kernel.Size.S, threads, 0, 1) > 0);
    }

    static Stream<Kernel.Kind> kernels() { return Kernel.ALL.stream().filter(kind -> !kind.name().equals("EP")); }

    @ParameterizedTest
    @EnumSource(NasPeer.class)
    void aProcessWarmsUpAndThenAnswersEachTurnWithTheTimesOfItsComputations(NasPeer peer) throws Exception {
        Kernel.Kind kind = Kernel.ALL.stream().filter(k -> k.name().equals("IS")).findFirst().orElseThrow();
        var answers = new ByteArrayOutputStream();
        NasProcess.serve(peer, kind, 2, 0, List.of(Kernel.Size.S), new BufferedReader(new StringReader("S\nS\n")), new PrintStream(answers, true, StandardCharsets.UTF_8));
        List<String> lines = answers.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(3, lines.size(), lines::toString);
        assertEquals(NasProcess.READY, lines.getFirst());
        for (String line : lines.subList(1, 3)) {
            double[] seconds = Stream.of(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
            assertTrue(DoubleStream.of(seconds).allMatch(s -> s > 0) && DoubleStream.of(seconds).sum() >= NasProcess.TURN_SECONDS, line);
        }
    }

    @Test
    void aResultThatWasNotComputedIsNotVerified() {
        for (Kernel.Kind kind : Kernel.ALL) {
            Kernel kernel = kind.make().apply(Kernel.Size.S);
            if (kind.name().equals("IS")) continue; // all keys 0 are in order
            assertNotNull(kernel.verify(), kind.name());
        }
    }

    @Test
    void peersAreKnownByTheirNames() {
        for (NasPeer peer : NasPeer.values()) assertEquals(peer, NasPeer.byId(peer.id));
        assertNull(NasPeer.byId("others"));
    }
}
