package org.libtorque.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.Function;

/** How figures and tables of the reports are written. What was not measured (NaN) is a dash everywhere. */
final class Markdown {
    static final String NONE = "–";

    private Markdown() {}

    // ---- figures

    /** Whole numbers with separators. */
    static String count(double number) { return formatted("%,.0f", number); }

    /** Three significant digits: 0.0812, 3.52, 50.5, 1,234. */
    static String significant(double number) {
        if (Double.isNaN(number)) return NONE;
        double size = Math.abs(number);
        int decimals = size == 0 || size >= 100 ? 0 : Math.min(4, 2 - (int) Math.floor(Math.log10(size)));
        return String.format(Locale.ROOT, "%,." + decimals + "f", number);
    }

    /** Two decimals. */
    static String ratio(double number) { return formatted("%.2f", number); }

    static String percent(double share) { return formatted("%.0f %%", share * 100); }

    /** As it is, without decimals if it is a whole number. */
    static String plain(double number) { return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number); }

    static String formatted(String format, double number) { return Double.isNaN(number) ? NONE : String.format(Locale.ROOT, format, number); }

    /** Median and range of ratios, in one of the forms above. */
    static String withRange(Statistics ratios, DoubleFunction<String> form) {
        return ratios.count() == 0 ? NONE : "**" + form.apply(ratios.median()) + "** (" + form.apply(ratios.min()) + "–" + form.apply(ratios.max()) + ")";
    }

    // ---- tables

    /** The heading of a table: names of columns, the first so many of text, the others of numbers. */
    static String head(int textColumns, List<String> names) {
        return row(names) + "|" + " :-- |".repeat(textColumns) + " --: |".repeat(names.size() - textColumns) + "\n";
    }

    /** The same, of one column of text. */
    static String head(String first, List<String> numbers) { return head(1, with(first, numbers)); }

    static String row(List<String> cells) { return "| " + String.join(" | ", cells) + " |\n"; }

    static String row(String first, List<String> others) { return row(with(first, others)); }

    private static List<String> with(String first, List<String> others) {
        var all = new ArrayList<>(List.of(first));
        all.addAll(others);
        return all;
    }

    /** A row, of a table of so many columns, about one who was not measured. */
    static String absentRow(String name, String why, int columns) {
        return row(List.of(name, why.replace("|", "\\|"))).stripTrailing() + " |".repeat(columns - 2) + "\n";
    }

    /** The heading of a table of the rounds one by one. */
    static String roundsHead(List<String> names, int rounds) {
        var all = new ArrayList<>(names);
        for (int round = 1; round <= rounds; round++) all.add("round " + round);
        return head(names.size(), all);
    }

    /** A row of a table of the rounds one by one: names, then for each round what is to be said of its measurement. */
    static <T extends InRound> String roundsRow(List<String> names, int rounds, List<T> measurements, Function<T, String> cell) {
        var cells = new ArrayList<>(names);
        cells.addAll(Collections.nCopies(rounds, NONE));
        for (T m : measurements.reversed()) cells.set(names.size() + m.round() - 1, cell.apply(m)); // of several in a round, the first
        return row(cells);
    }

    /** A line of a list: what it is, and its value. */
    static String item(String name, String value) { return "- " + name + ": " + value + "\n"; }
}
