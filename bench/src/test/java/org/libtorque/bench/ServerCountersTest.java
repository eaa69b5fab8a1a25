package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.libtorque.bench.ServerCounters.Sample;

final class ServerCountersTest {
    private static final long SECOND = 1_000_000_000L;

    private static Map<String, Double> flatten(String json) throws IOException { return ServerCounters.flatten(JSON.std.anyFrom(json)); }

    @Test
    void countersOfVcoresAreAddedUpUnlessThereIsATotal() throws IOException {
        assertEquals(Map.of("steals", 3.0), flatten("{\"steals\": 3, \"name\": \"kweb\", \"on\": true}"));
        assertEquals(Map.of("steals", 7.0, "blocks", 9.0),
                flatten("{\"vcores\": [{\"steals\": 3, \"blocks\": 4}, {\"steals\": 4, \"blocks\": 5}]}"));
        assertEquals(Map.of("steals", 8.0, "blocks", 4.0), flatten("{\"steals\": 8, \"vcores\": [{\"steals\": 3, \"blocks\": 4}]}"));
        assertEquals(Map.of(), flatten("[]"));
    }

    @Test
    void growthOfAWindowIsInterpolatedBetweenLooks() {
        var samples = List.of(new Sample(0, Map.of("steals", 100.0, "moves", 0.0)), new Sample(2 * SECOND, Map.of("steals", 300.0, "moves", 10.0)),
                new Sample(4 * SECOND, Map.of("steals", 300.0, "moves", 50.0)));
        assertEquals(Map.of("steals", 50.0, "moves", 12.5), ServerCounters.ratesBetween(samples, SECOND, 3 * SECOND));
        assertEquals(Map.of("steals", 50.0, "moves", 12.5), ServerCounters.ratesBetween(samples, -SECOND, 9 * SECOND), "no farther than the looks");
        assertEquals(Map.of(), ServerCounters.ratesBetween(samples, 5 * SECOND, 6 * SECOND));
        assertEquals(Map.of(), ServerCounters.ratesBetween(samples.subList(0, 1), 0, SECOND), "one look tells nothing of growth");
    }
}
