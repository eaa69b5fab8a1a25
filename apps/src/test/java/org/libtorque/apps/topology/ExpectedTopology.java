package org.libtorque.apps.topology;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Compares a topology with an expected one, both of schema {@code topology-expected/1}: every key that the expected one
 * has, lists of objects by what they describe, sets as sets, an empty list and an absent key as equal.
 */
final class ExpectedTopology {
    private static final Set<String> NOT_COMPARED = Set.of("schema", "machine", "input", "source", "notes", "not_claimed");
    private static final Set<String> OPTIONAL = Set.of("groups", "locality", "memory_only", "memory_side_cache", "core_type");

    private final List<String> differences = new ArrayList<>();

    private ExpectedTopology() {}

    /** Returns a line for each difference. */
    static List<String> differences(JsonObject expected, JsonObject actual) {
        var comparison = new ExpectedTopology();
        for (String key : expected.keySet()) {
            if (NOT_COMPARED.contains(key)) continue;
            JsonElement want = expected.get(key), have = actual.get(key);
            switch (key) {
                case "pus", "disallowed_pus", "offline_pus" -> comparison.sets(key, want, have);
                case "packages", "dies", "kinds" -> comparison.lists(key, want, have, o -> numbers(o.get("pus")).toString());
                case "groups" -> comparison.lists(key, want, have, o -> o.get("kind") + " " + numbers(o.get("pus")));
                case "numa_nodes" -> comparison.lists(key, want, have, o -> o.get("os_index").toString());
                case "caches" -> comparison.lists(key, want, have,
                        o -> "L" + o.get("level") + " " + o.get("type") + " " + numbers(o.get("pus")));
                case "distances" -> comparison.distances(want.getAsJsonObject(), have);
                default -> comparison.values(key, want, have);
            }
        }
        return comparison.differences;
    }

    private static TreeSet<Integer> numbers(JsonElement array) {
        var set = new TreeSet<Integer>();
        if (array != null) array.getAsJsonArray().forEach(e -> set.add(e.getAsInt()));
        return set;
    }

    private void differ(String where, Object want, Object have) {
        differences.add(where + ": expected " + want + ", found " + have);
    }

    private void sets(String where, JsonElement want, JsonElement have) {
        if (!numbers(want).equals(numbers(have))) differ(where, numbers(want), numbers(have));
    }

    private void values(String where, JsonElement want, JsonElement have) {
        if (have == null) {
            String key = where.substring(where.lastIndexOf('.') + 1);
            boolean empty = want.isJsonArray() && want.getAsJsonArray().isEmpty();
            if (!empty && !OPTIONAL.contains(key)) differ(where, want, "nothing");
        } else if (where.endsWith(".pus") || where.endsWith(".locality")) {
            sets(where, want, have);
        } else if (where.endsWith(".cores")) {
            lists(where, want, have, o -> numbers(o.get("pus")).toString());
        } else if (want.isJsonObject() && have.isJsonObject()) {
            JsonObject object = want.getAsJsonObject();
            for (String key : object.keySet()) values(where + "." + key, object.get(key), have.getAsJsonObject().get(key));
        } else if (!want.equals(have)) {
            differ(where, want, have);
        }
    }

    private void lists(String where, JsonElement want, JsonElement have, Function<JsonObject, String> key) {
        var wanted = byKey(want, key);
        var found = byKey(have == null ? new JsonArray() : have, key);
        if (have != null && have.getAsJsonArray().size() != found.size()) {
            differ(where, "no object twice", have.getAsJsonArray().size() + " objects of which " + found.size() + " differ");
        }
        wanted.forEach((k, object) -> {
            if (found.containsKey(k)) values(where + "[" + k + "]", object, found.get(k));
            else differ(where, k, "none such");
        });
        found.keySet().stream().filter(k -> !wanted.containsKey(k)).forEach(k -> differ(where, "none such", k));
    }

    private static TreeMap<String, JsonObject> byKey(JsonElement list, Function<JsonObject, String> key) {
        var map = new TreeMap<String, JsonObject>();
        list.getAsJsonArray().forEach(e -> map.put(key.apply(e.getAsJsonObject()), e.getAsJsonObject()));
        return map;
    }

    private void distances(JsonObject want, JsonElement have) {
        if (have == null) {
            differ("distances", want, "nothing");
            return;
        }
        for (String key : List.of("nodes", "matrix")) {
            if (!want.get(key).equals(have.getAsJsonObject().get(key))) {
                differ("distances." + key, want.get(key), have.getAsJsonObject().get(key));
            }
        }
    }
}
