package org.libtorque.bench;

/** A load that every server gets. Connections are always kept busy: an answer is followed at once by the next request. */
enum HttpCase {
    P1("p1", "100 connections, 1 request outstanding on each", 100, 1, 0, 1, "/plaintext"),
    P100("p100", "100 connections, up to 100 requests outstanding on each", 100, 100, 0, 1, "/plaintext"),
    C1000("c1000", "1,000 connections, 1 request outstanding on each", 1000, 1, 0, 1, "/plaintext"),
    CHURN("churn", "100 connections, 10 requests on each, then the client closes (FIN) and connects anew; "
            + "16 loopback source addresses", 100, 1, 10, 16, "/plaintext"),
    INDEX("index", "a cached, empty index.html at /, 100 connections, 1 request outstanding on each",
            100, 1, 0, 1, "/"),
    KEVENT("kevent", "8,000 connections at a time, 80,000 in all, one request on each: the load of the kevent paper, made by ab", 8000, 1, 1, 1, "/plaintext");

    final String id;
    final String title;
    final int connections;
    /** Requests that may be outstanding on a connection. */
    final int depth;
    /** Requests after which the client closes the connection; 0 for none. */
    final int requestsPerConnection;
    /** Addresses 127.0.0.1 and up that clients connect from: one alone runs out of ports when connections are short. */
    final int sourceAddresses;
    final String path;

    HttpCase(String id, String title, int connections, int depth, int requestsPerConnection, int sourceAddresses,
            String path) {
        this.id = id;
        this.title = title;
        this.connections = connections;
        this.depth = depth;
        this.requestsPerConnection = requestsPerConnection;
        this.sourceAddresses = sourceAddresses;
        this.path = path;
    }

    /** Whether cost is counted per connection rather than per request. */
    boolean countsConnections() { return requestsPerConnection > 0; }

    /** Whether only servers that serve files can take it. */
    boolean needsFiles() { return this == INDEX; }

    static HttpCase byId(String id) {
        for (HttpCase each : values()) if (each.id.equals(id)) return each;
        throw new IllegalArgumentException("no case '" + id + "'");
    }
}
