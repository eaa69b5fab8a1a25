package org.libtorque.apps.watch;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;

/** How a {@link Line} is written: for people, aligned and perhaps in colours; or for programs, as one JSON object. */
enum LineFormat {
    /** Time of day, then columns. */
    PLAIN,
    /** The same, in colours (ECMA-48). */
    COLOURED,
    /** An object with {@code time} (ISO 8601, UTC), {@code source}, {@code what}, {@code subject} and what else there is. */
    JSON;

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneId.systemDefault());
    private static final String ESCAPE = "\u001b[", END = "\u001b[0m", DIM = "2", BOLD = "1";

    String text(Line line, Instant time) {
        if (this == JSON) return json(line, time);
        var text = new StringBuilder();
        text.append(coloured(DIM, CLOCK.format(time)));
        text.append("  ").append("%-8s".formatted(line.source()));
        text.append("  ").append(coloured(moodOf(line), "%-10s".formatted(line.what())));
        text.append("  ").append(coloured(BOLD, printable(line.subject())));
        for (Map.Entry<String, Object> more : line.more().entrySet()) {
            if (more.getValue().equals(Boolean.FALSE)) continue;
            text.append("  ").append(coloured(DIM, more.getKey()));
            if (!more.getValue().equals(Boolean.TRUE)) text.append(coloured(DIM, "=")).append(printable(more.getValue().toString()));
        }
        return text.toString();
    }

    private static String json(Line line, Instant time) {
        var object = new JsonObject();
        object.addProperty("time", time.truncatedTo(ChronoUnit.MICROS).toString());
        object.addProperty("source", line.source());
        object.addProperty("what", line.what());
        object.addProperty("subject", line.subject());
        line.more().forEach((name, value) -> {
            switch (value) {
                case Number number -> object.addProperty(name, number);
                case Boolean yes -> object.addProperty(name, yes);
                default -> object.addProperty(name, value.toString());
            }
        });
        return GSON.toJson(object);
    }

    private String coloured(String code, String text) { return this == COLOURED ? ESCAPE + code + "m" + text + END : text; }

    private static String moodOf(Line line) {
        return switch (line.mood()) {
            case COMES -> "32";
            case GOES -> "31";
            case CHANGES -> "33";
        };
    }

    /** Names of files may hold anything, which a terminal would obey. */
    private static String printable(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                return text.codePoints().collect(StringBuilder::new, (b, c) -> b.append(Character.isISOControl(c) ? "\\x%02x".formatted(c) : Character.toString(c)), StringBuilder::append)
                        .toString();
            }
        }
        return text;
    }
}
