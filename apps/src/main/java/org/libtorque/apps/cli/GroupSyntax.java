package org.libtorque.apps.cli;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;

import picocli.CommandLine.TypeConversionException;

/**
 * The value of {@code --group}: {@code NAME key=value …}. Blanks separate, because a path may hold every other character that a list could be
 * separated by.
 */
final class GroupSyntax {
    /** Requests per second: one in each nanosecond. */
    static final long MAX_RATE = 1_000_000_000;
    private static final int MAX_CONNECTIONS = 1_000_000, MAX_PIPELINE = 100_000, MAX_VCORE = 65_535, MAX_NUMBERS = 1_000_000_000;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");

    private GroupSyntax() {}

    /**
     * Reads one group.
     *
     * @param target what its requests ask for unless it says otherwise
     */
    static LoadGroup parse(String text, String target) {
        var words = text.strip().split("\\s+");
        var name = words[0];
        if (!NAME.matcher(name).matches()) throw wrong(text, "begins with a name of letters, digits and any of . _ -");
        int connections = 1, pipeline = 1, numbers = 0;
        long rate = 0;
        List<Integer> vcores = List.of();
        var move = Duration.ZERO;
        var seen = new HashSet<String>();
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            var key = words[i].substring(0, Math.max(0, equals));
            var value = words[i].substring(equals + 1);
            if (!seen.add(key)) throw wrong(text, "says " + key + " twice");
            switch (key) {
                case "connections" -> connections = (int) number(text, key, value, 1, MAX_CONNECTIONS);
                case "pipeline" -> pipeline = (int) number(text, key, value, 1, MAX_PIPELINE);
                case "rate" -> rate = number(text, key, value, 1, MAX_RATE);
                case "path" -> target = target(text, value);
                case "numbers" -> numbers = (int) number(text, key, value, 1, MAX_NUMBERS);
                case "vcore" -> vcores = vcores(text, value);
                case "move" -> move = Parse.duration(value);
                default -> throw wrong(text, "has '" + words[i] + "', where there should be connections=, path=, numbers=, rate=, pipeline=, vcore= or move=");
            }
        }
        if (!move.isZero() && vcores.size() < 2) throw wrong(text, "moves, so it needs two vcores or more");
        if (!move.isZero() && rate > 0) throw wrong(text, "moves, so it has no rate");
        if (numbers > 0 && target.indexOf('*') < 0) throw wrong(text, "has numbers, so its path needs an asterisk that they replace");
        return new LoadGroup(name, connections, target, rate, pipeline, vcores, move, numbers);
    }

    private static long number(String text, String key, String value, long min, long max) {
        long number = value.matches("[0-9]{1,18}") ? Long.parseLong(value) : -1;
        if (number < min || number > max) throw wrong(text, "has " + key + "=" + value + ", which is no number within " + min + " to " + max);
        return number;
    }

    private static String target(String text, String value) {
        try {
            var url = new URI("http://host" + value);
            if (value.startsWith("/") && url.getRawFragment() == null) return LoadOptions.requestTarget(url);
        } catch (URISyntaxException e) {
            // said below
        }
        throw wrong(text, "has path=" + value + ", which is no path such as /work?us=5");
    }

    private static List<Integer> vcores(String text, String value) {
        var vcores = new ArrayList<Integer>();
        for (var part : value.split(",", -1)) {
            int vcore = (int) number(text, "vcore", part, 0, MAX_VCORE);
            if (vcores.contains(vcore)) throw wrong(text, "names vcore " + vcore + " twice");
            vcores.add(vcore);
        }
        return vcores;
    }

    private static TypeConversionException wrong(String text, String why) {
        return new TypeConversionException("'" + text + "' " + why);
    }
}
