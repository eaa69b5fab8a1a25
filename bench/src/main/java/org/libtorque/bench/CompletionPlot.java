package org.libtorque.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How many threads had ended by when, one curve for each variant, as SVG: figure 2.8 of the thesis. */
final class CompletionPlot {
    private static final int WIDTH = 720, HEIGHT = 400, LEFT = 60, TOP = 40, RIGHT = 190, BOTTOM = 50;
    private static final List<String> COLOURS = List.of("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf");

    private CompletionPlot() {}

    /**
     * Returns the picture.
     *
     * @param curves by variant, in order, the milliseconds after which threads had ended, ascending; all of the same number of threads
     */
    static String svg(String title, Map<String, double[]> curves) {
        double longest = 0;
        int threads = 1;
        for (double[] ends : curves.values()) {
            longest = Math.max(longest, ends[ends.length - 1]);
            threads = Math.max(threads, ends.length);
        }
        double step = niceStep(longest / 1e3);
        double last = Math.ceil(longest / 1e3 / step) * step * 1e3;
        int width = WIDTH - LEFT - RIGHT;
        int height = HEIGHT - TOP - BOTTOM;
        var out = new StringBuilder(String.format(Locale.ROOT, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">%n"
                + "<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.curve{fill:none;stroke-width:1.5}</style>%n"
                + "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>%n<text x=\"%d\" y=\"22\" font-weight=\"bold\">%s</text>%n", WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, title));
        for (double s = 0; s <= last / 1e3 + step / 2; s += step) {
            double x = LEFT + s * 1e3 / last * width;
            out.append(String.format(Locale.ROOT, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n", x, TOP, TOP + height, x,
                    TOP + height + 18, Markdown.plain(Math.round(s * 1000) / 1000.0)));
        }
        for (int quarter = 0; quarter <= 4; quarter++) {
            int y = TOP + height - quarter * height / 4;
            out.append(String.format(Locale.ROOT, "<path class=\"grid\" d=\"M%d %dH%d\"/><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>%n", LEFT, y, LEFT + width, LEFT - 6, y + 4,
                    quarter * threads / 4));
        }
        out.append(String.format(Locale.ROOT, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">seconds</text>%n", LEFT + width / 2, HEIGHT - 10));
        int i = 0;
        for (Map.Entry<String, double[]> curve : curves.entrySet()) {
            String colour = COLOURS.get(i % COLOURS.size());
            out.append(String.format(Locale.ROOT, "<path class=\"curve\" stroke=\"%s\" d=\"M%d %d", colour, LEFT, TOP + height));
            double[] ends = curve.getValue();
            for (int n = 0; n < ends.length; n++) {
                out.append(String.format(Locale.ROOT, "H%.1fV%.1f", LEFT + ends[n] / last * width, TOP + height - (n + 1.0) / threads * height));
            }
            int y = TOP + 14 + 18 * i++;
            out.append(String.format(Locale.ROOT, "\"/>%n<path class=\"curve\" stroke=\"%s\" d=\"M%d %dh18\"/><text x=\"%d\" y=\"%d\">%s</text>%n", colour, WIDTH - RIGHT + 12, y - 4,
                    WIDTH - RIGHT + 36, y, curve.getKey()));
        }
        return out.append("</svg>\n").toString();
    }

    /** Returns 1, 2 or 5 times a power of ten, so that there are up to ten steps. */
    static double niceStep(double range) {
        double power = Math.pow(10, Math.floor(Math.log10(Math.max(range, 1e-3) / 10)));
        for (int factor : new int[] {1, 2, 5, 10}) if (range / (factor * power) <= 10) return factor * power;
        return 10 * power;
    }
}
