package org.libtorque.apps.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks that go beyond one value's syntax, reported like a syntax error of the named option. */
record Check(CommandSpec spec) {
    void range(String option, long value, long min, long max) {
        if (value >= min && value <= max) return;
        throw invalid(option, max == Integer.MAX_VALUE || max == Long.MAX_VALUE
                ? "%d is less than %d".formatted(value, min) : "%d is not within %d to %d".formatted(value, min, max));
    }

    /** To be thrown: the value of {@code option} is wrong because {@code why}. */
    ParameterException invalid(String option, String why) {
        return new ParameterException(spec.commandLine(), "invalid value for option '" + option + "': " + why);
    }
}
