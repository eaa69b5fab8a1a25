package org.libtorque.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The request that all load generators send: a GET whose header, from the method to the blank line, is
 * {@value #BYTES} bytes, about what a browser's or a service's request takes. A cookie pads it to that length.
 */
record RequestHead(String path, int port) {
    static final int BYTES = 242;

    /** A header field. */
    record Field(String name, String value) {
        @Override
        public String toString() { return name + ": " + value; }
    }

    /** Returns the fields after {@code Host}, in the order in which they are sent. */
    List<Field> fields() {
        var fields = new ArrayList<>(List.of(
                new Field("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
                new Field("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")));
        int padding = BYTES - text(fields).length() - "Cookie: \r\n".length();
        fields.add(new Field("Cookie", ("session=" + "0123456789abcdef".repeat(16)).substring(0, padding)));
        return List.copyOf(fields);
    }

    /** Returns the request as it goes over the wire. */
    String text() { return text(fields()); }

    byte[] bytes() { return text().getBytes(StandardCharsets.US_ASCII); }

    private String text(List<Field> fields) {
        return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n"
                + fields.stream().map(field -> field + "\r\n").collect(Collectors.joining()) + "\r\n";
    }
}
