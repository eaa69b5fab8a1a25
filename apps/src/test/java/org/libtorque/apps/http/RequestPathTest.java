package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RequestPathTest {
    static List<Corpus.Case> cases() { return Corpus.read("paths.txt"); }

    /** The expectation is {@code file path}, {@code dir path} or {@code status reason}. */
    @ParameterizedTest @MethodSource("cases")
    void pathsAreResolvedOrRefused(Corpus.Case target) {
        RequestPath path = new RequestPath(8192);
        String input = Corpus.text(target.input());
        int length = path.resolve(Corpus.view("x" + input + "?y"), 1, input.length());
        String expected = Corpus.text(Corpus.bytes(Corpus.unescape(target.expectation())));
        if (length < 0) {
            assertEquals(expected, -length + " " + path.error());
        } else {
            assertEquals(length, path.length());
            assertEquals(0, path.bytes()[length]);
            assertEquals(expected, ((path.isDirectory() ? "dir " : "file ") + Corpus.text(path.bytes()).substring(0, length)).strip());
        }
    }

    @Test void aPathLongerThanTheCapacityIsRefused() {
        RequestPath path = new RequestPath(8);
        assertEquals(7, path.resolve(Corpus.view("/1234567"), 0, 8));
        assertEquals(-414, path.resolve(Corpus.view("/12345678"), 0, 9));
        assertNotNull(path.error());
    }

    @Test void aPathServesOneRequestAfterAnother() {
        RequestPath path = new RequestPath(100);
        assertEquals(-400, path.resolve(Corpus.view("/a/%00"), 0, 6));
        assertEquals(1, path.resolve(Corpus.view("/b"), 0, 2));
        assertEquals(0, path.resolve(Corpus.view("/"), 0, 1));
        assertTrue(path.isDirectory());
        assertEquals(0, path.bytes()[0]);
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void randomPathsAreResolvedAsTheModelDoes(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        String[] parts = {"/", "/", "/", "..", "..", ".", ".", "a", "b", "...", "%2e", "%2E", "%2f", "%5c", "%41", "%", "%zz", "%00", "%c3%a9", "%c3", "%a9", "%e2%82%ac",
            "%f0%9f%98%80", "%ed%a0%80", "%c0%af", "\\", "\0", "\177", " ", "?", "é", "~", "|", "%7f", "%1f", "%25", "%2"};
        for (int i = 0; i < 5000; i++) {
            StringBuilder target = new StringBuilder(random.nextInt(20) == 0 ? "" : "/");
            for (int n = random.nextInt(14); n > 0; n--) target.append(parts[random.nextInt(random.nextBoolean() ? 9 : parts.length)]);
            PathComparison.compare(Corpus.bytes(target.toString()));
        }
    }
}
