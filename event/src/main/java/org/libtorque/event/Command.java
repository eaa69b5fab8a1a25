package org.libtorque.event;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A program to be started. Immutable; each {@code with} method returns a changed copy.
 *
 * @param arguments   the program, looked for in the folders of PATH if it has no slash, and its arguments
 * @param directory   where it starts; null: where this process is
 * @param environment all of its environment; null: this process's
 * @param input       its standard input
 * @param output      its standard output
 * @param error       its standard error
 */
public record Command(List<String> arguments, Path directory, Map<String, String> environment, Stdio input, Stdio output, Stdio error) {
    /** What a standard descriptor of the child is. */
    public sealed interface Stdio {
        /** A pipe to or from this process; the default. */
        Stdio PIPE = new Pipe();
        /** This process's own. */
        Stdio INHERIT = new Inherit();
        /** Nothing to be read; what is written is thrown away. */
        Stdio NOTHING = new Nothing();
        /** For {@link #error}: the same as {@link #output}. */
        Stdio OUTPUT = new SameAsOutput();

        /** A file: read as input; created or emptied as output. */
        static Stdio file(Path path) { return new OfFile(path, false); }

        /** A file that output is appended to; created if there is none. */
        static Stdio appendTo(Path path) { return new OfFile(path, true); }
    }

    record Pipe() implements Stdio {}

    record Inherit() implements Stdio {}

    record Nothing() implements Stdio {}

    record SameAsOutput() implements Stdio {}

    record OfFile(Path path, boolean append) implements Stdio {}

    /** Checks and copies. */
    public Command {
        arguments = List.copyOf(arguments);
        if (arguments.isEmpty()) throw new IllegalArgumentException("a command needs a program");
        environment = environment == null ? null : Map.copyOf(environment);
        if (input == Stdio.OUTPUT || output == Stdio.OUTPUT) throw new IllegalArgumentException("only error output can be joined with output");
        if (input instanceof OfFile file && file.append) throw new IllegalArgumentException("input cannot be appended to " + file.path);
        if (input == null || output == null || error == null) throw new NullPointerException();
    }

    /** A program with its arguments, this process's directory and environment, and three pipes. */
    public static Command of(String... arguments) { return new Command(List.of(arguments), null, null, Stdio.PIPE, Stdio.PIPE, Stdio.PIPE); }

    /** Changes the directory. */
    public Command withDirectory(Path value) { return new Command(arguments, value, environment, input, output, error); }

    /** Changes the whole environment. */
    public Command withEnvironment(Map<String, String> value) { return new Command(arguments, directory, value, input, output, error); }

    /** Changes standard input. */
    public Command withInput(Stdio value) { return new Command(arguments, directory, environment, value, output, error); }

    /** Changes standard output. */
    public Command withOutput(Stdio value) { return new Command(arguments, directory, environment, input, value, error); }

    /** Changes standard error. */
    public Command withError(Stdio value) { return new Command(arguments, directory, environment, input, output, value); }

    List<String> environmentStrings() {
        List<String> strings = new ArrayList<>();
        (environment == null ? System.getenv() : environment).forEach((name, value) -> strings.add(name + "=" + value));
        return strings;
    }
}
