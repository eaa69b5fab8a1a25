package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;

/**
 * A response as a client got it.
 *
 * @param status  the code
 * @param reason  the phrase behind it
 * @param fields  the header lines, without line ends, in order
 * @param body    what followed
 */
record Answer(int status, String reason, List<String> fields, byte[] body) {
    /** Returns the one value of a field, or null; fails if there are several. */
    String field(String name) {
        List<String> values = fields.stream().filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                .map(line -> line.substring(name.length() + 1).strip()).toList();
        if (values.size() > 1) throw new AssertionError(name + " occurs " + values.size() + " times: " + this);
        return values.isEmpty() ? null : values.getFirst();
    }

    String text() { return new String(body, UTF_8); }

    /** Tells whether the server says that it will close. */
    boolean closes() { return "close".equalsIgnoreCase(field("Connection")); }

    Answer expect(int wanted) {
        assertEquals(wanted, status, this::toString);
        return this;
    }

    Answer expect(int wanted, String text) {
        expect(wanted);
        assertEquals(text, text(), this::toString);
        return this;
    }

    @Override public String toString() {
        String text = text();
        return "\n" + status + " " + reason + "\n" + String.join("\n", fields) + "\n\n"
                + (text.length() > 200 ? text.substring(0, 200) + "… (" + body.length + " bytes)" : text);
    }
}
