package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.apps.cli.ServeMode;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.StallMeter;

/** Requests as such, whatever they ask for: methods, versions, framing, pipelining, and what is refused (RFC 9112). */
class RequestsSystemTest extends KwebFixture {
    private static final String PLAIN = WireClient.request("GET", "/plaintext");

    // ---- the built-in pages

    @Test void plaintextHasTheFieldsAndNoMore() throws IOException {
        Answer answer = connect().get("/plaintext").expect(200, "Hello, World!");
        assertEquals("text/plain", answer.field("Content-Type"));
        assertEquals(4, answer.fields().size(), answer::toString);
    }

    @Test void jsonIsJson() throws IOException {
        Answer answer = connect().get("/json?x=1").expect(200, "{\"message\":\"Hello, World!\"}");
        assertEquals("application/json", answer.field("Content-Type"));
    }

    @Test void withoutARootThereIsAWelcomePageAndNothingElse() throws IOException {
        WireClient client = connect();
        assertTrue(client.get("/").expect(200).text().contains("kweb is running"));
        client.get("/index.html").expect(404);
        client.get("/work").expect(404);
        client.get("/whoami").expect(404);
        client.get("/plaintexts").expect(404);
        client.get("/plaintex").expect(404);
        client.get("/jsom").expect(404);
    }

    @Test void absoluteTargetsAreUnderstood() throws IOException {
        WireClient client = connect();
        client.get("http://example.org/plaintext").expect(200, "Hello, World!");
        client.get("http://example.org").expect(200);
        client.get("http://example.org?x").expect(200);
    }

    @Test void theDateIsTheSecondOfTheAnswer() throws Exception {
        WireClient client = connect();
        Instant first = date(client);
        Thread.sleep(1100);
        assertTrue(date(client).isAfter(first), "a second later it is another");
    }

    private static Instant date(WireClient client) throws IOException {
        Instant before = Instant.now();
        Instant date = DateTimeFormatter.RFC_1123_DATE_TIME.parse(client.get("/plaintext").field("Date"), Instant::from);
        assertTrue(date.isAfter(before.minusSeconds(2)) && !date.isAfter(Instant.now()), date + " in an answer to a request of " + before); // by a clock that ticks, in whole seconds
        return date;
    }

    // ---- methods

    @Test void headGetsTheFieldsOfGetAndNoBody() throws IOException {
        WireClient client = connect();
        Answer head = client.head("/plaintext");
        assertEquals(client.get("/plaintext").fields(), head.expect(200).fields());
        client.head("/none").expect(404);
        client.assertOpen();
    }

    @ParameterizedTest @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH"})
    void otherKnownMethodsAreNotAllowed(String method) throws IOException {
        WireClient client = connect();
        Answer answer = client.send(WireClient.request(method, "/plaintext")).read().expect(405);
        assertEquals("GET, HEAD, OPTIONS", answer.field("Allow"));
        client.assertOpen();
    }

    @ParameterizedTest @ValueSource(strings = {"BREW", "get", "TRACE", "M-SEARCH", "PROPFIND"})
    void unknownMethodsAreNotImplemented(String method) throws IOException {
        WireClient client = connect();
        client.send(WireClient.request(method, "/plaintext")).read().expect(501);
        client.assertOpen();
    }

    @Test void connectIsNotImplemented() throws IOException {
        WireClient client = connect();
        client.send(WireClient.request("CONNECT", "example.org:443")).read().expect(501);
    }

    @ParameterizedTest @ValueSource(strings = {"*", "/plaintext", "/none"})
    void optionsSaysWhatIsAllowed(String target) throws IOException {
        WireClient client = connect();
        Answer answer = client.send(WireClient.request("OPTIONS", target)).read().expect(200, "");
        assertEquals("GET, HEAD, OPTIONS", answer.field("Allow"));
        client.assertOpen();
    }

    @Test void onlyOptionsMayAskForTheAsterisk() throws IOException {
        WireClient client = connect();
        assertTrue(client.get("*").expect(400).closes());
        client.assertClosed();
    }

