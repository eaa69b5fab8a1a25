package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

class LoadResultTest {
    private static LoadResult sample() {
        var builder = new LoadResult.Builder();
        builder.requests = 1000;
        for (int i = 1; i <= 1000; i++) builder.latencies.recordValue(i * 1000L);
        builder.firstAnswers.recordValue(2_000_000);
        builder.failures.put(Failure.SHORT, 2L);
        builder.failures.put(Failure.STATUS, 3L);
        builder.messages.put(Failure.STATUS, new ArrayList<>(List.of("status 503 where the first answer had 200")));
        builder.statuses.put(200, 1000L);
        builder.statuses.put(503, 3L);
        builder.bytes = 123_456;
        builder.connects = 7;
        builder.reconnects = 1;
        builder.endNanos = 2_500_000_000L;
        return builder.build(500_000_000L, 1.25);
    }

    @Test
    void theJsonObjectHasEveryKeyThatProgramsRelyOn() {
        var json = new JsonReader(sample().toJson()).read();
        assertEquals(List.of("requests", "errors", "short", "seconds", "window_start_nanos", "window_end_nanos", "requests_per_second", "latency_us", "connects",
                "reconnects", "first_answer_us", "cpu_seconds", "bytes", "status", "failures"), List.copyOf(json.keySet()));
        assertEquals(1000.0, json.get("requests"));
        assertEquals(5.0, json.get("errors"));
        assertEquals(2.0, json.get("short"));
        assertEquals(2.0, json.get("seconds"));
        assertEquals(5e8, json.get("window_start_nanos"));
        assertEquals(2.5e9, json.get("window_end_nanos"));
        assertEquals(500.0, json.get("requests_per_second"));
        assertEquals(7.0, json.get("connects"));
        assertEquals(1.0, json.get("reconnects"));
        assertEquals(1.25, json.get("cpu_seconds"));
        assertEquals(123_456.0, json.get("bytes"));
        assertEquals(Map.of("200", 1000.0, "503", 3.0), json.get("status"));
        assertEquals(Map.of("short", 2.0, "status", 3.0), json.get("failures"));
        var latency = (Map<?, ?>) json.get("latency_us");
        assertEquals(List.of("mean", "p50", "p90", "p99", "p999", "max"), List.copyOf(latency.keySet()));
        assertEquals(500.5, (Double) latency.get("mean"), 1);
        assertEquals(500, (Double) latency.get("p50"), 1);
        assertEquals(999, (Double) latency.get("p999"), 2);
        assertEquals(1000, (Double) latency.get("max"), 1);
    }

    @Test
    void anEmptyResultIsValidToo() {
        var empty = new LoadResult.Builder().build(1, 0);
        var json = new JsonReader(empty.toJson()).read();
        assertEquals(0.0, json.get("requests_per_second"));
        assertEquals(Map.of(), json.get("status"));
        assertTrue(empty.toText().contains("errors      none"), empty.toText());
    }

    @Test
    void theTextNamesWhatWentWrong() {
        var text = sample().toText();
        for (var part : List.of("1,000 in 2.00 s: 500/s", "p99.9", "7 made", "200: 1,000, 503: 3", "1.25 s of this process, 1250.000 µs per request",
                "3 answers with another status", "status 503 where the first answer had 200", "2 answers too short", "123.5 kB")) {
            assertTrue(text.contains(part), part + " in\n" + text);
        }
        assertFalse(text.contains("timed out"), text);
    }

    /** As much of JSON as is written here: objects, strings without escapes, numbers. */
    static final class JsonReader {
        private final String text;
        private int at;

        JsonReader(String text) {
            this.text = text;
        }

        Map<String, Object> read() {
            var result = object();
            assertEquals(text.length(), at, "nothing behind the object");
            return result;
        }

        private Map<String, Object> object() {
            var result = new LinkedHashMap<String, Object>();
            expect('{');
            while (text.charAt(at) != '}') {
                if (!result.isEmpty()) expect(',');
                expect('"');
                int end = text.indexOf('"', at);
                var key = text.substring(at, end);
                at = end + 1;
                expect(':');
                assertEquals(null, result.put(key, text.charAt(at) == '{' ? object() : number()), "key twice: " + key);
            }
            expect('}');
            return result;
        }

        private Double number() {
            int start = at;
            while ("-0123456789.".indexOf(text.charAt(at)) >= 0) at++;
            return Double.valueOf(text.substring(start, at));
        }

        private void expect(char c) {
            assertEquals(c, text.charAt(at++), () -> "at " + at + " of " + text);
        }
    }
}
