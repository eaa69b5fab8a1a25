package org.libtorque.event;

import java.time.Duration;

/**
 * That a threshold was passed, and how things stand.
 *
 * @param trigger what was asked for
 * @param avg10   percent of the last 10 s in which tasks stalled
 * @param avg60   percent of the last minute
 * @param avg300  percent of the last 5 minutes
 * @param total   how long they have stalled altogether since the machine or the control group began
 */
public record Pressure(PressureTrigger trigger, double avg10, double avg60, double avg300, Duration total) {
    /**
     * Finds the line of a trigger in the text of its file.
     *
     * @throws IllegalArgumentException if there is none
     */
    static Pressure parse(PressureTrigger trigger, String text) {
        String kind = trigger.full() ? "full" : "some";
        for (String line : text.split("\n")) {
            String[] words = line.split(" ");
            if (!words[0].equals(kind) || words.length < 5) continue;
            return new Pressure(trigger, number(words[1], "avg10"), number(words[2], "avg60"), number(words[3], "avg300"), Duration.ofNanos(1_000 * (long) number(words[4], "total")));
        }
        throw new IllegalArgumentException("no line '" + kind + "' in '" + text + "'");
    }

    private static double number(String word, String name) {
        if (!word.startsWith(name + "=")) throw new IllegalArgumentException("'" + word + "' is not " + name);
        return Double.parseDouble(word.substring(name.length() + 1));
    }
}
