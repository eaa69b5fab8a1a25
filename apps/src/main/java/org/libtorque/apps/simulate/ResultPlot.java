package org.libtorque.apps.simulate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.libtorque.apps.simulate.SimulateCommand.Figure;
import org.libtorque.sim.Policy;
import org.libtorque.sim.Result;

/**
 * Waiting times as a picture. One machine: a panel for each workload with a line for each policy, from the median over the 99th to the
 * 99.9th percentile, on a logarithmic scale that all panels share. Several machines: a figure over the number of harts, the 99th percentile or another.
 *
 * <p>No background, and greys that can be read on white and on black.
 */
final class ResultPlot {
    private static final String STYLE = """
            text{font-family:'DejaVu Sans','Liberation Sans',Helvetica,Arial,sans-serif;font-size:11px;fill:#7a7f85}
            .title{font-size:15px;font-weight:600}.panel{font-size:12px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
            .grid{stroke:#8a8f95;stroke-opacity:.25;stroke-width:1;fill:none}.range{stroke-width:2.5;stroke-linecap:round}
            .line{fill:none;stroke-width:2}.hollow{fill-opacity:0;stroke-width:2}
            @media (prefers-color-scheme:dark){text{fill:#a9afb5}}
            """;
    /** By policy; told apart also by the colour-blind (after Okabe and Ito). */
    private static final String[] COLOURS = {"#8a8f95", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#0072b2", "#009e73"};
    private static final double LEFT = 70, PANEL_WIDTH = 330, GAP = 96, ROW = 18, TOP = 64;
    private static final int COLUMNS = 2;

    private record Panel(String title, List<Result> results, int kind) {}

    private final StringBuilder out = new StringBuilder();
    private final Figure figure;
    /** The scale: logarithms of nanoseconds, or values from 0 on; and from line to line of the grid. */
    private double low, high, step;

    private ResultPlot(Figure figure) { this.figure = figure; }

    static String text(List<Result> results, Figure figure) { return new ResultPlot(figure).draw(results); }

    private static String colour(Policy policy) { return COLOURS[policy.ordinal() % COLOURS.length]; }

    private String draw(List<Result> results) {
        boolean scaling = results.stream().mapToInt(r -> r.scenario().hartCount()).distinct().count() > 1;
        List<Panel> panels = panels(results);
        scale(results, scaling);
        double panelHeight = scaling ? 200 : 46 + ROW * panels.stream().mapToInt(p -> p.results.size()).max().orElse(1);
        int rows = (panels.size() + COLUMNS - 1) / COLUMNS;
        double width = LEFT + Math.min(COLUMNS, panels.size()) * (PANEL_WIDTH + GAP) - GAP + 60, height = TOP + rows * panelHeight + 10;
        String title = scaling ? title() + " over the number of harts"
                : "Waiting time on " + results.getFirst().scenario().hartCount() + " harts: median \u25cb, 99th \u25cf and 99.9th percentile |";
        format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">%n", width, height, width, height);
        format("<title>%s</title>%n<style>%n%s</style>%n", title, STYLE);
        format("<text class=\"title\" x=\"12\" y=\"22\">%s</text>%n", title);
        legend(results);
        for (int i = 0; i < panels.size(); i++) {
            double x = LEFT + i % COLUMNS * (PANEL_WIDTH + GAP), y = TOP + i / COLUMNS * panelHeight;
            format("<g transform=\"translate(%.1f %.1f)\">%n", x, y);
            if (scaling) lines(panels.get(i), panelHeight - 60);
            else ranges(panels.get(i));
            out.append("</g>\n");
        }
        return out.append("</svg>\n").toString();
    }

    private String title() {
        return switch (figure) {
            case P99 -> "99th percentile of waiting";
            case THROUGHPUT -> "Requests per second and hart";
            case MOVES -> "Pieces of work taken, and connections moved, per 100 requests";
            case BUSY -> "Share of the harts' time that is spent";
        };
    }

    /** What is drawn if it is not waiting. */
    private double value(Result r) {
        return switch (figure) {
            case P99 -> throw new AssertionError();
            case THROUGHPUT -> r.throughput() / r.scenario().hartCount();
            case MOVES -> 100 * (r.steals() + r.migrations()) / r.throughput();
            case BUSY -> r.utilisation();
        };
    }

    private List<Panel> panels(List<Result> results) {
        Map<String, Panel> panels = new LinkedHashMap<>();
        for (Result r : results) {
            int kinds = figure == Figure.P99 ? r.kinds().size() : 1;
            for (int kind = 0; kind < kinds; kind++) {
                String title = r.scenario().workload().label() + (kinds > 1 ? ", " + r.kinds().get(kind).kind() : "");
                int k = kind;
                panels.computeIfAbsent(title, t -> new Panel(t, new ArrayList<>(), k)).results.add(r);
            }
        }
        return List.copyOf(panels.values());
    }

    private void scale(List<Result> results, boolean scaling) {
        if (figure != Figure.P99) {
            double most = results.stream().mapToDouble(this::value).max().orElse(0);
            step = Math.pow(10, Math.floor(Math.log10(Math.max(1e-6, most))));
            if (most / step < 2.5) step /= 4;
            else if (most / step < 5) step /= 2;
            high = Math.max(step, Math.ceil(most / step) * step);
            return;
        }
        step = 1;
        low = Double.MAX_VALUE;
        high = 0;
        for (Result r : results) {
            for (Result.Waiting w : r.kinds()) {
                low = Math.min(low, Math.log10(Math.max(1e3, scaling ? w.p99() : w.p50())));
                high = Math.max(high, Math.log10(Math.max(1e3, scaling ? w.p99() : w.p999())));
            }
        }
        low = Math.floor(low);
        high = Math.max(low + 1, Math.ceil(high));
    }

