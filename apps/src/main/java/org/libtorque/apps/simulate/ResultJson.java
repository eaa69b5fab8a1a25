package org.libtorque.apps.simulate;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;
import org.libtorque.hardware.Topology;
import org.libtorque.sim.Result;
import org.libtorque.sim.Scenario;

/** Results as JSON, schema {@code torque-simulate/1}: rates per second of virtual time, times in nanoseconds. */
final class ResultJson {
    private ResultJson() {}

    static String text(Map<String, Topology> machines, List<Result> results, int seeds) {
        var root = new JsonObject();
        root.addProperty("schema", "torque-simulate/1");
        var list = new JsonArray();
        for (Result r : results) list.add(tree(machines, r, seeds));
        root.add("results", list);
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(root) + "\n";
    }

    private static JsonObject tree(Map<String, Topology> machines, Result r, int seeds) {
        Scenario s = r.scenario();
        var o = new JsonObject();
        for (var machine : machines.entrySet()) {
            if (machine.getValue() == s.topology()) o.addProperty("machine", machine.getKey());
        }
        o.addProperty("harts", s.hartCount());
        o.addProperty("workload", s.workload().label());
        o.addProperty("policy", s.policy().label());
        o.addProperty("seed", s.seed());
        if (seeds > 1) o.addProperty("seeds", seeds);
        o.addProperty("nanos", s.nanos());
        o.addProperty("load", s.load());
        o.addProperty("closed_loop", s.closed());
        o.addProperty("connections", r.connections());
        o.addProperty("throughput", r.throughput());
        o.addProperty("busy", r.utilisation());
        o.addProperty("steals", r.steals());
        o.addProperty("migrations", r.migrations());
        o.addProperty("messages", r.messages());
        o.addProperty("wake_ups", r.wakeUps());
        o.addProperty("fairness", r.fairness());
        o.addProperty("events", r.events());
        var kinds = new JsonArray();
        for (Result.Waiting w : r.kinds()) {
            var k = new JsonObject();
            k.addProperty("kind", w.kind());
            k.addProperty("throughput", w.throughput());
            k.addProperty("wait_p50", w.p50());
            k.addProperty("wait_p99", w.p99());
            k.addProperty("wait_p999", w.p999());
            k.addProperty("wait_max", w.max());
            kinds.add(k);
        }
        o.add("kinds", kinds);
        return o;
    }
}
