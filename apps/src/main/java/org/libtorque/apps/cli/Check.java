package org.libtorque.apps.cli;

import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Checks that go beyond one value's syntax, reported like a syntax error of the named option.
 *
 * @param spec of the command whose options they are
 */
public record Check(CommandSpec spec) {
    void range(String option, long value, long min, long max) {
        if (value >= min && value <= max) return;
        throw invalid(option, max == Integer.MAX_VALUE || max == Long.MAX_VALUE
                ? "%d is less than %d".formatted(value, min) : "%d is not within %d to %d".formatted(value, min, max));
    }

    /**
     * An empty name would be the current directory: it comes from a variable that is not set.
     *
     * @param option which one, as it is written
     * @param name   its value; null if it was not given
     * @throws ParameterException if it is empty
     */
    public void named(String option, Path name) {
        if (name != null && name.toString().isEmpty()) throw invalid(option, "the name is empty; '.' is the current directory");
    }

    /**
     * Returns what is to be thrown: the value of an option is wrong.
     *
     * @param option which one, as it is written
     * @param why    what is wrong with it
     */
    public ParameterException invalid(String option, String why) {
        return new ParameterException(spec.commandLine(), "invalid value for option '" + option + "': " + why);
    }
}