    private double at(long nanos, double length) { return (Math.log10(Math.max(1e3, nanos)) - low) / (high - low) * length; }

    private void legend(List<Result> results) {
        double x = 12;
        for (Policy policy : results.stream().map(r -> r.scenario().policy()).distinct().toList()) {
            format("<rect x=\"%.0f\" y=\"32\" width=\"10\" height=\"10\" rx=\"2\" fill=\"%s\"/><text x=\"%.0f\" y=\"41\">%s</text>%n", x, colour(policy), x + 14,
                    policy.label());
            x += 30 + 7 * policy.label().length();
        }
    }

    private void ranges(Panel panel) {
        double bottom = 14 + ROW * panel.results.size();
        format("<text class=\"panel\" x=\"0\" y=\"4\">%s</text>%n", panel.title);
        for (double decade = low; decade <= high; decade++) {
            double x = (decade - low) / (high - low) * PANEL_WIDTH;
            format("<path class=\"grid\" d=\"M%.1f 10V%.1f\"/><text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>%n", x, bottom, x, bottom + 13, decade(decade));
        }
        double y = 10 + ROW / 2;
        for (Result r : panel.results) {
            Result.Waiting w = r.kinds().get(panel.kind);
            String colour = colour(r.scenario().policy());
            double p50 = at(w.p50(), PANEL_WIDTH), p99 = at(w.p99(), PANEL_WIDTH), p999 = at(w.p999(), PANEL_WIDTH);
            format("<text class=\"end\" x=\"-8\" y=\"%.1f\">%s</text>%n", y + 4, r.scenario().policy().label());
            format("<path class=\"range\" stroke=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", colour, p50, y, p999);
            format("<circle class=\"hollow\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\" stroke=\"%s\"/>", p50, y, colour);
            format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"%s\"/>", p99, y, colour);
            format("<path class=\"range\" stroke=\"%s\" d=\"M%.1f %.1fv8\"/>", colour, p999, y - 4);
            format("<text x=\"%.1f\" y=\"%.1f\">%s</text>%n", p999 + 6, y + 4, time(w.p99()));
            y += ROW;
        }
    }

    private void lines(Panel panel, double height) {
        Map<Policy, List<Result>> byPolicy = new LinkedHashMap<>();
        double least = Double.MAX_VALUE, most = 0;
        for (Result r : panel.results) {
            byPolicy.computeIfAbsent(r.scenario().policy(), p -> new ArrayList<>()).add(r);
            least = Math.min(least, Math.log(r.scenario().hartCount()));
            most = Math.max(most, Math.log(r.scenario().hartCount()));
        }
        format("<text class=\"panel\" x=\"0\" y=\"4\">%s</text>%n", panel.title);
        for (int i = 0; low + i * step <= high * (1 + 1e-9); i++) {
            double line = low + i * step;
            double y = 14 + height - (line - low) / (high - low) * height;
            String label = figure == Figure.P99 ? decade(line) : plain(line);
            format("<path class=\"grid\" d=\"M0 %.1fH%.1f\"/><text class=\"end\" x=\"-6\" y=\"%.1f\">%s</text>%n", y, PANEL_WIDTH, y + 4, label);
        }
        for (int harts : panel.results.stream().mapToInt(r -> r.scenario().hartCount()).distinct().sorted().toArray()) {
            format("<text class=\"middle\" x=\"%.1f\" y=\"%.1f\">%d</text>%n", (Math.log(harts) - least) / (most - least) * PANEL_WIDTH, height + 30, harts);
        }
        for (var entry : byPolicy.entrySet()) {
            var path = new StringBuilder();
            for (Result r : entry.getValue()) {
                double x = (Math.log(r.scenario().hartCount()) - least) / (most - least) * PANEL_WIDTH;
                double y = 14 + height - (figure == Figure.P99 ? at(r.kinds().get(panel.kind).p99(), height) : value(r) / high * height);
                path.append(String.format(Locale.ROOT, "%s%.1f %.1f", path.isEmpty() ? "M" : "L", x, y));
                format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>", x, y, colour(entry.getKey()));
            }
            format("<path class=\"line\" stroke=\"%s\" d=\"%s\"/>%n", colour(entry.getKey()), path);
        }
    }

    private static String plain(double value) {
        return java.math.BigDecimal.valueOf(value).round(new java.math.MathContext(3)).stripTrailingZeros().toPlainString();
    }

    private static String decade(double log10) { return time(Math.round(Math.pow(10, log10))); }

    private static String time(long nanos) {
        if (nanos < 1_000_000) return number(nanos * 1e-3) + " \u00b5s";
        return nanos < 1_000_000_000 ? number(nanos * 1e-6) + " ms" : number(nanos * 1e-9) + " s";
    }

    private static String number(double value) { return String.format(Locale.ROOT, value < 10 && value != Math.rint(value) ? "%.1f" : "%.0f", value); }

    private void format(String pattern, Object... values) { out.append(String.format(Locale.ROOT, pattern, values)); }
}