    // ---- persistence

    @Test void aConnectionServesManyRequests() throws IOException {
        WireClient client = connect();
        for (int i = 0; i < 100; i++) assertNull(client.get("/plaintext").expect(200, "Hello, World!").field("Connection"));
    }

    @ParameterizedTest @ValueSource(strings = {"/plaintext", "/json", "/", "/none"})
    void closeIsHonoured(String target) throws IOException {
        WireClient client = connect();
        assertTrue(client.get(target, "Connection: close").closes());
        client.assertClosed();
    }

    @Test void requestsBehindOneThatClosesAreNotAnswered() throws IOException {
        WireClient client = connect();
        client.send(PLAIN + WireClient.request("GET", "/json", "Connection: close") + PLAIN + PLAIN);
        client.read().expect(200, "Hello, World!");
        assertTrue(client.read().expect(200).closes());
        client.assertClosed();
    }

    @Test void http10ClosesUnlessAskedOtherwise() throws IOException {
        WireClient client = connect();
        assertTrue(client.send("GET /plaintext HTTP/1.0\r\n\r\n").read().expect(200, "Hello, World!").closes());
        client.assertClosed();
    }

    @Test void http10KeepsAliveWhenAsked() throws IOException {
        WireClient client = connect();
        for (int i = 0; i < 3; i++) {
            Answer answer = client.send("GET /plaintext HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").read();
            assertEquals("keep-alive", answer.expect(200, "Hello, World!").field("Connection"));
        }
        for (String target : new String[] {"/", "/none"}) {
            Answer answer = client.send("GET " + target + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").read();
            assertEquals("keep-alive", answer.field("Connection"));
        }
        client.assertOpen();
    }

    @Test void laterMinorVersionsAreServedAndOtherMajorOnesNot() throws IOException {
        connect().send("GET /plaintext HTTP/1.7\r\n" + WireClient.HOST + "\r\n").read().expect(200);
        WireClient client = connect();
        assertTrue(client.send("GET /plaintext HTTP/2.0\r\n" + WireClient.HOST + "\r\n").read().expect(505).closes());
        client.assertClosed();
    }

    @Test void aClientMayEndItsDirectionAndStillGetsItsAnswers() throws IOException {
        WireClient client = connect();
        client.send(PLAIN + PLAIN);
        client.socket().shutdownOutput();
        client.read().expect(200, "Hello, World!");
        client.read().expect(200, "Hello, World!");
        client.assertClosed();
    }

    @Test void anEndAmidARequestEndsTheConnection() throws IOException {
        for (String part : new String[] {"GET /plain", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"}) {
            WireClient client = connect();
            client.send(part);
            client.socket().shutdownOutput();
            client.assertClosed();
        }
    }

    // ---- pipelining

    @Test void aThousandRequestsInOneWriteAreAnsweredInOrder() throws IOException {
        WireClient client = connect();
        StringBuilder requests = new StringBuilder();
        for (int i = 0; i < 1000; i++) requests.append(WireClient.request("GET", i % 3 == 0 ? "/json" : i % 7 == 0 ? "/none" + i : "/plaintext"));
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> sendUnchecked(client, requests.toString()));
        for (int i = 0; i < 1000; i++) {
            Answer answer = client.read();
            if (i % 3 == 0) assertEquals("application/json", answer.expect(200).field("Content-Type"), "answer " + i);
            else if (i % 7 == 0) answer.expect(404);
            else answer.expect(200, "Hello, World!");
        }
        sent.join();
        client.assertOpen();
    }

    @ParameterizedTest @ValueSource(ints = {1, 2, 7, 61, 997})
    void requestsMayBeSplitAnywhere(int piece) throws IOException {
        WireClient client = connect();
        int count = piece == 1 ? 20 : 100;
        String requests = (PLAIN + WireClient.request("GET", "/json", "X-Padding: " + "x".repeat(90))).repeat(count);
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
            try {
                client.sendSplit(requests, piece);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        for (int i = 0; i < count; i++) {
            client.read().expect(200, "Hello, World!");
            client.read().expect(200, "{\"message\":\"Hello, World!\"}");
        }
        sent.join();
        client.assertOpen();
    }

    /** More answers than the output's high watermark holds: the server must stop reading, and then go on by itself. */
    @Test void pipelinedRequestsWithLargeAnswersAreAllAnswered() throws IOException {
        String body = "0123456789abcdef".repeat(12_000);
        file("large.txt", body);
        serve();
        WireClient client = connect();
        client.send(WireClient.request("GET", "/large.txt").repeat(40));
        for (int i = 0; i < 40; i++) assertEquals(body.length(), client.read().expect(200).body().length);
        client.assertOpen();
    }

    /** The same, with a client that does not read for a while. */
    @Test void aClientThatReadsLateGetsAllItsAnswers() throws Exception {
        String body = "0123456789abcdef".repeat(12_000);
        file("large.txt", body);
        serve();
        WireClient client = connect(16 * 1024);
        CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> sendUnchecked(client, WireClient.request("GET", "/large.txt").repeat(60) + PLAIN));
        Thread.sleep(200);
        for (int i = 0; i < 60; i++) assertEquals(body, client.read().expect(200).text());
        client.read().expect(200, "Hello, World!");
        sent.join();
    }

    @Test void aClientThatEndsItsDirectionEarlyGetsAllItsLargeAnswers() throws Exception {
        String body = "0123456789abcdef".repeat(12_000);
        file("large.txt", body);
        serve();
        WireClient client = connect(16 * 1024);
        client.send(WireClient.request("GET", "/large.txt").repeat(60));
        client.socket().shutdownOutput();
        Thread.sleep(100);
        for (int i = 0; i < 60; i++) assertEquals(body, client.read().expect(200).text());
        client.assertClosed();
    }

    private static void sendUnchecked(WireClient client, String requests) {
        try {
            client.send(requests);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    // ---- bodies

    @Test void bodiesByLengthAreReadAndDiscarded() throws IOException {
        WireClient client = connect();
        for (int length : new int[] {0, 1, 13, 40_000, 300_000}) {
            client.send(WireClient.request("POST", "/x", "Content-Length: " + length));
            client.send("b".repeat(length));
            client.read().expect(405);
        }
        client.send(WireClient.request("GET", "/plaintext", "Content-Length: 5") + "GET /" + PLAIN);
        client.read().expect(200, "Hello, World!");
        client.read().expect(200, "Hello, World!");
        client.assertOpen();
    }

    @Test void bodiesInChunksAreReadAndDiscarded() throws IOException {
        WireClient client = connect();
        String chunked = WireClient.request("POST", "/x", "Transfer-Encoding: chunked");
        client.send(chunked + "0\r\n\r\n").read().expect(405);
        client.send(chunked + "5\r\nhello\r\nA;name=value;q=\"a\\\"b\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n" + PLAIN);
        client.read().expect(405);
        client.read().expect(200, "Hello, World!");
        client.send(chunked + ("10000\r\n" + "c".repeat(0x10000) + "\r\n").repeat(8) + "0\r\n\r\n").read().expect(405);
        client.send(WireClient.request("GET", "/json", "Transfer-Encoding: chunked") + "1\r\nx\r\n0\r\n\r\n").read().expect(200);
        client.assertOpen();
    }

    @Test void bodiesMayBeSplitAnywhere() throws IOException {
        WireClient client = connect();
        String requests = WireClient.request("POST", "/x", "Content-Length: 11") + "hello\r\n\r\nxy"
                + WireClient.request("PUT", "/x", "Transfer-Encoding: chunked") + "5;x=y\r\nhello\r\n00\r\nT: v\r\n\r\n"
                + WireClient.request("GET", "/json", "Content-Length: 3") + "\r\n\r";
        client.sendSplit(requests, 1);
        client.read().expect(405);
        client.read().expect(405);
        client.read().expect(200, "{\"message\":\"Hello, World!\"}");
        client.assertOpen();
    }

    @Test void anEchoOfABodyIsTheNextRequestsProblemOnlyIfItIsComplete() throws IOException {
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 4") + "ab");
        client.assertSilent(100);
        client.send("cd");
        client.read().expect(405);
        client.assertOpen();
    }

    @Test void tooLargeABodyIsRefusedAtOnceAndTheAnswerArrives() throws IOException {
        serve("--max-body-bytes", "1000");
        connect().send(WireClient.request("POST", "/x", "Content-Length: 1000") + "x".repeat(1000)).read().expect(405);
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 1001"));
        assertTrue(client.read().expect(413).closes());
        client.assertClosed();
        WireClient chunked = connect();
        chunked.send(WireClient.request("POST", "/x", "Transfer-Encoding: chunked") + "3E8\r\n" + "x".repeat(1000) + "\r\n1\r\n");
        assertTrue(chunked.read().expect(413).closes());
        chunked.assertClosed();
    }

    /** Closing a socket with unread input resets the connection, and the reset could overtake the answer. */
    @Test void aRefusedClientThatGoesOnSendingStillGetsTheAnswer() throws Exception {
        serve("--max-body-bytes", "1000");
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 10000000"));
        for (int i = 0; i < 50; i++) client.send("x".repeat(20_000)); // the client looks at nothing before it has sent a lot
        Thread.sleep(50);
        assertTrue(client.read().expect(413).closes());
        client.assertClosed();
    }

    @Test void headIsRefusedWithoutABody() throws IOException {
        serve("--max-body-bytes", "10");
        WireClient client = connect();
        client.send(WireClient.request("HEAD", "/x", "Content-Length: 11"));
        client.readHead().expect(413);
        client.assertClosed();
    }

    @Test void continueIsSentToThoseWhoWaitForIt() throws IOException {
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 5", "Expect: 100-continue"));
        client.read().expect(100);
        client.send("hello").read().expect(405);
        client.send(WireClient.request("POST", "/x", "Transfer-Encoding: chunked", "Expect: 100-Continue"));
        client.read().expect(100);
        client.send("5\r\nhello\r\n0\r\n\r\n").read().expect(405);
        client.assertOpen();
    }

    @Test void continueIsNotSentWhereItIsOfNoUse() throws IOException {
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 5", "Expect: 100-continue") + "hello"); // it did not wait
        client.read().expect(405);
        client.send(WireClient.request("GET", "/plaintext", "Expect: 100-continue")); // nothing follows
        client.read().expect(200);
        client.send("POST /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"); // does not know it
        client.assertSilent(50);
        client.send("ab").read().expect(405);
        client.assertOpen();
    }

    @Test void tooLargeABodyIsRefusedInsteadOfAskedFor() throws IOException {
        serve("--max-body-bytes", "10");
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 11", "Expect: 100-continue"));
        client.read().expect(413);
        client.assertClosed();
    }

    @Test void otherExpectationsFail() throws IOException {
        WireClient client = connect();
        client.get("/plaintext", "Expect: the-unexpected").expect(417);
        client.assertClosed();
    }

    // ---- strictness

    @ParameterizedTest @CsvSource(delimiter = '|', value = {
        "both lengths            | 400 | POST / HTTP/1.1~Host: x~Content-Length: 3~Transfer-Encoding: chunked~~3~abc~0~~",
        "both lengths, other way | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~Content-Length: 3~~abc",
        "two lengths             | 400 | POST / HTTP/1.1~Host: x~Content-Length: 3~Content-Length: 4~~abcd",
        "list of lengths         | 400 | POST / HTTP/1.1~Host: x~Content-Length: 3, 3~~abc",
        "negative length         | 400 | POST / HTTP/1.1~Host: x~Content-Length: -3~~abc",
        "signed length           | 400 | POST / HTTP/1.1~Host: x~Content-Length: +3~~abc",
        "hexadecimal length      | 400 | POST / HTTP/1.1~Host: x~Content-Length: 0x3~~abc",
        "huge length             | 400 | POST / HTTP/1.1~Host: x~Content-Length: 99999999999999999999~~",
        "unknown coding          | 501 | POST / HTTP/1.1~Host: x~Transfer-Encoding: gzip, chunked~~0~~",
        "chunked not last        | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked, gzip~~0~~",
        "chunked in HTTP/1.0     | 400 | POST / HTTP/1.0~Host: x~Transfer-Encoding: chunked~~0~~",
        "no chunk size           | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~~abc",
        "bad chunk size          | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3g~abc",
        "negative chunk size     | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~-3~abc",
        "prefixed chunk size     | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~0x3~abc",
        "huge chunk size         | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~fffffffffffffffff~abc",
        "chunk too long          | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3~abcd~0~~",
        "chunk too short         | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3~ab~0~~",
        "bare LF in chunks       | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3^abc~0~~",
        "bare CR behind chunk    | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3~abc`x0~~",
        "bad extension           | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~3;=~abc~0~~",
        "bad trailer             | 400 | POST / HTTP/1.1~Host: x~Transfer-Encoding: chunked~~0~x y: z~~",
        "bare LF                 | 400 | GET / HTTP/1.1^Host: x~~",
        "bare LF behind a field  | 400 | GET / HTTP/1.1~Host: x^~",
        "bare LF in a field      | 400 | GET / HTTP/1.1~Host: x~A: b^c~~",
        "bare CR in a field      | 400 | GET / HTTP/1.1~Host: x~A: b`c~~",
        "bare CR in the target   | 400 | GET /a`b HTTP/1.1~Host: x~~",
        "folded field            | 400 | GET / HTTP/1.1~Host: x~A: b~ c~~",
        "folded by tab           | 400 | GET / HTTP/1.1~Host: x~A: b~\tc~~",
        "space before colon      | 400 | GET / HTTP/1.1~Host : x~~",
        "space before first name | 400 | GET / HTTP/1.1~ Host: x~~",
        "empty name              | 400 | GET / HTTP/1.1~Host: x~: y~~",
        "no colon                | 400 | GET / HTTP/1.1~Host: x~abc~~",
        "control in a value      | 400 | GET / HTTP/1.1~Host: x~A: b\u0001c~~",
        "NUL in a value          | 400 | GET / HTTP/1.1~Host: x~A: b\u0000c~~",
        "no Host                 | 400 | GET / HTTP/1.1~~",
        "two Hosts               | 400 | GET / HTTP/1.1~Host: x~Host: x~~",
        "bad Host                | 400 | GET / HTTP/1.1~Host: x y~~",
        "list of Hosts           | 400 | GET / HTTP/1.1~Host: x, y~~",
        "user in Host            | 400 | GET / HTTP/1.1~Host: a@x~~",
        "two spaces              | 400 | GET  / HTTP/1.1~Host: x~~",
        "space behind version    | 400 | GET / HTTP/1.1 ~Host: x~~",
        "tab                     | 400 | GET\t/ HTTP/1.1~Host: x~~",
        "no version              | 400 | GET /~Host: x~~",
        "bad version             | 400 | GET / HTTP/1.x~Host: x~~",
        "small version           | 400 | GET / http/1.1~Host: x~~",
        "relative target         | 400 | GET x HTTP/1.1~Host: x~~",
        "fragment                | 400 | GET /#x HTTP/1.1~Host: x~~",
        "raw bytes in the target | 400 | GET /\u00e4 HTTP/1.1~Host: x~~",
        "other scheme            | 400 | GET ftp://x/ HTTP/1.1~Host: x~~",
        "user in the target      | 400 | GET http://a@x/ HTTP/1.1~Host: x~~",
        "no request              | 400 | \u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001~~",
        "no method               | 400 | \u0020/ HTTP/1.1~Host: x~~",
        "two empty lines before  | 400 | ~~GET / HTTP/1.1~Host: x~~",
    })
    void whatIsAmbiguousIsRefusedAndTheConnectionClosed(String what, int status, String bytes) throws IOException {
        String wire = bytes.replace("~", "\r\n").replace('^', '\n').replace('`', '\r');
        WireClient client = connect();
        client.send(PLAIN + wire + PLAIN);
        client.read().expect(200, "Hello, World!");
        Answer answer = client.read().expect(status);
        assertTrue(answer.closes(), answer::toString);
        client.assertClosed();
        // The same, however it is split: only the last answer may differ, by nothing but the time.
        WireClient split = connect();
        split.sendSplit(wire, 3);
        split.read().expect(status);
        split.assertClosed();
    }

    @Test void anEmptyLineBeforeARequestIsSkipped() throws IOException {
        WireClient client = connect();
        client.send("\r\n" + PLAIN + "\r\n" + PLAIN);
        client.read().expect(200, "Hello, World!");
        client.read().expect(200, "Hello, World!");
    }

    @Test void overlongTargetsAndHeadsAreRefused() throws IOException {
        connect().get("/" + "a".repeat(8000)).expect(404);
        WireClient client = connect();
        assertTrue(client.get("/" + "a".repeat(9000)).expect(414).closes());
        client.assertClosed();
        client = connect();
        assertTrue(client.get("/plaintext", "A: " + "a".repeat(17_000)).expect(431).closes());
        client.assertClosed();
        client = connect();
        client.send("GET /plaintext HTTP/1.1\r\n" + "A: b\r\n".repeat(200)).read().expect(431);
        client.assertClosed();
        client = connect();
        client.send("GET /" + "a".repeat(9000)).read().expect(414); // its end is not waited for
        client.assertClosed();
        client = connect();
        client.send(WireClient.request("POST", "/", "Transfer-Encoding: chunked") + "0\r\n" + "A: b\r\n".repeat(3000)).read().expect(431);
        client.assertClosed();
    }

    @Test void theLimitOfTheHeadIsTheOptions() throws IOException {
        serve("--max-header-bytes", "300");
        String head = WireClient.request("GET", "/plaintext", "A: ");
        int room = 300 - head.length();
        connect().get("/plaintext", "A: " + "a".repeat(room - 1)).expect(200);
        connect().get("/plaintext", "A: " + "a".repeat(room + 1)).expect(431);
    }

    @Test void headsMayBeAsLargeAsTheOptionCanSay() throws IOException {
        serve("--max-header-bytes", "64k");
        connect().get("/plaintext", ("A: " + "a".repeat(8000) + "\r\n").repeat(7) + "B: b").expect(200);
        connect().get("/plaintext", ("A: " + "a".repeat(8000) + "\r\n").repeat(9) + "B: b").expect(431);
    }

    @Test void aStrictAnswerComesBeforeTheRestOfABadRequest() throws IOException {
        WireClient client = connect();
        client.send("GET / HTTP/1.1\r\nHost : x").read().expect(400); // no line end, let alone an empty line
        client.assertClosed();
    }

    @Test void pipelinedAnswersComeBeforeTheErrorThatEndsThem() throws IOException {
        WireClient client = connect();
        client.send(PLAIN.repeat(50) + "BAD\r\n" + PLAIN.repeat(50));
        for (int i = 0; i < 50; i++) client.read().expect(200, "Hello, World!");
        client.read().expect(400);
        client.assertClosed();
    }

    // ---- benchmarks

    @Test void workBurnsWhatItIsAskedForWithinABound() throws IOException {
        serve("--bench-endpoints");
        WireClient client = connect();
        client.get("/work?us=50000").expect(200, "{\"us\":50000}\n");
        long start = System.nanoTime();
        client.get("/work?x=1&us=100000").expect(200, "{\"us\":100000}\n");
        long took = System.nanoTime() - start;
        assertTrue(took >= 95_000_000L, took + " ns");
        client.get("/work").expect(200, "{\"us\":0}\n");
        client.get("/work?us=").expect(200, "{\"us\":0}\n");
        client.get("/work?us=-5").expect(200, "{\"us\":0}\n");
        client.get("/work?us=99999999999999999999").expect(200, "{\"us\":0}\n");
        client.get("/work?us=9999999999").expect(200, "{\"us\":1000000}\n");
        client.head("/work?us=1").expect(200);
        client.assertOpen();
    }

    @Test void whoamiSaysWhoServes() throws IOException {
        Kweb kweb = serve("--bench-endpoints");
        WireClient client = connect();
        Answer first = client.get("/whoami").expect(200);
        assertEquals("application/json", first.field("Content-Type"));
        if (mode == ServeMode.OS) {
            assertTrue(first.text().matches("\\{\"thread\":\\d+,\"connection\":\\d+}\n"), first::toString);
            return;
        }
        var pattern = java.util.regex.Pattern.compile("\\{\"vcore\":(\\d+),\"cpu\":(\\d+),\"color\":(\\d+),\"connection\":(\\d+)}\n");
        var match = pattern.matcher(first.text());
        assertTrue(match.matches(), first::toString);
        assertEquals(kweb.torque().vcores().get(Integer.parseInt(match.group(1))).cpu(), Integer.parseInt(match.group(2)));
        assertEquals(first.text(), client.get("/whoami").text());
        assertFalse(first.text().equals(connect().get("/whoami").text()));
    }

    // ---- limits

    @Test void moreConnectionsThanAllowedWait() throws IOException {
        serve("--max-connections", "2");
        WireClient one = connect();
        WireClient two = connect();
        one.assertOpen();
        two.assertOpen();
        WireClient three = connect();
        three.sendGet("/plaintext");
        three.assertSilent(150);
        one.close();
        three.read().expect(200);
    }

    @Test void slowHeadsAreCutOff() throws Exception {
        StallMeter.retryIfStalled(Duration.ofMillis(50), () -> { // who begins to send only when he has been cut off gets a reset
            serve("--header-timeout", "200ms");
            WireClient client = connect();
            client.send("GET /plaintext HTTP/1.1\r\n");
            client.assertClosed();
        }, this::stop);
        WireClient dribbling = connect();
        boolean open = true;
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < Eventually.scaled(Eventually.DEFAULT_LIMIT).toNanos()) {
                dribbling.send("A");
                Thread.sleep(20);
            }
        } catch (IOException e) {
            open = false;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertFalse(open, "a client that sends a byte now and then stays for ever");
    }

    @Test void slowBodiesAreCutOff() throws IOException {
        serve("--progress-timeout", "200ms");
        WireClient client = connect();
        client.send(WireClient.request("POST", "/x", "Content-Length: 100") + "abc");
        client.assertClosed();
    }

    @Test void idleConnectionsAreClosed() throws Exception {
        StallMeter.retryIfStalled(Duration.ofMillis(300), () -> {
            serve("--idle-timeout", "1s"); // in which a busy machine comes to the request
            WireClient client = connect();
            client.assertOpen();
            client.assertClosed();
            connect().assertClosed(); // nor may one be silent from the start
        }, this::stop);
    }

    @Test void bytesAreCountedAsBytes() throws IOException {
        WireClient client = connect();
        byte[] head = WireClient.request("POST", "/x", "Content-Length: 4", "X: \u00e4\u00ff").getBytes(ISO_8859_1);
        client.send(head).send(new byte[] {(byte) 0xFF, 0, '\r', '\n'}).read().expect(405);
        client.assertOpen();
    }

    @Test void stoppingAnswersAllRequestsThatHaveArrivedTogether() throws Exception {
        int requests = 24; // more than a burst of mode kweb, and for longer than a connection between two requests stays
        serve("--bench-endpoints", "--drain-timeout", "60s");
        WireClient client = connect().send(WireClient.request("GET", "/work?us=40000").repeat(requests));
        client.read().expect(200);
        CompletableFuture<Void> closed = CompletableFuture.runAsync(server()::close);
        for (int i = 1; i < requests; i++) client.read().expect(200);
        client.assertClosed();
        closed.get(Eventually.limitSeconds(), TimeUnit.SECONDS);
    }
}
