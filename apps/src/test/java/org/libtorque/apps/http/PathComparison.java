package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.libtorque.memory.ByteView;

/** Holds {@link RequestPath} against a model of strings, the JDK's UTF-8 decoder, and a stack of segments. */
final class PathComparison {
    private PathComparison() {}

    /** Returns {@code dir path} or {@code file path}, or null if the path is to be refused. */
    private static String model(String target) {
        if (target.isEmpty()) return "dir ";
        if (!target.matches("/(?:[A-Za-z0-9._~!$&'()*+,;=:@/\\[\\]|-]|%[0-9A-Fa-f]{2})*+")) return null; // possessive: no recursion
        if (target.matches("(?i).*%(0.|1.|7f|2f|5c).*")) return null;
        Deque<String> segments = new ArrayDeque<>();
        String last = "";
        for (String escaped : target.substring(1).split("/", -1)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int i = 0; i < escaped.length(); i++) {
                if (escaped.charAt(i) == '%') {
                    bytes.write(Integer.parseInt(escaped.substring(i + 1, i + 3), 16));
                    i += 2;
                } else {
                    bytes.write(escaped.charAt(i));
                }
            }
            try {
                last = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.toByteArray())).toString();
            } catch (CharacterCodingException e) {
                // A segment that ".." takes away again is not looked at.
                last = "\ufffd";
            }
            switch (last) {
                case "", "." -> { }
                case ".." -> {
                    if (segments.pollLast() == null) return null;
                }
                default -> segments.addLast(last);
            }
        }
        if (segments.contains("\ufffd")) return null;
        boolean directory = last.isEmpty() || last.equals(".") || last.equals("..");
        return (directory ? "dir " : "file ") + String.join("/", segments);
    }

    static void compare(byte[] target) {
        String expected = model(Corpus.text(target));
        RequestPath path = new RequestPath(Math.max(1, target.length));
        int length = path.resolve(ByteView.copyOf(target), 0, target.length);
        String actual = length < 0 ? null : (path.isDirectory() ? "dir " : "file ") + new String(path.bytes(), 0, length, UTF_8);
        assertEquals(expected, actual, () -> Corpus.text(target) + ": " + path.error());
        if (length >= 0) assertEquals(0, path.bytes()[length]);
    }
}
