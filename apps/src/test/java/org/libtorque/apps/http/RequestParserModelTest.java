package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The parser does what {@link RequestModel} does, at every prefix of every request. */
class RequestParserModelTest {
    /** Small, so that random requests reach them. */
    private static final HttpLimits TIGHT = new HttpLimits(40, 300, 6, 1 << 20, 100, 100);

    static Stream<Corpus.Case> corpora() {
        return Stream.of("requests-good.txt", "requests-bad.txt").flatMap(file -> Corpus.read(file).stream());
    }

    @ParameterizedTest @MethodSource("corpora")
    void corporaGetTheModelsVerdictHoweverTheyAreSplit(Corpus.Case request) {
        RequestComparison.compareEveryPrefix(HttpLimits.DEFAULT, request.input());
        RequestComparison.compareEveryPrefix(TIGHT, request.input());
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void damagedRequestsGetTheModelsVerdictHoweverTheyAreSplit(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Corpus.Case> good = Corpus.read("requests-good.txt");
        List<Corpus.Case> bad = Corpus.read("requests-bad.txt");
        for (int round = 0; round < 150; round++) {
            byte[] whole = pick(random, random.nextInt(4) == 0 ? bad : good).input();
            String text = Corpus.text(whole);
            if (text.length() > 600) continue;
            for (int edits = random.nextInt(4); edits > 0; edits--) text = edit(random, text, pick(random, good).input());
            RequestComparison.compareEveryPrefix(random.nextBoolean() ? TIGHT : HttpLimits.DEFAULT, Corpus.bytes(text), whole);
        }
    }

    private static Corpus.Case pick(SplittableRandom random, List<Corpus.Case> cases) {
        return cases.get(random.nextInt(cases.size()));
    }

    private static final String[] PIECES = {"\r\n", "\r", "\n", " ", "\t", ":", ",", ";", "\0", "\177", "\200", "\377", "?", "#", "/", "%",
        "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "Host: a\r\n", "Host:", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n", "Connection: keep-alive", "Expect: 100-continue\r\n", "chunked", "http://", "[::1]", "CONNECT ", "OPTIONS * "};

    private static String edit(SplittableRandom random, String text, byte[] other) {
        int at = random.nextInt(text.length() + 1);
        int to = Math.min(text.length(), at + random.nextInt(4));
        return switch (random.nextInt(5)) {
            case 0 -> text.substring(0, at) + text.substring(to);
            case 1 -> text.substring(0, at) + (char) random.nextInt(256) + text.substring(to);
            case 2 -> text.substring(0, at) + PIECES[random.nextInt(PIECES.length)] + text.substring(random.nextBoolean() ? at : to);
            case 3 -> {
                int from = random.nextInt(other.length);
                int length = random.nextInt(Math.min(30, other.length - from) + 1);
                yield text.substring(0, at) + Corpus.text(other).substring(from, from + length) + text.substring(at);
            }
            default -> { // a line twice
                String[] lines = text.split("(?<=\n)");
                int line = random.nextInt(lines.length);
                lines[line] += lines[random.nextInt(lines.length)];
                yield String.join("", lines);
            }
        };
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void everyByteAtEveryPlaceGetsTheModelsVerdict(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (String request : new String[] {"PUT /a?b HTTP/1.1\r\nHost: [::1]:80\r\nX-y: z\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
            "GET /a?b HTTP/1.1\r\nHost: [::1]:80\r\nX-y: z\r\nAccept: */*\r\nConnection: close\r\n\r\n"}) { // the fields of the second one are learnt
            for (int i = 0; i < 400; i++) {
                int at = random.nextInt(request.length());
                String damaged = request.substring(0, at) + (char) random.nextInt(256) + request.substring(at + 1);
                RequestComparison.compareEveryPrefix(HttpLimits.DEFAULT, Corpus.bytes(damaged), Corpus.bytes(request));
            }
        }
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void randomAuthoritiesGetTheModelsVerdict(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        String[] parts = {":", "::", "1", "ab", "12345", "[", "]", ".", "1.2.3.4", "255", "256", "%41", "%", "g", "0", "a-b", "65535", "65536", "x,y"};
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder(random.nextInt(3) == 0 ? "[" : "");
            for (int n = random.nextInt(18); n > 0; n--) text.append(parts[random.nextInt(random.nextBoolean() ? 3 : parts.length)]);
            if (random.nextInt(3) == 0) text.append(']');
            boolean portRequired = random.nextBoolean();
            boolean valid = RequestModel.isAuthority(text.toString(), portRequired);
            if (!valid && !portRequired) assertFalse(Authority.isPlain(Corpus.view(text.toString()), 0, text.length()), text.toString());
            assertEquals(valid, Authority.isValid(Corpus.view(text.toString()), 0, text.length(), portRequired), text.toString());
        }
    }
}
