package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LoadRunnerTest {
    private static final String WRK = """
            Running 2s test @ http://127.0.0.1:18080/plaintext
              1 threads and 100 connections
              Thread Stats   Avg      Stdev     Max   +/- Stdev
                Latency   366.17us   99.75us   2.97ms   95.64%
                Req/Sec   140.70k     1.21k  142.24k    80.00%
              Latency Distribution
                 50%  355.00us
                 75%  380.00us
                 90%  406.00us
                 99%    1.03ms
              279994 requests in 2.01s, 34.45MB read
              Socket errors: connect 1, read 2, write 3, timeout 4
              Non-2xx or 3xx responses: 5
            Requests/sec: 139721.19
            Transfer/sec:     17.19MB
            """;

    @Test
    void everyRequestHasTheSameLength() {
        for (HttpCase load : HttpCase.values()) {
            for (int port : new int[] {80, 8080, 65535}) {
                String text = new RequestHead(load.path, port).text();
                assertEquals(RequestHead.BYTES, text.length());
                assertTrue(text.endsWith("\r\n\r\n") && text.indexOf("\r\n\r\n") == text.length() - 4, text);
            }
        }
    }

    @Test
    void readsTheReportOfWrk() {
        LoadResult result = new WrkLoad().parse(HttpCase.P1, WRK);
        assertEquals(279_994, result.requests());
        assertEquals(15, result.errors());
        assertEquals(2.01, result.seconds(), 1e-9);
        assertEquals(355, result.p50Micros());
        assertEquals(1_030, result.p99Micros());
        assertEquals(2_970, result.maxMicros());
        assertEquals(-1, result.startNanos());
    }

    @Test
    void readsTheReportOfAb() {
        LoadResult result = new AbLoad().parse(HttpCase.KEVENT, """
                Concurrency Level:      8000
                Time taken for tests:   3.215 seconds
                Complete requests:      80000
                Failed requests:        3
                   (Connect: 0, Receive: 1, Length: 1, Exceptions: 1)
                Non-2xx responses:      2
                Total transferred:      104000 bytes

                Percentage of the requests served within a certain time (ms)
                  50%      4
                  66%      6
                  99%     17
                 100%     48 (longest request)
                """);
        assertEquals(80_000, result.requests());
        assertEquals(80_000, result.connects());
        assertEquals(5, result.errors());
        assertEquals(3.215, result.seconds(), 1e-9);
        assertEquals(4_000, result.p50Micros());
        assertEquals(17_000, result.p99Micros());
        assertEquals(48_000, result.maxMicros());
        assertThrows(IllegalArgumentException.class, () -> new AbLoad().parse(HttpCase.KEVENT, "apr_socket_recv: Connection refused (111)"));
    }

    @Test
    void theLoadOfAbIsNobodyElses() {
        assertNull(new AbLoad().obstacle(HttpCase.KEVENT));
        assertNotNull(new AbLoad().obstacle(HttpCase.P1));
        assertNotNull(new WrkLoad().obstacle(HttpCase.KEVENT));
        assertNotNull(new TorqueLoad(List.of()).obstacle(HttpCase.KEVENT));
    }

    @Test
    void takesNoLatencyOfPipelinedRequestsFromWrk() {
        assertTrue(Double.isNaN(new WrkLoad().parse(HttpCase.P100, WRK).p99Micros()));
    }

    @Test
    void wrkWithoutAReportIsAFault() {
        assertThrows(IllegalArgumentException.class, () -> new WrkLoad().parse(HttpCase.P1, "unable to connect"));
    }

    @Test
    void knowsTheUnitsOfWrk() {
        assertEquals(1.5, WrkLoad.micros("1.50us"));
        assertEquals(1_500, WrkLoad.micros("1.50ms"));
        assertEquals(1_500_000, WrkLoad.micros("1.50s"));
        assertEquals(90_000_000, WrkLoad.micros("1.50m"));
        assertThrows(IllegalArgumentException.class, () -> WrkLoad.micros("1.50parsec"));
    }

    @Test
    void wrkSendsWholeBatchesAndCannotChurn(@TempDir Path scratch) throws Exception {
        List<String> command = new WrkLoad().command(HttpCase.P100, 8080, 0, 5, scratch);
        String script = Files.readString(Path.of(command.get(command.indexOf("--script") + 1)));
        assertTrue(script.contains("\\r\\n\\r\\n\", 100)"), script);
        assertNull(new WrkLoad().obstacle(HttpCase.P100));
        assertNotNull(new WrkLoad().obstacle(HttpCase.CHURN));
    }

    @Test
    void readsTheReportOfTorqueLoad() {
        LoadResult result = new TorqueLoad(List.of("torque", "load")).parse(HttpCase.CHURN, """
                1 s: 100,000 requests/s
                {"requests": 500000, "errors": 2, "short": 3, "seconds": 5.0, "requests_per_second": 100000.0, \
                "latency_us": {"p50": 310.5, "p90": 400, "p99": 700, "p999": 900, "max": 1500}, \
                "connects": 50000, "cpu_seconds": 3.2, \
                "window_start_nanos": 9007199254740993, "window_end_nanos": 9007204254740993}
                """);
        assertEquals(500_000, result.requests());
        assertEquals(5, result.errors());
        assertEquals(50_000, result.connects());
        assertEquals(310.5, result.p50Micros());
        assertEquals(700, result.p99Micros());
        assertEquals(900, result.p999Micros());
        assertEquals(9_007_199_254_740_993L, result.startNanos());
        assertEquals(100_000, result.requestsPerSecond(), 1e-9);
    }

    @Test
    void torqueLoadWithoutAReportIsAFault() {
        var load = new TorqueLoad(List.of("torque", "load"));
        assertThrows(IllegalArgumentException.class, () -> load.parse(HttpCase.P1, "connection refused"));
        assertThrows(IllegalArgumentException.class, () -> load.parse(HttpCase.P1, "{\"requests\": 1"));
        assertThrows(IllegalArgumentException.class, () -> load.parse(HttpCase.P1, "{\"errors\": 1}"));
    }

    @Test
    void torqueLoadIsToldTheWholeCase(@TempDir Path scratch) {
        List<String> command = new TorqueLoad(List.of("torque", "load")).command(HttpCase.CHURN, 8080, 2, 5, scratch);
        assertEquals("10", command.get(command.indexOf("--requests-per-connection") + 1));
        String sources = command.get(command.indexOf("--sources") + 1);
        assertTrue(sources.startsWith("127.0.0.1,127.0.0.2,") && sources.endsWith(",127.0.0.16"), sources);
        assertEquals("2000ms", command.get(command.indexOf("--warmup") + 1));
        assertTrue(command.contains("http://127.0.0.1:8080/plaintext"));
    }
}
