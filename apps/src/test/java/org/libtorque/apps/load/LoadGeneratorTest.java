package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import org.libtorque.apps.cli.CommandException;
import org.libtorque.apps.cli.LoadOptions;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.testkit.RetryIfStalled;

@ExtendWith(LeakCheck.class)
class LoadGeneratorTest {
    /** What comes of three tenths of a second is different if the machine has stood still for a tenth of them. */
    @RegisterExtension static final RetryIfStalled RETRY = new RetryIfStalled(Duration.ofMillis(30));

    private static LoadResult load(CannedServer server, String... options) {
        return load(server.url(), options);
    }

    private static LoadResult load(String url, String... options) {
        var arguments = new ArrayList<>(List.of(url, "--quiet", "--json", "--warmup", "50ms"));
        arguments.addAll(List.of(options));
        if (!arguments.contains("-c")) arguments.addAll(List.of("-c", "4"));
        if (!arguments.contains("-d")) arguments.addAll(List.of("-d", "300ms"));
        return LoadGenerator.measure(LoadOptions.parse(arguments.toArray(String[]::new)));
    }

    private static void assertNoErrors(LoadResult result) {
        assertEquals(Map.of(), result.failures(), () -> result.messages().toString());
        assertTrue(result.requests() > 0);
    }

    @ParameterizedTest
    @CsvSource({"epoll,1,1", "epoll,4,100", "io_uring,1,1", "io_uring,4,100", "auto,50,7"})
    void answersLikeTheFirstAreCountedAndTimed(String backend, String connections, String pipeline) throws Exception {
        var reply = CannedServer.ok("Hello, World!");
        try (var server = new CannedServer((n, all) -> reply)) {
            var result = load(server, "--backend", backend, "-c", connections, "-p", pipeline);
            assertNoErrors(result);
            assertEquals(Map.of(200, result.requests()), result.statuses());
            assertEquals(result.requests(), result.latencies().getTotalCount());
            assertTrue(result.requests() <= server.requests());
            assertEquals(Integer.parseInt(connections) + 1, server.connections(), "one for each, and one to try");
            // Answers at both ends of the window are in it in part.
            long slack = 2L * Integer.parseInt(connections) * Integer.parseInt(pipeline) * reply.bytes().length();
            assertEquals(result.requests() * reply.bytes().length(), result.bytes(), slack);
            assertEquals(0.3, result.seconds(), 1e-9);
            assertEquals(0, result.reconnects());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 50, 1000})
    void answersMayComeInPieces(int pieceBytes) throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.ok("0123456789").inPiecesOf(pieceBytes))) {
            assertNoErrors(load(server, "-p", "5", "-c", "2"));
        }
        try (var server = new CannedServer((n, all) -> CannedServer.raw("HTTP/1.1 200 OK\r\nDate: " + all / 40
                + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n.\r\n0\r\n\r\n").inPiecesOf(pieceBytes))) {
            assertNoErrors(load(server, "-p", "5", "-c", "2"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10, 1000})
    void aFieldThatChangesIsNoError(int everySoManyAnswers) throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.raw("HTTP/1.1 200 OK\r\nX-Time: " + (1_000_000_000 + all / everySoManyAnswers)
                + "\r\nContent-Length: 2\r\n\r\nok"))) {
            for (var pipeline : List.of("1", "30")) assertNoErrors(load(server, "-p", pipeline));
        }
    }

    @Test
    void severalFormsOfAnswerMayAlternate() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.raw("HTTP/1.1 200 OK\r\nServed-By: " + "abcdefg".charAt((int) (all % 7))
                + "\r\nContent-Length: 2\r\n\r\nok"))) {
            var result = load(server, "-p", "20");
            assertNoErrors(result);
            assertEquals(Map.of(200, result.requests()), result.statuses());
        }
    }

    @Test
    void anotherStatusIsAnErrorAndShowsInTheCounts() throws Exception {
        try (var server = new CannedServer((n, all) -> all % 10 == 9 ? CannedServer.answer("503 Busy", "no") : CannedServer.ok("yes"))) {
            var result = load(server, "-p", "8");
            long wrong = result.failures().get(Failure.STATUS);
            assertEquals(Set.of(Failure.STATUS), result.failures().keySet());
            assertEquals(Map.of(200, result.requests(), 503, wrong), result.statuses());
            assertEquals(result.requests() / 9.0, wrong, 40);
            assertEquals(List.of("status 503 where the first answer had 200"), result.messages().get(Failure.STATUS));
        }
    }

    @Test
    void anotherLengthIsAnErrorWhereContentLengthFixedIt() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.ok(all % 10 == 4 ? "short" : all % 10 == 7 ? "this is longer" : "as always"))) {
            var result = load(server, "-p", "8");
            assertEquals(Set.of(Failure.SHORT, Failure.LENGTH), result.failures().keySet());
            assertEquals(List.of("a body of 5 bytes where the first answer had 9"), result.messages().get(Failure.SHORT));
            assertEquals(List.of("a body of 14 bytes where the first answer had 9"), result.messages().get(Failure.LENGTH));
            assertEquals(result.requests() / 8.0, result.failures().get(Failure.SHORT), 40);
        }
    }

    @Test
    void chunkedBodiesMayDifferInLength() throws Exception {
        try (var server = new CannedServer((n, all) -> {
            var body = "x".repeat(1 + (int) (all % 9));
            return CannedServer.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.length() + "\r\n" + body + "\r\n0\r\n\r\n");
        })) {
            assertNoErrors(load(server, "-p", "8"));
        }
    }

    @Test
    void aConnectionThatEndsInTheMiddleOfAnAnswerMakesItShort() throws Exception {
        try (var server = new CannedServer((n, all) -> n == 20
                ? CannedServer.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345").closing()
                : CannedServer.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890"))) {
            var one = load(server);
            assertEquals(Set.of(Failure.SHORT), one.failures().keySet());
            assertEquals(0, one.reconnects());
            assertTrue(one.connects() > 0);
            assertEquals(one.requests() / 20.0, one.failures().get(Failure.SHORT), 8);
            var many = load(server, "-p", "4");
            assertEquals(Set.of(Failure.SHORT, Failure.CLOSED), many.failures().keySet());
            assertEquals(3.0, (double) many.failures().get(Failure.CLOSED) / many.failures().get(Failure.SHORT), 0.5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void anEndWithRequestsOutstandingLosesThem(String backend) throws Exception {
        try (var server = new CannedServer((n, all) -> n == 20 ? CannedServer.raw("").closing() : CannedServer.ok("fine"))) {
            var result = load(server, "--backend", backend);
            assertEquals(Set.of(Failure.CLOSED), result.failures().keySet());
            assertEquals(result.requests() / 20.0, result.failures().get(Failure.CLOSED), 8);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,epoll", "8,epoll", "8,io_uring"})
    void aCloseThatTheServerAnnouncesIsNoError(String pipeline, String backend) throws Exception {
        try (var server = new CannedServer((n, all) -> n == 9
                ? CannedServer.raw("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine").closing() : CannedServer.ok("fine"))) {
            var result = load(server, "-p", pipeline, "--backend", backend);
            assertNoErrors(result);
            assertEquals(result.requests() / 10.0, result.reconnects(), 8);
            assertEquals(result.reconnects(), result.connects(), 8);
        }
    }

    @Test
    void answersThatLastUntilTheServerClosesAreComplete() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.raw("HTTP/1.0 200 OK\r\n\r\nuntil the end").closing())) {
            var result = load(server);
            assertNoErrors(result);
            assertEquals(result.requests(), result.connects(), 8);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1,epoll", "10,1,epoll", "10,4,epoll", "10,100,epoll", "10,1,io_uring", "10,4,io_uring"})
    void connectionsAreReplacedAfterTheirShareOfRequests(int limit, String pipeline, String backend) throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.ok("fine"))) {
            var result = load(server, "--requests-per-connection", "" + limit, "-p", pipeline, "--backend", backend);
            assertNoErrors(result);
            assertEquals((double) result.requests() / limit, result.connects(), 8);
            assertEquals(0, result.reconnects(), "the server closed none");
            assertEquals(result.connects(), result.firstAnswers().getTotalCount(), 8);
            // All but the probe, and those that the end of the load cut off, have sent just as many.
            var shares = server.requestsOfEndedConnections();
            long others = shares.stream().filter(share -> share != limit).count();
            assertTrue(others <= 1 + 4, () -> shares.toString());
        }
    }

    @Test
    void sourceAddressesTakeTurns() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.ok("fine"))) {
            assertNoErrors(load(server, "--requests-per-connection", "5", "--sources", "127.0.0.1,127.0.0.2,127.0.0.3"));
            assertEquals(Set.of(InetAddress.getByName("127.0.0.1"), InetAddress.getByName("127.0.0.2"), InetAddress.getByName("127.0.0.3")),
                    server.peers());
        }
    }

    @Test
    void methodFieldsAndBodyReachTheServer() throws Exception {
        try (var server = new CannedServer(5, (n, all) -> CannedServer.ok("fine"))) {
            assertNoErrors(load(server, "-X", "PUT", "-H", "Accept: text/html", "--body", "12345", "-p", "3"));
            assertEquals("PUT /test HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\nAccept: text/html\r\nContent-Length: 5\r\n\r\n", server.firstHead());
        }
    }

    @Test
    void answersToHeadHaveNoBody() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))) {
            assertNoErrors(load(server, "-X", "HEAD", "-p", "3"));
        }
    }

    @ParameterizedTest
    @CsvSource({"epoll,1", "io_uring,1", "epoll,3", "io_uring,3"})
    void largeBodiesGoBothWays(String backend, String pipeline) throws Exception {
        var reply = CannedServer.ok("x".repeat(3_000_000));
        var body = java.nio.file.Files.createTempFile("body", null);
        try (var server = new CannedServer(1_000_000, (n, all) -> reply)) {
            java.nio.file.Files.write(body, new byte[1_000_000]);
            var result = load(server, "--body-file", body.toString(), "-c", "2", "-d", "1s", "-p", pipeline, "--backend", backend);
            assertNoErrors(result);
            assertTrue(result.bytes() > result.requests() * 1_500_000);
        } finally {
            java.nio.file.Files.delete(body);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void manyMoreRequestsThanBuffersHoldMayBeOutstanding(String backend) throws Exception {
        var reply = CannedServer.ok("x".repeat(2000));
        try (var server = new CannedServer((n, all) -> reply)) {
            assertNoErrors(load(server, "-p", "20000", "-c", "2", "-d", "500ms", "-H", "X: " + "y".repeat(500), "--backend", backend));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void anAnswerThatDoesNotComeTimesOut(String backend) throws Exception {
        try (var server = new CannedServer((n, all) -> n >= 3 ? null : CannedServer.ok("fine"))) {
            var result = load(server, "--timeout", "50ms", "--backend", backend, "-p", "2");
            assertEquals(Set.of(Failure.TIMEOUT), result.failures().keySet());
            assertTrue(result.requests() > 0);
            assertTrue(result.connects() > 0);
        }
    }

    @Test
    void moreAnswersThanRequestsAreMalformed() throws Exception {
        try (var server = new CannedServer((n, all) -> n == 5 ? CannedServer.raw(CannedServer.ok("fine").bytes().repeat(2)) : CannedServer.ok("fine"))) {
            var result = load(server);
            assertEquals(Set.of(Failure.MALFORMED), result.failures().keySet());
            assertEquals(List.of("the server sent more answers than there were requests"), result.messages().get(Failure.MALFORMED));
        }
    }

    @Test
    void whatIsNoHttpIsMalformed() throws Exception {
        try (var server = new CannedServer((n, all) -> n == 5 ? CannedServer.raw("HTTP/9 oops") : CannedServer.ok("fine"))) {
            var result = load(server);
            assertEquals(Set.of(Failure.MALFORMED), result.failures().keySet());
            assertEquals(List.of("the server sent no HTTP/1.x answer: 'HTTP/9 oops'"), result.messages().get(Failure.MALFORMED));
        }
    }

    @Test
    void aRefusedConnectionIsOneClearLine() throws Exception {
        int port;
        try (var server = new CannedServer((n, all) -> null)) {
            port = server.port();
        }
        var e = assertThrows(CommandException.class, () -> load("http://127.0.0.1:" + port));
        assertEquals("cannot connect to 127.0.0.1:" + port + ": ECONNREFUSED (Connection refused)", e.getMessage());
    }

    @Test
    void aServerThatFailsTheFirstRequestIsOneClearLine() throws Exception {
        try (var server = new CannedServer((n, all) -> CannedServer.raw("220 mail.example ESMTP\r\n"))) {
            var e = assertThrows(CommandException.class, () -> load(server));
            assertEquals("the server at 127.0.0.1:" + server.port() + " sent no HTTP/1.x answer: '220 mail.example ESMTP'", e.getMessage());
        }
        try (var server = new CannedServer((n, all) -> CannedServer.raw("").closing())) {
            var e = assertThrows(CommandException.class, () -> load(server));
            assertTrue(e.getMessage().endsWith(" closed the connection without an answer"), e.getMessage());
        }
        try (var server = new CannedServer((n, all) -> null)) {
            var e = assertThrows(CommandException.class, () -> load(server, "--timeout", "50ms"));
            assertTrue(e.getMessage().startsWith("no answer from 127.0.0.1:"), e.getMessage());
        }
        var e = assertThrows(CommandException.class, () -> load("http://no-such-host.invalid/"));
        assertEquals("unknown host 'no-such-host.invalid'", e.getMessage());
    }

    @Test
    void theRequestHasWhatHttpWantsAndWhatTheUserWants() {
        assertAll(
                () -> assertEquals("GET / HTTP/1.1\r\nHost: h:1\r\n\r\n", request("h:1")),
                () -> assertEquals("GET /a?b HTTP/1.1\r\nhost: other\r\n\r\n", request("h/a?b", "-H", "host: other")),
                () -> assertEquals("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", request("h", "-X", "POST")),
                () -> assertEquals("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", request("h", "--body", "ab")),
                () -> assertEquals("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                        request("h", "-H", "Transfer-Encoding: chunked", "--body", "0\r\n\r\n")));
    }

    @Test
    void numberedRequestsCountThroughTheirNumbers() {
        var options = LoadOptions.parse("h", "--group", "a path=/x/*?y=* numbers=12 pipeline=7");
        var request = RequestCopies.of(options, options.groups().getFirst());
        assertTrue(request.isNumbered());
        var copy = request.bytes().clone();
        for (long index : new long[] {0, 7, 11, 12, 12_000_000_000_005L}) {
            request.number(copy, index);
            assertEquals("GET /x/%09d?y=* HTTP/1.1\r\nHost: h\r\n\r\n".formatted(index % 12), new String(copy, java.nio.charset.StandardCharsets.ISO_8859_1));
        }
        assertEquals(copy.length, request.requestBytes());
        assertFalse(RequestCopies.of(options, options.effectiveGroups().getFirst().target(), 1).isNumbered());
    }

    private static String request(String... arguments) {
        var copies = RequestCopies.of(LoadOptions.parse(arguments), 3);
        var one = new String(copies.bytes(), 0, copies.requestBytes(), java.nio.charset.StandardCharsets.ISO_8859_1);
        assertEquals(one.repeat(3), new String(copies.bytes(), java.nio.charset.StandardCharsets.ISO_8859_1));
        return one;
    }
}
