package org.libtorque.apps.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.libtorque.sim.Result;
import org.libtorque.sim.Scenario;

/** Results as a table, aligned. Waiting times in microseconds. */
final class ResultTable {
    private static final String[] HEAD = {"harts", "workload", "policy", "kind", "req/s", "p50 us", "p99 us", "p99.9 us", "max us", "busy", "steals/s",
        "moves/s", "messages/s", "wake-ups/s", "fairness"};
    private static final int LEFT = 4; // columns of text, behind the first

    private ResultTable() {}

    static String text(List<Result> results) {
        var rows = new ArrayList<String[]>();
        rows.add(HEAD);
        for (Result r : results) {
            Scenario s = r.scenario();
            boolean first = true;
            for (Result.Waiting w : r.kinds()) {
                var row = new String[HEAD.length];
                String[] whole = {number(r.utilisation(), 3), rate(r.steals()), rate(r.migrations()), rate(r.messages()), rate(r.wakeUps()),
                    number(r.fairness(), 4)};
                String[] own = {"" + s.hartCount(), s.workload().label(), s.policy().label(), w.kind(), rate(w.throughput()), micros(w.p50()), micros(w.p99()),
                    micros(w.p999()), micros(w.max())};
                System.arraycopy(own, 0, row, 0, own.length);
                for (int i = 0; i < whole.length; i++) row[own.length + i] = first ? whole[i] : "";
                rows.add(row);
                first = false;
            }
        }
        var widths = new int[HEAD.length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) widths[i] = Math.max(widths[i], row[i].length());
        }
        var text = new StringBuilder();
        for (String[] row : rows) {
            var line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                String padding = " ".repeat(widths[i] - row[i].length());
                if (i > 0) line.append("  ");
                line.append(i > 0 && i < LEFT ? row[i] + padding : padding + row[i]);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    static String micros(long nanos) { return number(nanos * 1e-3, nanos < 100_000 ? 1 : 0); }

    static String rate(double perSecond) { return number(perSecond, 0); }

    private static String number(double value, int digits) { return String.format(Locale.ROOT, "%." + digits + "f", value); }
}
