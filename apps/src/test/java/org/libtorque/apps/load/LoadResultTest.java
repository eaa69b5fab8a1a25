package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import org.libtorque.apps.cli.LoadGroup;

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
        assertEquals(List.of("requests", "errors", "short", "seconds", "window_start_nanos", "window_end_nanos", "requests_per_second", "latency_us",
                "connects", "reconnects", "first_answer_us", "cpu_seconds", "bytes", "status", "failures", "unserved_connections"),
                List.copyOf(json.keySet()));
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
    void anOpenLoopSaysHowItKeptToItsTimes() {
        var builder = new LoadResult.Builder();
        builder.requests = 990;
        builder.due = 1000;
        builder.unanswered = 10;
        builder.leftQueued = 4;
        builder.longestQueue = 3;
        builder.unservedConnections = 2;
        builder.endNanos = 1_000_000_000;
        for (int i = 0; i < 1000; i++) builder.latencies.recordValue(1_000_000);
        var result = builder.build(0, 0.5, 1000, List.of());
        var json = new JsonReader(result.toJson()).read();
        assertEquals(Map.of("rate", 1000.0, "due", 1000.0, "unanswered", 10.0, "queued", 4.0, "queue_max", 3.0), json.get("open_loop"));
        assertEquals(2.0, json.get("unserved_connections"));
        var text = result.toText();
        assertTrue(text.contains("1,000 due (1,000/s wanted), 10 without an answer at the end, 4 of them unsent; at most 3 waited"), text);
        assertTrue(text.contains("2 connections had no answer for a second"), text);
    }

    @Test
    void everyGroupHasItsOwnFigures() {
        var heavy = new LoadGroup("heavy", 8, "/work?us=200", 0, 1, List.of(0, 1), Duration.ofSeconds(1));
        var light = new LoadGroup("light", 56, "/work?us=5", 500, 1, List.of(), Duration.ZERO);
        var builder = new LoadResult.Builder();
        builder.requests = 500;
        builder.endNanos = 1_000_000_000;
        for (int i = 0; i < 500; i++) builder.latencies.recordValue(2_000_000);
        var open = builder.build(0, 0, 500, List.of());
        var all = sample();
        var result = new LoadResult(all.requests(), all.failures(), all.messages(), all.statuses(), all.latencies(), all.firstAnswers(), all.bytes(),
                all.connects(), all.reconnects(), all.startNanos(), all.endNanos(), all.cpuSeconds(), 0, null,
                List.of(new LoadResult.OfGroup(heavy, 16, all), new LoadResult.OfGroup(light, 0, open)));
        var json = new JsonReader(result.toJson()).read();
        var groups = (Map<?, ?>) json.get("groups");
        assertEquals(List.of("heavy", "light"), List.copyOf(groups.keySet()));
        var first = (Map<?, ?>) groups.get("heavy");
        assertEquals("/work?us=200", first.get("path"));
        assertEquals(16.0, first.get("connections"), "eight on each of two vcores");
        assertEquals(16.0, first.get("unnamed"));
        assertEquals(1000.0, first.get("requests"));
        assertFalse(first.containsKey("open_loop"));
        assertFalse(first.containsKey("cpu_seconds"), "that of one group is not known");
        var second = (Map<?, ?>) groups.get("light");
        assertEquals(500.0, second.get("requests_per_second"));
        assertEquals(2000, (Double) ((Map<?, ?>) second.get("latency_us")).get("p99"), 2);
        assertEquals(500.0, ((Map<?, ?>) second.get("open_loop")).get("rate"));
        var text = result.toText();
        for (var part : List.of("heavy       500/s", "light       500/s", "5 errors", "16 connections of which the server named no vcore")) {
            assertTrue(text.contains(part), part + " in\n" + text);
        }
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

    /** As much of JSON as is written here: objects, strings without escapes, numbers, all of them values of objects. */
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
                assertEquals(null, result.put(key, value()), "key twice: " + key);
            }
            expect('}');
            return result;
        }

        private Object value() {
            if (text.charAt(at) == '{') return object();
            if (text.charAt(at) != '"') return number();
            int start = ++at;
            at = text.indexOf('"', start) + 1;
            return text.substring(start, at - 1);
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
