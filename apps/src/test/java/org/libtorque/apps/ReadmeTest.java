package org.libtorque.apps;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.apps.cli.LoadOptions;
import org.libtorque.apps.cli.ServeOptions;
import org.libtorque.apps.cli.TorqueCommand;
import org.libtorque.testkit.Eventually;
import org.libtorque.testkit.TestProcess;

/** What README.md and doc/ show is so: programs compile and run, options and files exist. */
class ReadmeTest {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]*)(#[^)]*)?\\)");
    private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");

    @TempDir Path folder;

    @Test void everyJavaProgramCompilesWithoutWarningAsItStands() throws IOException {
        List<String> programs = blocks("java");
        assertTrue(programs.size() >= 3, "programs in README.md: " + programs.size());
        for (String program : programs) compile(program);
    }

    @Test void theEchoServerRunsAndEndsOnSigterm() throws Exception {
        String program = blocks("java").getFirst();
        assertEquals(15, program.lines().count(), "lines of the echo server");
        assertTrue(program.contains("InetSocketAddress(7777)"));
        Files.writeString(folder.resolve("Echo.java"), program.replace("InetSocketAddress(7777)", "InetSocketAddress(0)")); // 7777 may be in use here

        try (TestProcess server = TestProcess.start(new ProcessBuilder(documentedCommand("Echo.java")).directory(folder.toFile()))) {
            int port = Integer.parseInt(server.awaitLine("^echo on .*:(\\d+) with (epoll|io_uring)$", LIMIT).group(1));
            assertEquals("hello, world", echoed(port, "hello, world"));
            stop(server);
        }
    }

    @Test void theServerForLinesAnswersEachLineWithItsLength() throws Exception {
        String program = blocks("java").stream().filter(p -> p.contains("class Lines")).findFirst().orElseThrow();
        Files.writeString(folder.resolve("Lines.java"), program.replace("InetSocketAddress(7778)", "InetSocketAddress(" + freePort() + ")"));
        int port = Integer.parseInt(find("InetSocketAddress\\((\\d+)\\)", Files.readString(folder.resolve("Lines.java"))).group(1));

        try (TestProcess server = TestProcess.start(new ProcessBuilder(documentedCommand("Lines.java")).directory(folder.toFile()))) {
            server.awaitLine("^ready$", LIMIT);
            try (Socket socket = connect(port)) {
                int lines = 50_000; // far more answers than the high watermark lets pile up
                Thread writer = Thread.ofVirtual().start(() -> send(socket, "one\nthree\n".repeat(lines / 2)));
                byte[] answers = socket.getInputStream().readNBytes(lines * "3 characters\n".length());
                writer.join();
                assertEquals("3 characters\n5 characters\n".repeat(lines / 2), new String(answers, StandardCharsets.US_ASCII));
                send(socket, "quit\n");
                assertEquals(-1, socket.getInputStream().read());
            }
            stop(server);
        }
    }

    @Test void everyServeCommandIsAccepted() throws IOException {
        List<String> commands = commands("./torque serve ");
        assertFalse(commands.isEmpty());
        for (String command : commands) {
            List<String> arguments = arguments(command);
            int root = arguments.indexOf("--root");
            if (root >= 0) arguments.set(root + 1, folder.toString());
            ServeOptions.parse(arguments.toArray(String[]::new));
        }
    }

    @Test void everyLoadCommandIsAccepted() throws IOException {
        List<String> commands = commands("./torque load ");
        assertFalse(commands.isEmpty());
        for (String command : commands) LoadOptions.parse(arguments(command).toArray(String[]::new));
    }

    @Test void theOptionTableOfKwebIsComplete() throws IOException {
        Set<String> documented = new TreeSet<>();
        Files.readAllLines(HOME.resolve("doc/kweb.md")).stream().filter(line -> line.startsWith("| `--"))
                .forEach(line -> documented.add(find("(--[a-z-]+)", line).group(1)));
        Set<String> real = OPTION.matcher(helpOf("serve")).results().map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
        real.remove("--help");
        assertEquals(real, documented);
    }

    @Test void everyFileAndHeadingThatIsLinkedToExists() throws IOException {
        List<String> missing = new ArrayList<>();
        int headings = 0;
        for (Path page : pages()) {
            for (Matcher link = LINK.matcher(Files.readString(page)); link.find(); ) {
                Path target = link.group(1).isEmpty() ? page : page.resolveSibling(link.group(1));
                boolean found = Files.exists(target);
                if (found && link.group(2) != null) {
                    headings++;
                    found = headings(target).contains(link.group(2).substring(1));
                }
                if (!found) missing.add(HOME.relativize(page) + ": " + link.group());
            }
        }
        assertEquals(List.of(), missing);
        assertTrue(headings > 10, "links to headings: " + headings);
    }

    /** What the notes show is in terms of things that the reader has, here given names. */
    @Test void everyPieceOfJavaInTheNotesCompiles() throws IOException {
        StringBuilder program = new StringBuilder("""
                import java.net.*; import java.nio.file.*; import java.time.*; import java.util.*;
                import org.libtorque.*; import org.libtorque.event.*; import org.libtorque.thread.*; import org.libtorque.vcore.Color;
                abstract class Notes {
                    static final byte[] NO_SUCH_FILE = new byte[0];
                    interface Table { void grow(); int lookUp(Object key); }
                    Torque torque; Color color, color2; Path path; Connection connection; FileRoot root; Thread thread; Table table; Object key;
                    abstract void refresh(); abstract void giveUp(); abstract void tick(); abstract void celebrate(); abstract void poll();
                    abstract byte[] compute(Object what); abstract void serve(TorqueSocket socket);
                """);
        int pieces = 0;
        for (String page : List.of("balance", "blocking", "events", "files", "threads", "timers")) {
            String text = Files.readString(HOME.resolve("doc/" + page + ".md"));
            for (Matcher piece = Pattern.compile("(?m)^```java\\n((?s:.*?))^```$|((?:^    .*\\n(?:\\n(?=    ))?)+)").matcher(text); piece.find(); ) {
                String code = piece.group(1) != null ? piece.group(1) : piece.group(2);
                if (!code.contains(";")) continue; // a command, or a picture
                code = code.replace("(...)", "(() -> {})").replace("...", "").replace("…", "{}");
                program.append("void piece").append(++pieces).append(page.equals("balance") ? "(String path)" : "()").append(" throws Exception {\n").append(code).append("}\n");
            }
        }
        assertTrue(pieces >= 9, "pieces of Java: " + pieces);
        compile(program.append("}\n").toString().replaceFirst("(?m)^abstract class Notes", "@SuppressWarnings(\"all\")\nabstract class Notes"));
    }

    @Test void everyOptionOfACommandThatIsShownExists() throws IOException {
        Map<String, String> helps = new HashMap<>();
        int shown = 0;
        for (Path page : pages()) {
            for (String line : Files.readAllLines(page)) {
                Matcher command = Pattern.compile("^ *\\./torque (serve|load|topology|simulate|watch) ([^#]*)").matcher(line);
                if (!command.find()) continue;
                shown++;
                if (!helps.containsKey(command.group(1))) helps.put(command.group(1), helpOf(command.group(1)));
                for (Matcher option = OPTION.matcher(command.group(2)); option.find(); ) {
                    assertTrue(helps.get(command.group(1)).matches("(?s).*" + option.group() + "\\b(?!-).*"), HOME.relativize(page) + ": " + line);
                }
            }
        }
        assertTrue(shown > 25, "commands: " + shown);
    }

    private static List<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(HOME.resolve("README.md"), HOME.resolve("CONTRIBUTING.md"), HOME.resolve("stress/README.md")));
        for (String folder : List.of("doc", "bench/results")) {
            try (Stream<Path> notes = Files.list(HOME.resolve(folder))) {
                notes.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
            }
        }
        return pages;
    }

    /** Returns the names that headings of a page have in links. */
    private static Set<String> headings(Path page) throws IOException {
        return Pattern.compile("(?m)^#+ (.*)$").matcher(Files.readString(page)).results()
                .map(heading -> heading.group(1).strip().toLowerCase(Locale.ROOT).replaceAll("[^\\w\\- ]", "").replace(' ', '-')).collect(Collectors.toSet());
    }

    @Test void theMavenDependencyNamesThisVersion() throws IOException {
        String version = find("<artifactId>libtorque</artifactId>\\s*<version>([^<]+)<", Files.readString(HOME.resolve("pom.xml"))).group(1);
        assertEquals(version, find("<version>([^<]+)<", blocks("xml").getFirst()).group(1));
    }

    // ---- programs

    private void compile(String program) throws IOException {
        Matcher named = Pattern.compile("(?m)^(?:public |abstract )?class (\\w+)").matcher(program);
        boolean isModule = program.startsWith("module ");
        String name = isModule ? "module-info" : named.find() ? named.group(1) : "Program";
        Path sources = Files.createTempDirectory(folder, "program");
        Path source = Files.writeString(sources.resolve(name + ".java"), program);
        var said = new StringWriter();
        var to = new PrintWriter(said);
        int status = ToolProvider.findFirst("javac").orElseThrow().run(to, to, "--release", "25", "-Xlint:all", "-Werror", "-d", sources.toString(),
                isModule ? "--module-path" : "--class-path", libraries(), source.toString());
        assertEquals(0, status, () -> "javac said of\n" + program + "\n" + said);
    }

    /** The command that README.md gives for running a source file, with this build's classes in place of the jar made of them. */
    private static List<String> documentedCommand(String file) throws IOException {
        List<String> words = new ArrayList<>(List.of(commands("$(./torque java-home)/bin/java ").getFirst().strip().split("\\s+(?![^(]*\\))")));
        assertEquals("$(./torque java-home)/bin/java", words.set(0, TestProcess.java()));
        assertEquals("apps/target/torque.jar", words.set(words.indexOf("-cp") + 1, libraries()));
        assertEquals("Echo.java", words.set(words.size() - 1, file));
        return words;
    }

    /** All that this test runs with, on the module path or the class path. */
    private static String libraries() {
        return Stream.of("jdk.module.path", "java.class.path").map(System::getProperty).filter(path -> path != null && !path.isEmpty())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Sends SIGTERM to a program that has said it is ready, and expects it to drain and end well. */
    private static void stop(TestProcess server) {
        server.signal("TERM");
        assertEquals(0, server.awaitExit(LIMIT), server::toString);
    }

    // ---- talking to them

    private static String echoed(int port, String text) throws IOException {
        try (Socket socket = connect(port)) {
            send(socket, text);
            return new String(socket.getInputStream().readNBytes(text.length()), StandardCharsets.US_ASCII);
        }
    }

    private static Socket connect(int port) throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout((int) Eventually.scaled(LIMIT).toMillis());
        return socket;
    }

    private static void send(Socket socket, String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            fail(e);
        }
    }

    private static int freePort() throws IOException {
        try (var probe = new java.net.ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    // ---- reading the pages

    /** Returns the contents of the fenced blocks of a language. */
    private static List<String> blocks(String language) throws IOException {
        return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$").matcher(Files.readString(HOME.resolve("README.md"))).results()
                .map(block -> block.group(1)).toList();
    }

    /** Returns the lines of all shell blocks that begin so, without comments. */
    private static List<String> commands(String beginning) throws IOException {
        return blocks("sh").stream().flatMap(String::lines).filter(line -> line.startsWith(beginning))
                .map(line -> line.replaceFirst("\\s+#.*", "")).toList();
    }

    /** Returns what follows the command's name. */
    private static List<String> arguments(String command) {
        // A word in quotes may hold blanks, and loses the quotes.
        List<String> words = Pattern.compile("'([^']*)'|\\S+").matcher(command).results()
                .map(word -> word.group(1) != null ? word.group(1) : word.group()).toList();
        return new ArrayList<>(words.subList(2, words.size()));
    }

    private static Matcher find(String regex, String text) {
        Matcher matcher = Pattern.compile(regex).matcher(text);
        assertTrue(matcher.find(), () -> regex + " in " + text);
        return matcher;
    }

    private static String helpOf(String command) {
        var said = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, TorqueCommand.run("help", command));
        } finally {
            System.setOut(before);
        }
        return said.toString(StandardCharsets.UTF_8);
    }
}
