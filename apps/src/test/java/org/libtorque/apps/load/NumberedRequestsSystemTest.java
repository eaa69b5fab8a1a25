package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;

import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.libtorque.apps.cli.LoadOptions;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.kweb.Kweb;
import org.libtorque.testkit.RetryIfStalled;

/** Requests that differ, sent to a server that counts how many different ones there are. */
class NumberedRequestsSystemTest {
    /** Three tenths of a second are enough for all numbers, unless the machine stands still. */
    @RegisterExtension static final RetryIfStalled RETRY = new RetryIfStalled(Duration.ofMillis(30));

    private static long stat(InetSocketAddress server, String name) throws Exception {
        try (var socket = new Socket(server.getAddress(), server.getPort())) {
            socket.getOutputStream().write("GET /stats HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
            var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            var number = Pattern.compile("\"" + name + "\":(\\d+)").matcher(answer);
            assertTrue(number.find(), answer);
            return Long.parseLong(number.group(1));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pipeline=1", "pipeline=7"})
    void theServerIsAskedForAllOfThemAndNoOthers(String pipeline) throws Exception {
        try (var server = Kweb.start(ServeOptions.parse("--port", "0", "--address", "127.0.0.1", "--bench-endpoints", "--quiet"))) {
            // Five connections share thirty numbers: each of those is one connection's, so no two look the same one up before it is known.
            var result = LoadGenerator.measure(LoadOptions.parse("http://127.0.0.1:" + server.address().getPort(), "--quiet", "--warmup", "0", "-d", "300ms",
                    "--group", "all connections=5 path=/hash/*?rounds=2 numbers=30 " + pipeline));
            assertEquals(Map.of(), result.failures(), () -> result.messages().toString());
            assertTrue(result.requests() > 60, result::toText);
            assertEquals(30, stat(server.address(), "hash_entries"));
            assertEquals(30, stat(server.address(), "hash_misses"));
            assertTrue(stat(server.address(), "hash_hits") >= result.requests() - 30);
        }
    }
}
