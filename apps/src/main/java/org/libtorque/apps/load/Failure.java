package org.libtorque.apps.load;

import java.io.IOException;

/** What can go wrong with a request. One request fails in one way. */
enum Failure {
    /** No connection: refused, unreachable, timed out. */
    CONNECT("connect", "connection attempts failed"),
    /** The connection ended before the answer began. */
    CLOSED("closed", "requests lost with their connection"),
    /** The answer ended before it was complete, or is shorter than the first one. */
    SHORT("short", "answers too short"),
    /** No answer in time. */
    TIMEOUT("timeout", "requests timed out"),
    /** Another status than the first answer's. */
    STATUS("status", "answers with another status"),
    /** A longer body than the first answer's. */
    LENGTH("length", "answers too long"),
    /** No HTTP/1.x, or more of it than was asked for. */
    MALFORMED("malformed", "answers that are no valid HTTP");

    private final String key;
    private final String meaning;

    Failure(String key, String meaning) {
        this.key = key;
        this.meaning = meaning;
    }

    /** What an exception says went wrong, without the call that found out: {@code connect(fd=9): ECONNREFUSED (…)} loses its beginning. */
    static String reason(Throwable cause) {
        if (!(cause instanceof IOException) || cause.getMessage() == null) return cause.toString();
        return cause.getMessage().replaceFirst("^[a-z_]+\\(.*?\\): ", "");
    }

    /** Name in JSON. */
    String key() {
        return key;
    }

    /** What a count of them counts. */
    String meaning() {
        return meaning;
    }
}
