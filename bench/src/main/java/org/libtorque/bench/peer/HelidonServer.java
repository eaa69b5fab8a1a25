package org.libtorque.bench.peer;

import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http1.Http1Config;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Helidon SE 4 with the settings its own entry in public benchmarks uses: cached header values, no validation of what it
 * receives, no read timeout. Helidon adds the {@code Date}.
 */
@Command(name = "HelidonServer", description = "Helidon SE 4.")
public final class HelidonServer extends PeerOptions {
    private static final Header SERVER = HeaderValues.createCached(HeaderNames.SERVER, "heli");
    private static final Header CONTENT_TYPE = HeaderValues.createCached(HeaderNames.CONTENT_TYPE, "text/plain");
    private static final Header CONTENT_LENGTH = HeaderValues.createCached(HeaderNames.CONTENT_LENGTH, BODY.length());

    @Option(names = "--write-queue", defaultValue = "0",
            description = "buffers queued for a writing thread of each connection; 0 writes directly")
    int writeQueue;

    private HelidonServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new HelidonServer(), args); }

    @Override
    public Integer call() {
        byte[] body = BODY.getBytes(StandardCharsets.US_ASCII);
        var http1 = Http1Config.builder()
                .validateRequestHeaders(false)
                .validateResponseHeaders(false)
                .validatePrologue(false)
                .validatePath(false)
                .build();
        WebServer.builder()
                .host("127.0.0.1")
                .port(port)
                .backlog(BACKLOG)
                .writeQueueLength(writeQueue)
                .smartAsyncWrites(writeQueue > 0)
                .connectionOptions(options -> options.readTimeout(Duration.ZERO).tcpNoDelay(true))
                .addProtocol(http1)
                .routing(routing -> routing.get("/plaintext", (request, response) -> {
                    response.header(SERVER);
                    response.header(CONTENT_TYPE);
                    response.header(CONTENT_LENGTH);
                    response.status(Status.OK_200).send(body);
                }))
                .build()
                .start();
        ready("Helidon SE " + io.helidon.Main.class.getPackage().getImplementationVersion());
        return 0;
    }
}
