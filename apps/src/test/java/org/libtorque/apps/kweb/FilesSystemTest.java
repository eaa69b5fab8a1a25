package org.libtorque.apps.kweb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.TestProcess;

/** Static files: what is sent for which path, conditions, ranges, codings, directories, and that no path leaves the root. */
class FilesSystemTest extends KwebFixture {
    private static final DateTimeFormatter HTTP_DATE = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US).withZone(ZoneOffset.UTC);
    /** Larger than what is cached, and than what one write takes. */
    private static final String LARGE = "0123456789".repeat(60_000);

    // ---- plain

    @Test void aFileIsSentWithWhatDescribesIt() throws IOException {
        old(file("page.html", "<p>hello"));
        Answer answer = connect().get("/page.html").expect(200, "<p>hello");
        assertEquals("text/html; charset=utf-8", answer.field("Content-Type"));
        assertEquals(HTTP_DATE.format(YESTERDAY), answer.field("Last-Modified"));
        assertEquals("bytes", answer.field("Accept-Ranges"));
        assertTrue(answer.field("ETag").matches("\"[!-~&&[^\"]]+\""), answer::toString);
        assertNull(answer.field("Vary"));
        assertNull(answer.field("Content-Encoding"));
    }

    @Test void theCachedAnswerIsTheSameAsTheFirst() throws IOException {
        old(file("page.html", "<p>hello"));
        WireClient client = connect();
        Answer first = client.get("/page.html").expect(200, "<p>hello");
        for (int i = 0; i < 5; i++) assertEquals(withoutDate(first), withoutDate(client.get("/page.html").expect(200, "<p>hello")));
        assertEquals(withoutDate(first), withoutDate(client.head("/page.html").expect(200)));
    }

    @Test void cachedAndUncachedAnswersDoNotDiffer() throws IOException {
        old(file("a.css", "body {}"));
        old(file("a.css.gz", "zipped"));
        List<List<String>> answers = new ArrayList<>();
        for (String cacheBytes : new String[] {"64m", "0"}) {
            serve("--root", root().toString(), "--cache-bytes", cacheBytes);
            WireClient client = connect();
            for (int i = 0; i < 2; i++) {
                answers.add(allOf(client));
            }
            stop();
        }
        for (List<String> some : answers) assertEquals(answers.getFirst(), some);
    }

    private static List<String> allOf(WireClient client) throws IOException {
        List<String> all = new ArrayList<>();
        for (String field : new String[] {"A: b", "Accept-Encoding: gzip", "Range: bytes=1-2", "If-None-Match: *", "If-Match: \"x\"", "Range: bytes=99-"}) {
            Answer answer = client.get("/a.css", field);
            all.add(answer.status() + " " + withoutDate(answer) + answer.text());
            Answer head = client.head("/a.css", field);
            all.add(head.status() + " " + withoutDate(head));
        }
        return all;
    }

    private static List<String> withoutDate(Answer answer) { return answer.fields().stream().filter(line -> !line.startsWith("Date:")).toList(); }

    @Test void anEmptyFileIsSent() throws IOException {
        file("empty.txt", "");
        WireClient client = connect();
        assertEquals("0", client.get("/empty.txt").expect(200, "").field("Content-Length"));
        assertEquals("0", client.head("/empty.txt").expect(200).field("Content-Length"));
        client.get("/empty.txt", "Range: bytes=0-").expect(416);
        client.assertOpen();
    }

    @Test void aLargeFileIsSent() throws IOException {
        file("large.txt", LARGE);
        WireClient client = connect();
        for (int i = 0; i < 3; i++) {
            client.get("/large.txt").expect(200, LARGE);
            assertEquals(Integer.toString(LARGE.length()), client.head("/large.txt").expect(200).field("Content-Length"));
        }
        client.get("/large.txt", "Connection: close").expect(200, LARGE);
        client.assertClosed();
    }

    @Test void requestsBehindALargeFileAreAnsweredInOrder() throws IOException {
        file("large.txt", LARGE);
        file("small.txt", "small");
        WireClient client = connect();
        client.send((WireClient.request("GET", "/small.txt") + WireClient.request("GET", "/large.txt") + WireClient.request("GET", "/none")
                + WireClient.request("GET", "/large.txt") + WireClient.request("GET", "/plaintext")).repeat(4));
        for (int i = 0; i < 4; i++) {
            client.read().expect(200, "small");
            client.read().expect(200, LARGE);
            client.read().expect(404);
            client.read().expect(200, LARGE);
            client.read().expect(200, "Hello, World!");
        }
    }

    @Test void filesBehindABodyAreFound() throws IOException {
        file("a.txt", "A");
        file("large.txt", LARGE);
        WireClient client = connect();
        client.send(WireClient.request("GET", "/a.txt", "Content-Length: 3") + "xyz").read().expect(200, "A");
        client.send(WireClient.request("GET", "/large.txt", "Transfer-Encoding: chunked", "Range: bytes=10-19") + "1\r\nx\r\n0\r\n\r\n").read()
                .expect(206, "0123456789");
        client.send(WireClient.request("HEAD", "/a.txt", "Content-Length: 1") + "x").readHead().expect(200);
        client.assertOpen();
    }

    @ParameterizedTest @CsvSource({
        "index.html, text/html; charset=utf-8", "a.css, text/css; charset=utf-8", "a.js, text/javascript; charset=utf-8", "a.json, application/json; charset=utf-8",
        "a.png, image/png", "a.JPG, image/jpeg", "a.svg, image/svg+xml; charset=utf-8", "a.wav, audio/wav", "a.mp4, video/mp4", "a.woff2, font/woff2",
        "a.wasm, application/wasm", "a.pdf, application/pdf", "a.gz, application/gzip", "a.unknown, application/octet-stream", "README, application/octet-stream",
        ".html, application/octet-stream"})
    void theContentTypeGoesByTheExtension(String name, String type) throws IOException {
        file(name, "x");
        assertEquals(type, connect().get("/" + name).expect(200).field("Content-Type"));
    }

    @Test void namesMayBeEscapedInAnyWay() throws IOException {
        file("a b&c#d?e%+ü€.txt", "strange");
        file("%41.txt", "percent");
        WireClient client = connect();
        client.get("/a%20b&c%23d%3fe%25+%C3%BC%e2%82%ac.txt").expect(200, "strange");
        client.get("/%61%20%62%26%63%23d%3Fe%25%2B%c3%bc%E2%82%AC%2E%74xt?query").expect(200, "strange");
        client.get("/%2541.txt").expect(200, "percent");
        client.get("/%41.txt").expect(404);
        client.get("/A.txt").expect(404);
    }

    @Test void dotSegmentsAndDoubleSlashesAreResolved() throws IOException {
        file("sub/a.txt", "A");
        WireClient client = connect();
        for (String target : new String[] {"/sub/a.txt", "//sub///a.txt", "/./sub/./a.txt", "/sub/../sub/a.txt", "/x/%2e%2E/sub/a.txt", "/sub/x/y/../../a.txt"}) {
            client.get(target).expect(200, "A");
        }
        client.get("/sub/a.txt/").expect(404);
        client.get("/sub/a.txt/b").expect(404);
        client.get("/sub/a.txt/.").expect(404);
    }

    // ---- directories

    @Test void aDirectoryIsItsIndex() throws IOException {
        file("index.html", "top");
        file("sub/index.html", "below");
        WireClient client = connect();
        client.get("/").expect(200, "top");
        client.get("/?x=y").expect(200, "top");
        client.get("http://host").expect(200, "top");
        client.get("/sub/").expect(200, "below");
        client.get("/sub/.").expect(200, "below");
        client.get("/sub/../").expect(200, "top");
    }

    @Test void aDirectoryWithoutSlashIsRedirected() throws IOException {
        Files.createDirectories(root().resolve("sub dir/%25ü"));
        WireClient client = connect();
        assertEquals("/sub%20dir/", client.get("/sub%20dir").expect(301, "").field("Location"));
        assertEquals("/sub%20dir/?a=b&c", client.get("/sub%20dir?a=b&c").expect(301).field("Location"));
        assertEquals("/sub%20dir/%2525%C3%BC/", client.get("/sub%20dir/%2525%c3%bc").expect(301).field("Location"));
        assertEquals("/sub%20dir/", client.get("//sub%20dir").expect(301).field("Location")); // not //sub dir/, which would be a host
        client.head("/sub%20dir").expect(301);
        client.assertOpen();
    }

    @Test void withoutAnIndexADirectoryIsNotFoundUnlessListed() throws IOException {
        Files.createDirectories(root().resolve("sub"));
        connect().get("/sub/").expect(404);
        connect().get("/").expect(404);
    }

    @Test void anIndexThatIsADirectoryIsNone() throws IOException {
        Files.createDirectories(root().resolve("sub/index.html"));
        connect().get("/sub/").expect(404);
        stop();
        serve("--listing");
        connect().get("/sub/").expect(200);
        assertEquals("/sub/index.html/", connect().get("/sub/index.html").expect(301).field("Location"));
    }

    @Test void aListingNamesEverythingSafely() throws IOException {
        List<String> names = List.of("a.txt", "<script>alert(1)<script>", "quote\"'&amp;", "b c", "javascript:alert(1)", "100%", "ünï€", "#hash?", "\u0001\n\t");
        for (String name : names) file("sub/" + name, "content of " + name);
        Files.createDirectories(root().resolve("sub/zdir"));
        serve("--listing");
        WireClient client = connect();
        Answer answer = client.get("/sub/").expect(200);
        assertEquals("text/html; charset=utf-8", answer.field("Content-Type"));
        String page = answer.text();
        assertFalse(page.contains("<script>"), page);
        assertFalse(page.contains("quote\""), page);
        Matcher links = Pattern.compile("<a href=\"([^\"]*)\">([^<]*)</a>").matcher(page);
        List<String> shown = new ArrayList<>();
        while (links.find()) {
            if (links.group(1).equals("../")) continue;
            assertTrue(links.group(1).matches("\\./[A-Za-z0-9._~%-]+/?"), links.group(1));
            String name = java.net.URLDecoder.decode(links.group(1).substring(2), java.nio.charset.StandardCharsets.UTF_8);
            shown.add(name);
            if (name.endsWith("/")) continue;
            if (name.chars().anyMatch(c -> c < ' ')) client.get("/sub/" + links.group(1).substring(2)).expect(400); // control characters stay out
            else client.get("/sub/" + links.group(1).substring(2)).expect(200, "content of " + name);
        }
        List<String> expected = new ArrayList<>(names);
        expected.add("zdir/");
        expected.sort(null);
        assertEquals(expected, shown);
        client.head("/sub/").expect(200);
        client.get("/none/").expect(404);
        client.get("/sub/a.txt/").expect(404);
        assertFalse(client.get("/").expect(200).text().contains("../"), "a link above the root");
    }

    @Test void aListingShowsWhatIsThereNow() throws IOException {
        serve("--root", root().toString(), "--listing");
        WireClient client = connect();
        assertFalse(client.get("/").expect(200).text().contains("new.txt"));
        file("new.txt", "");
        assertTrue(client.get("/").expect(200).text().contains("new.txt"));
        file("index.html", "index");
        client.get("/").expect(200, "index");
        Files.delete(root().resolve("index.html"));
        assertTrue(client.get("/").expect(200).text().contains("new.txt"));
    }

    // ---- conditions (RFC 9110, section 13)

    @ParameterizedTest @ValueSource(strings = {"small", "large"})
    void conditionsAreEvaluatedInTheirOrder(String size) throws IOException {
        String text = size.equals("small") ? "hello" : LARGE;
        old(file("a.txt", text));
        WireClient client = connect();
        String etag = client.get("/a.txt").expect(200, text).field("ETag");
        String same = HTTP_DATE.format(YESTERDAY);
        String before = HTTP_DATE.format(YESTERDAY.minusSeconds(1));
        String after = HTTP_DATE.format(YESTERDAY.plusSeconds(1));
        Object[][] cases = {
            {304, "If-None-Match: " + etag}, {304, "If-None-Match: W/" + etag}, {304, "If-None-Match: *"}, {304, "If-None-Match: \"x\", " + etag + ",\"y\""},
            {200, "If-None-Match: \"x\""}, {200, "If-None-Match: \"x\", W/\"y\""}, {200, "If-None-Match: x"}, {200, "If-None-Match: "},
            {200, "If-Match: " + etag}, {200, "If-Match: *"}, {200, "If-Match: \"x\" , " + etag}, {412, "If-Match: \"x\""}, {412, "If-Match: W/" + etag},
            {304, "If-Modified-Since: " + same}, {304, "If-Modified-Since: " + after}, {200, "If-Modified-Since: " + before},
            {200, "If-Modified-Since: yesterday"}, {200, "If-Modified-Since: " + same + ", " + same},
            {304, "If-Modified-Since: " + DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss 'GMT'", Locale.US).withZone(ZoneOffset.UTC).format(YESTERDAY)},
            {304, "If-Modified-Since: " + DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.US).withZone(ZoneOffset.UTC).format(YESTERDAY)},
            {200, "If-Unmodified-Since: " + same}, {200, "If-Unmodified-Since: " + after}, {412, "If-Unmodified-Since: " + before},
            {200, "If-Unmodified-Since: whenever"},
            // If-Match rather than If-Unmodified-Since, If-None-Match rather than If-Modified-Since, and the first two before the others.
            {200, "If-Match: " + etag + "\r\nIf-Unmodified-Since: " + before}, {412, "If-Match: \"x\"\r\nIf-Unmodified-Since: " + after},
            {200, "If-None-Match: \"x\"\r\nIf-Modified-Since: " + same}, {304, "If-None-Match: " + etag + "\r\nIf-Modified-Since: " + before},
            {412, "If-Match: \"x\"\r\nIf-None-Match: " + etag}, {304, "If-Match: " + etag + "\r\nIf-None-Match: " + etag},
            {412, "If-Unmodified-Since: " + before + "\r\nIf-None-Match: " + etag},
            {304, "If-None-Match: " + etag + "\r\nRange: bytes=0-1"}, {412, "If-Match: \"x\"\r\nRange: bytes=0-1"},
        };
        for (Object[] each : cases) {
            int status = (int) each[0];
            Answer answer = client.get("/a.txt", (String) each[1]);
            assertEquals(status, answer.status(), () -> each[1] + answer.toString());
            assertEquals(status, client.head("/a.txt", (String) each[1]).status(), "HEAD " + each[1]);
            if (status == 304) {
                assertEquals(etag, answer.field("ETag"));
                assertEquals(same, answer.field("Last-Modified"));
                assertNull(answer.field("Content-Type"), answer::toString);
            }
            if (status == 200) answer.expect(200, text);
        }
        client.get("/none", "If-Match: *").expect(404);
        client.assertOpen();
    }

    @Test void twoContentsNeverHaveTheSameTag() throws IOException {
        file("a.txt", "0000");
        WireClient client = connect();
        for (int i = 1; i < 300; i++) {
            String etag = client.get("/a.txt").expect(200).field("ETag");
            String next = String.format("%04d", i);
            file("a.txt", next); // same size, and often the same tick of the clock that files are stamped by
            Answer answer = client.get("/a.txt", "If-None-Match: " + etag).expect(200, next);
            assertNotEquals(etag, answer.field("ETag"));
        }
    }

    @Test void theTagSettles() throws Exception {
        file("a.txt", "settled");
        WireClient client = connect();
        Thread.sleep(60);
        String etag = client.get("/a.txt").field("ETag");
        assertEquals(etag, client.get("/a.txt").field("ETag"));
        client.get("/a.txt", "If-None-Match: " + etag).expect(304);
        stop();
        connect().get("/a.txt", "If-None-Match: " + etag).expect(304); // another process would know it too
    }

    @Test void datesOutsideWhatHttpCanSayDoNoHarm() throws IOException {
        file("future.txt", "f");
        Files.setLastModifiedTime(root().resolve("future.txt"), FileTime.from(Instant.now().plus(400, ChronoUnit.DAYS)));
        file("past.txt", "p");
        Files.setLastModifiedTime(root().resolve("past.txt"), FileTime.from(Instant.parse("1931-01-01T00:00:00Z")));
        WireClient client = connect();
        Answer future = client.get("/future.txt").expect(200, "f");
        assertFalse(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(future.field("Last-Modified"))).isAfter(Instant.now()), future::toString);
        client.get("/past.txt").expect(200, "p");
        client.get("/past.txt", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT").expect(304);
    }

    // ---- ranges (RFC 9110, section 14)

    @ParameterizedTest @ValueSource(strings = {"small", "large"})
    void rangesAreSent(String size) throws IOException {
        String text = size.equals("small") ? "0123456789".repeat(100) : LARGE;
        int n = text.length();
        old(file("a.txt", text));
        WireClient client = connect();
        String etag = client.get("/a.txt").field("ETag");
        String[][] single = {
            {"0-0", "0", "0"}, {"0-9", "0", "9"}, {"5-", "5", "" + (n - 1)}, {"-5", "" + (n - 5), "" + (n - 1)}, {"-" + 2 * n, "0", "" + (n - 1)},
            {"3-" + 2 * n, "3", "" + (n - 1)}, {(n - 1) + "-", "" + (n - 1), "" + (n - 1)}, {"0-" + (n - 1), "0", "" + (n - 1)},
            {"10-19," + n + "-", "10", "19"}, {"10-19,20-29", "10", "29"},
        };
        for (String[] each : single) {
            int from = Integer.parseInt(each[1]);
            int to = Integer.parseInt(each[2]);
            Answer answer = client.get("/a.txt", "Range: bytes=" + each[0]).expect(206, text.substring(from, to + 1));
            assertEquals("bytes " + from + "-" + to + "/" + n, answer.field("Content-Range"));
            assertEquals(etag, answer.field("ETag"));
            assertEquals("text/plain; charset=utf-8", answer.field("Content-Type"));
        }
        for (String none : new String[] {n + "-", n + "-" + 2 * n, "-0", "99999999999999999999-"}) {
            Answer answer = client.get("/a.txt", "Range: bytes=" + none).expect(416);
            assertEquals("bytes */" + n, answer.field("Content-Range"));
        }
        for (String ignored : new String[] {"bytes=", "bytes=x", "bytes=5-3", "bytes=1-2-3", "bytes 1-2", "chars=1-2", "bytes=-", "bytes=1-2;3-4"}) {
            client.get("/a.txt", "Range: " + ignored).expect(200, text);
        }
        client.get("/a.txt", "Range: bytes=0-1", "Range: bytes=2-3").expect(200, text);
        assertEquals("" + n, client.head("/a.txt", "Range: bytes=0-1").expect(200).field("Content-Length")); // a range is for GET
        client.assertOpen();
    }

    @ParameterizedTest @ValueSource(strings = {"small", "large"})
    void severalRangesAreSentInParts(String size) throws IOException {
        String text = size.equals("small") ? "0123456789".repeat(100) : LARGE;
        int n = text.length();
        file("a.txt", text);
        WireClient client = connect();
        for (int round = 0; round < 3; round++) {
            Answer answer = client.get("/a.txt", "Range: bytes=0-9, 500-519,-7").expect(206);
            assertParts(answer, text, new int[][] {{0, 9}, {500, 519}, {n - 7, n - 1}});
            answer = client.get("/a.txt", "Range: bytes=700-719,0-0", "Connection: keep-alive").expect(206);
            assertParts(answer, text, new int[][] {{700, 719}, {0, 0}});
        }
        assertParts(client.get("/a.txt", "Range: bytes=0-0,900-999", "Connection: close").expect(206), text, new int[][] {{0, 0}, {900, 999}});
        client.assertClosed();
        String many = "Range: bytes=" + String.join(",", java.util.stream.IntStream.range(0, 100).mapToObj(i -> i + "-").toList());
        connect().get("/a.txt", many).expect(200, text);
    }

    private static void assertParts(Answer answer, String text, int[][] ranges) {
        Matcher type = Pattern.compile("multipart/byteranges; boundary=([0-9a-zA-Z]+)").matcher(answer.field("Content-Type"));
        assertTrue(type.matches(), answer::toString);
        assertNull(answer.field("Content-Range"));
        StringBuilder wanted = new StringBuilder();
        for (int i = 0; i < ranges.length; i++) {
            wanted.append(i == 0 ? "--" : "\r\n--").append(type.group(1)).append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ")
                    .append(ranges[i][0]).append('-').append(ranges[i][1]).append('/').append(text.length()).append("\r\n\r\n")
                    .append(text, ranges[i][0], ranges[i][1] + 1);
        }
        assertEquals(wanted.append("\r\n--").append(type.group(1)).append("--\r\n").toString(), answer.text());
    }

    @Test void ifRangeDecidesWhetherTheRangeCounts() throws IOException {
        old(file("a.txt", "0123456789"));
        WireClient client = connect();
        String etag = client.get("/a.txt").field("ETag");
        String range = "Range: bytes=2-3";
        client.get("/a.txt", range, "If-Range: " + etag).expect(206, "23");
        client.get("/a.txt", range, "If-Range: \"x\"").expect(200, "0123456789");
        client.get("/a.txt", range, "If-Range: W/" + etag).expect(200);
        client.get("/a.txt", range, "If-Range: " + HTTP_DATE.format(YESTERDAY)).expect(206, "23");
        client.get("/a.txt", range, "If-Range: " + HTTP_DATE.format(YESTERDAY.plusSeconds(1))).expect(200);
        client.get("/a.txt", range, "If-Range: " + HTTP_DATE.format(YESTERDAY.minusSeconds(1))).expect(200);
        client.get("/a.txt", "If-Range: " + etag).expect(200, "0123456789");
        client.get("/a.txt", "Range: bytes=20-", "If-Range: \"x\"").expect(200);
    }

    // ---- codings

    @ParameterizedTest @ValueSource(strings = {"small", "large"})
    void preCompressedSiblingsAreChosenByTheClient(String size) throws IOException {
        String text = size.equals("small") ? "hello" : LARGE;
        old(file("a.css", text));
        old(file("a.css.gz", "gzip!" + text));
        old(file("a.css.br", "br!" + text));
        WireClient client = connect();
        String[][] cases = {
            {null, ""}, {"gzip", "gzip"}, {"br", "br"}, {"gzip, br", "br"}, {"br, gzip", "br"}, {"gzip;q=1.0, br;q=0.5", "gzip"}, {"GZIP", "gzip"}, {"x-gzip", "gzip"},
            {"*", "br"}, {"*;q=0.5, br;q=0", "gzip"}, {"gzip;q=0, br;q=0", ""}, {"deflate", ""}, {"identity, gzip;q=0.5", ""}, {"gzip;q=0.001", "gzip"}, {"", ""},
            {"gzip;q=2", ""}, {"identity;q=0, gzip;q=0, br;q=0", ""}, {"gzip\r\nAccept-Encoding: br;q=0.1", "gzip"},
        };
        List<String> tags = new ArrayList<>();
        for (String[] each : cases) {
            Answer answer = each[0] == null ? client.get("/a.css") : client.get("/a.css", "Accept-Encoding: " + each[0]);
            answer.expect(200, each[1].isEmpty() ? text : each[1] + "!" + text);
            assertEquals(each[1].isEmpty() ? null : each[1], answer.field("Content-Encoding"), answer::toString);
            assertEquals("Accept-Encoding", answer.field("Vary"));
            assertEquals("text/css; charset=utf-8", answer.field("Content-Type"));
            tags.add(each[1] + answer.field("ETag"));
        }
        assertEquals(3, tags.stream().distinct().count(), tags::toString);
        assertEquals(3, tags.stream().map(tag -> tag.substring(tag.indexOf('"'))).distinct().count(), tags::toString);
        String gzipTag = tags.get(1).substring(4);
        Answer notModified = client.get("/a.css", "Accept-Encoding: gzip", "If-None-Match: " + gzipTag).expect(304);
        assertEquals("Accept-Encoding", notModified.field("Vary"));
        assertNull(notModified.field("Content-Encoding"));
        client.get("/a.css", "Accept-Encoding: br", "If-None-Match: " + gzipTag).expect(200, "br!" + text);
        Answer part = client.get("/a.css", "Accept-Encoding: gzip", "Range: bytes=0-4").expect(206, "gzip!");
        assertEquals("gzip", part.field("Content-Encoding"));
        assertEquals("" + ("br!" + text).length(), client.head("/a.css", "Accept-Encoding: br").expect(200).field("Content-Length"));
        client.assertOpen();
    }

    @Test void siblingsThatAreOlderOrNoFilesDoNotCount() throws IOException {
        file("old.css", "new");
        old(file("old.css.gz", "old"));
        old(file("dir.css", "x"));
        Files.createDirectories(root().resolve("dir.css.gz"));
        WireClient client = connect();
        assertNull(client.get("/old.css", "Accept-Encoding: gzip").expect(200, "new").field("Vary"));
        assertNull(client.get("/dir.css", "Accept-Encoding: gzip").expect(200, "x").field("Vary"));
    }

    @Test void aSiblingIsAFileOfItsOwnToo() throws IOException {
        old(file("a.css", "x"));
        old(file("a.css.gz", "zipped"));
        Answer answer = connect().get("/a.css.gz").expect(200, "zipped");
        assertEquals("application/gzip", answer.field("Content-Type"));
        assertNull(answer.field("Content-Encoding"));
    }

    @Test void theIndexHasSiblingsToo() throws IOException {
        old(file("index.html", "x"));
        old(file("index.html.br", "squeezed"));
        connect().get("/", "Accept-Encoding: br").expect(200, "squeezed");
    }

    // ---- confinement

    @ParameterizedTest @ValueSource(strings = {
        "/../secret", "/..", "/../", "/%2e%2e/secret", "/%2E./secret", "/.%2e/secret", "/sub/../../secret", "/sub/%2e%2e/%2e%2e/secret", "/..%2fsecret", "/..%5csecret",
        "/%2e%2e%2fsecret", "/sub%2f..%2f..%2fsecret", "/secret%00", "/%00/secret", "/sub/inside.txt%00.html", "/%c0%ae%c0%ae/secret", "/..%c0%afsecret",
        "/%e0%80%ae%e0%80%ae/secret", "/%f0%80%80%ae./secret", "/%ff", "/%fe%ff", "/%ed%a0%80", "/%f4%90%80%80", "/a%", "/a%4", "/a%zz", "/%u002e%u002e/secret", "/a%0ab",
        "/a%0d%0aSet-Cookie:x", "/a%7f", "/sub/..%252f..%252fsecret/../../../secret"})
    void pathsThatLeaveTheRootOrNameNoFileAreRefused(String target) throws IOException {
        Files.writeString(outside.resolve("secret"), "secret");
        file("sub/inside.txt", "inside");
        WireClient client = connect();
        client.get(target).expect(400);
        client.get("/sub/inside.txt").expect(200, "inside");
    }

    @ParameterizedTest @ValueSource(strings = {"/%252e%252e/secret", "/..;/secret", "/...", "/.../secret", "/%20../secret", "/~/secret", "/sub/..%252f..%252fsecret"})
    void pathsThatOnlyLookLikeItAreNotFound(String target) throws IOException {
        Files.writeString(outside.resolve("secret"), "secret");
        file("sub/inside.txt", "inside");
        connect().get(target).expect(404);
    }

    @ParameterizedTest @ValueSource(strings = {"/..\\secret", "/ ../secret", "/\u0000/secret", "/\u00c0\u00ae./secret"})
    void pathsWithBytesThatNoTargetHasAreRefused(String target) throws IOException {
        Files.writeString(outside.resolve("secret"), "secret");
        file("a.txt", "A");
        WireClient client = connect();
        assertTrue(client.get(target).expect(400).closes());
        client.assertClosed();
    }

    @Test void linksOutOfTheRootAreNotFollowed() throws IOException {
        Files.writeString(outside.resolve("secret"), "secret");
        Files.createDirectories(outside.resolve("elsewhere"));
        Files.writeString(outside.resolve("elsewhere/secret"), "secret");
        Files.createDirectories(root().resolve("sub"));
        link("absolute", outside.resolve("secret").toString());
        link("relative", "../secret");
        link("sub/deep", "../../secret");
        link("dir", outside.resolve("elsewhere").toString());
        link("dir2", "../elsewhere");
        link("etc", "/etc");
        link("top", "/");
        link("self", "/proc/self/root");
        link("back", "../root/sub"); // leaves, and comes back
        link("hidden.css.gz", "../secret");
        file("hidden.css", "visible");
        link("loop", "loop");
        WireClient client = connect();
        for (String target : new String[] {"/absolute", "/relative", "/sub/deep", "/dir/secret", "/dir2/secret", "/dir/", "/etc/passwd", "/top/etc/passwd",
            "/self/etc/passwd", "/back/", "/loop", "/loop/x"}) {
            for (int i = 0; i < 2; i++) client.get(target).expect(404);
        }
        client.get("/hidden.css", "Accept-Encoding: gzip").expect(200, "visible");
        stop();
        serve("--listing");
        for (String target : new String[] {"/dir/", "/etc/", "/top/", "/self/"}) connect().get(target).expect(404);
    }

    @Test void linksWithinTheRootAreFollowed() throws IOException {
        file("sub/real.txt", "one");
        link("link.txt", "sub/real.txt");
        link("sub/up.txt", "../link.txt");
        link("dir", "sub");
        WireClient client = connect();
        for (int i = 0; i < 2; i++) {
            client.get("/link.txt").expect(200, "one");
            client.get("/sub/up.txt").expect(200, "one");
            client.get("/dir/real.txt").expect(200, "one");
        }
        assertEquals("/dir/", client.get("/dir").expect(301).field("Location"));
        file("sub/real.txt", "two");
        client.get("/link.txt").expect(200, "two");
        client.get("/dir/real.txt").expect(200, "two");
        file("other/real.txt", "three");
        Files.delete(root().resolve("dir"));
        link("dir", "other");
        client.get("/dir/real.txt").expect(200, "three");
    }

    private void link(String name, String target) throws IOException { Files.createSymbolicLink(root().resolve(name), Path.of(target)); }

    @Test void whatIsNoRegularFileIsForbiddenAndNeverWaitedFor() throws IOException {
        run("mkfifo", root().resolve("pipe").toString());
        run("mknod", root().resolve("null").toString(), "c", "1", "3");
        WireClient client = connect();
        for (int i = 0; i < 2; i++) {
            client.get("/pipe").expect(403);
            client.get("/null").expect(403);
        }
        client.get("/pipe/").expect(404);
        client.assertOpen();
    }

    private static void run(String... command) throws IOException {
        try (TestProcess process = TestProcess.start(command)) {
            assertEquals(0, process.awaitExit(), process::toString);
        }
    }

    @Test void longPathsAreNotFound() throws IOException {
        file("a.txt", "A");
        WireClient client = connect();
        client.get("/" + "a".repeat(300)).expect(404);
        client.get("/" + "a/".repeat(2500)).expect(404);
        client.get("/" + "./".repeat(3000) + "a.txt").expect(200, "A");
    }

    // ---- the cache

    @Test void moreFilesThanTheCacheHoldsAreServedAllTheSame() throws IOException {
        for (int i = 0; i < 50; i++) file("f" + i, ("" + (char) ('A' + i)).repeat(20_000 + i));
        serve("--cache-bytes", "200k");
        WireClient client = connect();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 50; i++) client.get("/f" + i).expect(200, ("" + (char) ('A' + i)).repeat(20_000 + i));
        }
    }

    @Test void manyPathsStayApart() throws IOException {
        for (int i = 0; i < 600; i++) file("d" + i % 7 + "/f" + i, "content " + i);
        WireClient client = connect();
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 600; i++) client.get("/d" + i % 7 + "/f" + i).expect(200, "content " + i);
            for (int i = 0; i < 600; i += 7) file("d0/f" + i, "content " + i); // changes, which drop entries all over the table
        }
    }

    @Test void hardLinkedFilesAreReadAnew() throws IOException {
        Path file = file("a.txt", "one");
        Files.createLink(outside.resolve("other"), file);
        WireClient client = connect();
        client.get("/a.txt").expect(200, "one");
        Files.writeString(outside.resolve("other"), "two");
        client.get("/a.txt").expect(200, "two");
    }

    @Test void theRootMayBeMoved() throws IOException {
        file("sub/a.txt", "one");
        WireClient client = connect();
        client.get("/sub/a.txt").expect(200, "one");
        Path moved = Files.move(root(), outside.resolve("moved"));
        Files.createDirectories(outside.resolve("root/sub"));
        Files.writeString(outside.resolve("root/sub/a.txt"), "wrong");
        for (int i = 0; i < 50; i++) {
            Files.writeString(moved.resolve("sub/a.txt"), "two" + i);
            client.get("/sub/a.txt").expect(200, "two" + i);
        }
    }

    @Test void binaryContentsArriveAsTheyAre() throws IOException {
        byte[] all = new byte[200_000];
        new java.util.Random(7).nextBytes(all);
        Files.write(root().resolve("small.bin"), all);
        byte[] more = new byte[2_000_000];
        new java.util.Random(8).nextBytes(more);
        Files.write(root().resolve("large.bin"), more);
        WireClient client = connect();
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(all, client.get("/small.bin").expect(200).body());
            assertArrayEquals(more, client.get("/large.bin").expect(200).body());
        }
    }
}
