package org.libtorque.apps.http;

/** Request methods by name. */
final class Methods {
    private static final long GET = Chars.word("GET"), HEAD = Chars.word("HEAD"), POST = Chars.word("POST"),
            PUT = Chars.word("PUT"), DELETE = Chars.word("DELETE"), OPTIONS = Chars.word("OPTIONS"),
            PATCH = Chars.word("PATCH"), TRACE = Chars.word("TRACE"), CONNECT = Chars.word("CONNECT");

    private Methods() {}

    /** Returns the {@link RequestHead} constant for a name of up to eight bytes given as a word. */
    static int of(long name) {
        if (name == GET) return RequestHead.GET;
        if (name == HEAD) return RequestHead.HEAD;
        if (name == POST) return RequestHead.POST;
        if (name == PUT) return RequestHead.PUT;
        if (name == DELETE) return RequestHead.DELETE;
        if (name == OPTIONS) return RequestHead.OPTIONS;
        if (name == PATCH) return RequestHead.PATCH;
        if (name == TRACE) return RequestHead.TRACE;
        if (name == CONNECT) return RequestHead.CONNECT;
        return RequestHead.OTHER;
    }
}
