package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.libtorque.memory.ByteView;

/**
 * Cases kept as text in the test resources. A case is a line {@code expectation | input}; lines that begin with
 * {@code #} are comments. In the input, {@code \r}, {@code \n}, {@code \t}, {@code \\} and {@code \xNN} are what they are
 * in C, and {@code \{text*count\}} repeats text.
 */
final class Corpus {
    /** One case: what is expected, as it stands in the file, and the input, resolved. */
    record Case(String expectation, byte[] input, String source) {
        @Override public String toString() { return source.length() > 120 ? source.substring(0, 117) + "…" : source; }
    }

    private Corpus() {}

    static List<Case> read(String resource) {
        List<Case> cases = new ArrayList<>();
        try (var lines = new BufferedReader(new InputStreamReader(Corpus.class.getResourceAsStream(resource), ISO_8859_1))) {
            for (String line; (line = lines.readLine()) != null; ) {
                if (line.isBlank() || line.startsWith("#")) continue;
                int bar = line.indexOf(" | ");
                if (bar < 0) throw new IllegalArgumentException(resource + ": " + line);
                cases.add(new Case(line.substring(0, bar).strip(), bytes(unescape(line.substring(bar + 3))), line));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return cases;
    }

    static String unescape(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            switch (text.charAt(++i)) {
                case 'r' -> out.append('\r');
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case '\\' -> out.append('\\');
                case 'x' -> {
                    out.append((char) Integer.parseInt(text.substring(i + 1, i + 3), 16));
                    i += 2;
                }
                case '{' -> {
                    int end = text.indexOf("\\}", i);
                    int star = text.lastIndexOf('*', end);
                    out.append(unescape(text.substring(i + 1, star)).repeat(Integer.parseInt(text.substring(star + 1, end))));
                    i = end + 1;
                }
                default -> throw new IllegalArgumentException(text);
            }
        }
        return out.toString();
    }

    /** Returns the low bytes of characters. */
    static byte[] bytes(String text) { return text.getBytes(ISO_8859_1); }

    /** Returns a view of the low bytes of characters. */
    static ByteView view(String text) { return ByteView.copyOf(bytes(text)); }

    static String text(byte[] bytes) { return new String(bytes, ISO_8859_1); }
}
