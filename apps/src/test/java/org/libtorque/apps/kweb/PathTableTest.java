package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.ByteView;

class PathTableTest {
    private static byte[] bytes(String text) { return text.getBytes(ISO_8859_1); }

    private static <V> V get(PathTable<V> table, String path) {
        ByteView view = ByteView.copyOf(bytes("GET " + path + " HTTP/1.1"));
        return table.get(view, 4, path.length());
    }

    /** Few distinct paths, so that they are put and removed often; among them some that differ in length or in one byte only. */
    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void behavesAsAMapDoes(long seed) {
        var random = new SplittableRandom(seed);
        var table = new PathTable<String>();
        Map<String, String> model = new HashMap<>();
        Map<String, byte[]> arrays = new HashMap<>();
        for (int step = 0; step < 3000; step++) {
            String path = "/" + "ab".repeat(random.nextInt(3)) + random.nextInt(step < 1000 ? 60 : 2000);
            if (random.nextInt(2000) == 0) {
                table.clear();
                model.clear();
            } else if (model.containsKey(path)) {
                assertEquals(model.remove(path), table.remove(arrays.get(path)));
            } else {
                String value = path + " " + step;
                byte[] key = bytes(path);
                table.put(key, value);
                model.put(path, value);
                arrays.put(path, key);
            }
            assertEquals(model.get(path), get(table, path));
            assertEquals(model.size(), table.size());
            if (step % 50 == 0) {
                table.checkInvariants();
                for (Map.Entry<String, String> each : model.entrySet()) assertEquals(each.getValue(), get(table, each.getKey()));
            }
        }
    }

    /** Keys whose hashes are one and the same stand in one long row; taking some out must leave the others in reach. */
    @Test void pathsOfOneHashStayApart() {
        List<byte[]> keys = new ArrayList<>();
        for (int bits = 0; bits < 64; bits++) {
            StringBuilder path = new StringBuilder("/");
            for (int i = 0; i < 6; i++) path.append((bits >> i & 1) == 0 ? "Aa" : "BB"); // 31 * 'A' + 'a' == 31 * 'B' + 'B'
            keys.add(bytes(path.toString()));
        }
        var table = new PathTable<byte[]>();
        for (byte[] key : keys) table.put(key, key);
        table.checkInvariants();
        for (int i = 0; i < keys.size(); i += 3) assertEquals(keys.get(i), table.remove(keys.get(i)));
        table.checkInvariants();
        for (int i = 0; i < keys.size(); i++) {
            String path = new String(keys.get(i), ISO_8859_1);
            if (i % 3 == 0) assertNull(get(table, path));
            else assertEquals(keys.get(i), get(table, path));
        }
    }
}
