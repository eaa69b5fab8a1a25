package org.libtorque.apps.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.libtorque.testkit.Eventually;

/**
 * The {@code torque} script, run in a small checkout of its own with a PATH that has no Java and no Maven but those the test
 * puts there: scripts that write down how they were called.
 */
class LauncherTest {
    /** What the script and the stand-ins call. */
    private static final List<String> TOOLS = List.of("bash", "env", "awk", "cat", "cp", "find", "flock", "mkdir", "mv",
            "readlink", "rm", "sed", "sleep", "tee", "touch");

    private static final String JAVA = """
            #!/usr/bin/env bash
            if [[ $* == *-XX:AOTCacheOutput=* ]]; then
                printf '%s\\n' "$*" >> "$CALLS/training"
                cache=$*
                cache=${cache#*-XX:AOTCacheOutput=}
                sleep 0.05 # a file system's clock ticks
                [[ ${TRAINING_EXIT:-0} == 0 ]] && echo cache > "${cache% -cp *}"
                exit "${TRAINING_EXIT:-0}"
            fi
            printf '%s\\n' "$*" >> "$CALLS/java"
            awk '/^SigBlk/ { print $2 }' /proc/self/status >> "$CALLS/blocked"
            printf '%s\\n' "${_JAVA_SR_SIGNUM:-}" >> "$CALLS/suspend"
            [[ $* == *await-signal* ]] && exec sleep 30
            exit ${JAVA_EXIT:-0}
            """;

    /** Prints what Maven would, and makes what the named module's build would make. */
    private static final String MAVEN = """
            #!/usr/bin/env bash
            printf '%s\\n' "JAVA_HOME=$JAVA_HOME $*" >> "$CALLS/mvn"
            while (($#)); do
                case $1 in --file) root=${2%/pom.xml} ;; --projects) module=$2 ;; esac
                shift
            done
            echo '[INFO] Building libtorque sys 0.1.0-SNAPSHOT            [1/2]'
            echo '[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.1 s -- in org.libtorque.sys.ATest'
            echo '[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1'
            echo '[INFO] Building libtorque apps 0.1.0-SNAPSHOT           [2/2]'
            if [[ ${MVN_EXIT:-0} != 0 ]]; then
                echo '[ERROR] Main.java:[3,5] cannot find symbol'
                echo '  symbol: variable nonsense'
                echo '[ERROR] -> [Help 1]'
                echo '[ERROR] Re-run Maven using the -X switch to enable full debug logging.'
                exit "$MVN_EXIT"
            fi
            echo '[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0'
            while [[ -n ${MVN_UNTIL:-} && ! -e $MVN_UNTIL ]]; do sleep 0.05; done
            mkdir -p "$root/apps/target" "$root/stress/target" "$root/bench/target/classes"
            case ${module:-apps} in
                apps | bench) echo jar > "$root/apps/target/torque.jar" ;;
                stress) echo jar > "$root/stress/target/jcstress.jar" ;;
            esac
            """;

    private record Result(int code, String out, String err) {}

    @TempDir private Path dir;
    private Path checkout;
    private Path bin;
    private Path calls;

    @BeforeEach
    void makeACheckout() throws IOException {
        checkout = Files.createDirectory(dir.resolve("check out"));
        bin = Files.createDirectory(dir.resolve("bin"));
        calls = Files.createDirectory(dir.resolve("calls"));
        for (var tool : TOOLS) Files.createSymbolicLink(bin.resolve(tool), which(tool));
        Files.copy(Path.of("..", "torque"), checkout.resolve("torque"));
        Files.setPosixFilePermissions(checkout.resolve("torque"), PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(checkout.resolve("pom.xml"), "<project/>");
        for (var module : List.of("sys", "apps", "stress", "bench")) {
            write(module + "/pom.xml", "<project/>");
            write(module + "/src/main/java/org/libtorque/A.java", "class A {}");
        }
        write("bench/src/main/java/org/libtorque/bench/HttpBench.java", "/**\n * {@code torque bench http}: web servers side by side.\n * More.\n */\nclass HttpBench {}");
        jdk("jdks/25", "25.0.1", true);
        script(bin.resolve("mvn"), MAVEN);
    }

    /** JUnit would delete the links too, but with a warning for each. */
    @AfterEach
    void unlinkTheTools() throws IOException {
        for (var tool : TOOLS) Files.delete(bin.resolve(tool));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "               | torque: no command given (see 'torque help')",
        "nope           | torque: unknown command 'nope' (see 'torque help')",
        "--nope         | torque: unknown option '--nope' (see 'torque help')",
        "help nope      | torque help: unknown command 'nope' (see 'torque help')",
        "java-home x    | torque java-home: unexpected argument 'x' (see 'torque help')",
        "--version x    | torque --version: unexpected argument 'x' (see 'torque help')",
        "help a b       | torque help: unexpected argument 'b' (see 'torque help')",
        "bench nope     | torque bench: unknown benchmark 'nope' (see 'torque bench')",
        "fuzz soon      | torque fuzz: 'soon' is not a number of minutes (see 'torque help fuzz')",
        "fuzz 1 a b     | torque fuzz: unexpected argument 'b' (see 'torque help fuzz')",
    })
    void wrongArgumentsGiveOneLineAndExitCode2WithoutBuilding(String args, String expected) throws Exception {
        var result = torque(args == null ? new String[0] : args.strip().split(" "));
        assertEquals(new Result(2, "", expected + "\n"), result);
        assertEquals(List.of(), calls("mvn"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"help", "--help", "-h", "help test", "help bench", "help stress", "help fuzz", "test --help", "bench"})
    void helpNeedsNeitherJavaNorABuild(String args) throws Exception {
        Files.delete(bin.resolve("mvn"));
        var result = run(checkout, Map.of("TORQUE_JVM_DIRS", dir + "/none"), "./torque", args.split(" "));
        assertEquals(0, result.code, result.err);
        assertTrue(result.out.startsWith(args.equals("bench") ? "Benchmarks" : "Usage: ./torque "), result.out);
    }

    @Test
    void helpNamesEveryCommandOfTheJar() throws Exception {
        var help = torque("help").out;
        for (var command : TorqueCommand.commandLine().getSubcommands().keySet()) {
            assertTrue(help.contains("\n  " + command + " "), command);
        }
    }

    @Test
    void benchListsBenchmarksWithWhatTheyShow() throws Exception {
        assertTrue(torque("bench").out.contains("  http         web servers side by side.\n"));
    }

    @Test
    void withoutAJdkItSaysWhatToInstall() throws Exception {
        var result = run(checkout, Map.of("TORQUE_JVM_DIRS", dir + "/none"), "./torque", "serve");
        assertEquals(1, result.code);
        assertTrue(result.err.startsWith("torque: no JDK 25 or newer found"), result.err);
        for (var advice : List.of("apt install openjdk-25-jdk", "temurin-25-jdk", "dnf install", "sdk install java 25")) {
            assertTrue(result.err.contains(advice), advice);
        }
    }

    @Test
    void javaHomeNamesTheJdkThatBuildsUse() throws Exception {
        assertEquals(new Result(0, dir.resolve("jdks/25") + "\n", ""), torque("java-home"));
        assertEquals(1, run(checkout, Map.of("TORQUE_JVM_DIRS", dir + "/none"), "./torque", "java-home").code);
    }

    @Test
    void anOldJavaHomeIsNamedWhenNothingElseIsFound() throws Exception {
        var old = jdk("old/17", "17.0.15", true);
        var result = run(checkout, Map.of("TORQUE_JVM_DIRS", dir + "/none", "JAVA_HOME", old.toString()), "./torque", "serve");
        assertEquals(1, result.code);
        assertTrue(result.err.contains("JAVA_HOME=" + old + " is Java 17."), result.err);
    }

    @Test
    void anOldJavaHomeIsPassedOverForASuitableJdk() throws Exception {
        var old = jdk("old/17", "17.0.15", true);
        assertEquals(0, run(checkout, Map.of("JAVA_HOME", old.toString()), "./torque", "serve").code);
        assertTrue(calls("mvn").getFirst().startsWith("JAVA_HOME=" + dir.resolve("jdks/25") + " "), calls("mvn").toString());
    }

    @Test
    void aSuitableJavaHomeWins() throws Exception {
        var mine = jdk("mine/26", "26", true);
        assertEquals(0, run(checkout, Map.of("JAVA_HOME", mine.toString()), "./torque", "serve").code);
        assertTrue(calls("mvn").getFirst().startsWith("JAVA_HOME=" + mine + " "), calls("mvn").toString());
    }

    @Test
    void theOldestSuitableJdkIsTaken() throws Exception {
        jdk("jdks/a26", "26.0.1", true);
        jdk("jdks/b21", "21.0.2", true);
        jdk("jdks/c8", "1.8.0_400", true);
        assertEquals(0, torque("serve").code);
        assertTrue(calls("mvn").getFirst().startsWith("JAVA_HOME=" + dir.resolve("jdks/25") + " "), calls("mvn").toString());
    }

    @Test
    void theJavaOnPathIsFoundLast() throws Exception {
        var jdk = jdk("elsewhere/25", "25.0.1", true);
        Files.createSymbolicLink(bin.resolve("java"), jdk.resolve("bin/java"));
        assertEquals(0, run(checkout, Map.of("TORQUE_JVM_DIRS", dir + "/none"), "./torque", "serve").code);
        assertTrue(calls("mvn").getFirst().startsWith("JAVA_HOME=" + jdk + " "), calls("mvn").toString());
    }

    @Test
    void aRuntimeWithoutCompilerRunsWhatIsBuiltButCannotBuild() throws Exception {
        var env = Map.of("TORQUE_JVM_DIRS", dir + "/none", "JAVA_HOME", jdk("jre/25", "25.0.1", false).toString());
        var result = run(checkout, env, "./torque", "serve");
        assertEquals(1, result.code);
        assertTrue(result.err.contains("has no javac."), result.err);
        assertEquals(0, torque("serve").code);
        assertEquals(0, run(checkout, env, "./torque", "serve").code);
    }

    @Test
    void withoutMavenItSaysWhatToInstall() throws Exception {
        Files.delete(bin.resolve("mvn"));
        var result = torque("serve");
        assertEquals(1, result.code);
        assertTrue(result.err.contains("Maven is needed to build") && result.err.contains("apt install maven"), result.err);
    }

    @Test
    void itBuildsWhatIsMissingAndSaysSoOnStandardError() throws Exception {
        var result = torque("serve", "--port", "0");
        assertEquals(0, result.code);
        assertEquals("", result.out);
        assertTrue(result.err.contains("torque: building apps ("), result.err);
        assertTrue(result.err.contains("torque:   [1/2] sys\ntorque:   [2/2] apps\ntorque: built\n"), result.err);
        assertTrue(calls("mvn").getFirst().contains(" --projects apps --also-make package -Dmaven.test.skip=true"), calls("mvn").toString());
        assertTrue(calls("java").getFirst().endsWith(" -jar " + checkout.toRealPath() + "/apps/target/torque.jar serve --port 0"), calls("java").toString());
    }

    @Test
    void whatIsFreshIsNotBuiltAgain() throws Exception {
        torque("serve");
        assertEquals(new Result(0, "", ""), torque("load", "x"));
        assertEquals(1, calls("mvn").size());
        assertEquals(2, calls("java").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"pom.xml", "sys/pom.xml", "apps/src/main/java/org/libtorque/A.java", "apps/src/main/resources/new.txt"})
    void aNewerSourceMakesItStale(String file) throws Exception {
        torque("serve");
        write(file, "changed");
        inTheFuture(checkout.resolve(file));
        torque("serve");
        assertEquals(2, calls("mvn").size());
    }

    @Test
    void aDeletedSourceMakesItStale() throws Exception {
        torque("serve");
        Files.delete(checkout.resolve("sys/src/main/java/org/libtorque/A.java"));
        torque("serve");
        assertEquals(2, calls("mvn").size());
    }

    @Test
    void aJarThatSomethingElseWroteIsStale() throws Exception {
        torque("serve");
        inTheFuture(checkout.resolve("apps/target/torque.jar"));
        torque("serve");
        assertEquals(2, calls("mvn").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"apps/src/test/java/ATest.java", "bench/src/main/java/org/libtorque/A.java", "stress/pom.xml", "notes.txt"})
    void whatTheJarIsNotMadeFromDoesNotMatter(String file) throws Exception {
        torque("serve");
        write(file, "changed");
        inTheFuture(checkout.resolve(file));
        torque("serve");
        assertEquals(1, calls("mvn").size());
    }

    @Test
    void aRebuildLeavesTheOpenJarToTheJvmThatHasIt() throws Exception {
        torque("serve");
        var jar = checkout.resolve("apps/target/torque.jar");
        try (var open = Files.newInputStream(jar)) {
            Files.writeString(jar, "first build");
            assertNotEquals(0, run(checkout, Map.of("MVN_EXIT", "1"), "./torque", "serve").code);
            torque("serve");
            assertEquals("jar\n", Files.readString(jar));
            assertEquals("first build", new String(open.readAllBytes(), UTF_8));
        }
    }

    @Test
    void aFailedBuildShowsTheErrorsAndNothingIsRun() throws Exception {
        var result = run(checkout, Map.of("MVN_EXIT", "1"), "./torque", "serve");
        assertEquals(1, result.code);
        assertTrue(result.err.contains("[ERROR] Main.java:[3,5] cannot find symbol\n  symbol: variable nonsense\n"), result.err);
        assertFalse(result.err.contains("Re-run Maven"), result.err);
        assertTrue(result.err.contains("torque: the build failed, the whole log is in " + checkout.toRealPath() + "/target/torque-build.log"), result.err);
        assertEquals(List.of(), calls("java"));
        assertEquals(0, torque("serve").code);
    }

    @Test
    void concurrentInvocationsBuildOnce() throws Exception {
        var go = dir.resolve("go");
        var running = new ArrayList<Process>();
        for (int i = 0; i < 4; i++) running.add(start(checkout, Map.of("MVN_UNTIL", go.toString()), "./torque", "serve"));
        var said = new String[] {"", "", "", ""};
        Eventually.await(() -> "three wait: " + List.of(said), Eventually.DEFAULT_LIMIT, () -> {
            for (int i = 0; i < 4; i++) said[i] += available(running.get(i).getErrorStream());
            return Stream.of(said).filter(text -> text.contains("another build of this checkout is running")).count() == 3;
        });
        Files.createFile(go);
        for (var process : running) {
            var result = result(process);
            assertEquals(0, result.code, result.err);
        }
        assertEquals(1, calls("mvn").size());
        assertEquals(4, calls("java").size());
    }

    private static String available(InputStream in) {
        try {
            return new String(in.readNBytes(in.available()), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void itWorksThroughASymbolicLinkFromAnotherDirectory() throws Exception {
        var elsewhere = Files.createDirectory(dir.resolve("elsewhere"));
        Files.createSymbolicLink(elsewhere.resolve("tq"), checkout.resolve("torque"));
        assertEquals(0, run(elsewhere, Map.of(), "./tq", "serve").code);
        assertEquals(0, run(dir, Map.of(), checkout.resolve("torque").toString(), "serve").code);
        assertEquals(1, calls("mvn").size());
        for (var call : calls("java")) assertTrue(call.contains(checkout.toRealPath() + "/apps/target/torque.jar"), call);
    }

    @Test
    void theExitCodeAndTheOptionsOfTheJvmArePassed() throws Exception {
        var result = run(checkout, Map.of("JAVA_EXIT", "42", "TORQUE_JAVA_OPTS", "-Xmx64m  -Da=b"), "./torque", "load", "two words");
        assertEquals(42, result.code);
        assertTrue(calls("java").getFirst().contains(" -Xmx64m -Da=b -jar "), calls("java").toString());
        assertTrue(calls("java").getFirst().endsWith(" load two words"), calls("java").toString());
    }

    @Test
    void aBuildMakesACacheThatRunsUse() throws Exception {
        var cache = checkout.toRealPath() + "/apps/target/torque.aot";
        assertEquals(0, torque("serve").code);
        assertTrue(calls("training").getFirst().contains(" -XX:AOTCacheOutput=" + cache + " -cp " + checkout.toRealPath() + "/apps/target/torque.jar "),
                calls("training").toString());
        assertTrue(calls("java").getFirst().contains(" -XX:AOTCache=" + cache + " "), calls("java").toString());
        torque("serve");
        assertEquals(1, calls("training").size(), "it is made by the build alone");
    }

    @Test
    void aCacheThatCannotBeMadeIsDoneWithout() throws Exception {
        var result = run(checkout, Map.of("TRAINING_EXIT", "1"), "./torque", "serve");
        assertEquals(0, result.code);
        assertEquals(1, calls("training").size());
        assertFalse(calls("java").getFirst().contains("AOTCache"), calls("java").toString());
        assertFalse(Files.exists(checkout.resolve("apps/target/torque.aot")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:AOTMode=off", "-XX:AOTCacheOutput=x.aot -Dx", "-Xshare:off", "-XX:SharedArchiveFile=x.jsa"})
    void whoHasOptionsOfHisOwnAboutCachesGetsThoseAlone(String options) throws Exception {
        torque("serve");
        assertEquals(0, run(checkout, Map.of("TORQUE_JAVA_OPTS", options, "TRAINING_EXIT", "0"), "./torque", "serve").code);
        var last = options.startsWith("-XX:AOTCacheOutput") ? calls("training").getLast() : calls("java").getLast();
        assertFalse(last.contains("-XX:AOTCache=/"), last);
        assertTrue(last.contains(options), last);
    }

    @Test
    void aCacheOlderThanTheJarIsNotUsed() throws Exception {
        torque("serve");
        Files.setLastModifiedTime(checkout.resolve("apps/target/torque.aot"), FileTime.from(Instant.now().minusSeconds(60)));
        torque("serve");
        assertEquals(1, calls("mvn").size());
        assertFalse(calls("java").getLast().contains("AOTCache"), calls("java").toString());
    }

    @Test
    void signalsReachTheJvmDirectly() throws Exception {
        torque("serve");
        var process = start(checkout, Map.of(), "./torque", "serve", "await-signal");
        while (!process.info().command().orElse("").endsWith("/sleep")) {
            if (!process.isAlive()) fail("ended: " + result(process));
            Thread.sleep(5);
        }
        process.toHandle().destroy();                              // SIGTERM to the process that was the script
        assertEquals(128 + 15, result(process).code);
    }

    @Test
    void watchIsStartedWithTheSignalsBlockedThatItIsToTake() throws Exception {
        torque("watch", "--timer", "1s", "--signal", "usr1,RTMIN+1", "--json", "--signal=WINCH");
        assertTrue(calls("java").getLast().contains(" -Xrs "), calls("java").toString());
        long expected = 0;
        for (int signal : new int[] {2, 10, 15, 28, 35}) expected |= 1L << signal - 1;
        assertEquals(expected, Long.parseUnsignedLong(calls("blocked").getLast(), 16));
        assertEquals("16", calls("suspend").getLast());
        torque("serve");
        assertFalse(calls("java").getLast().contains("-Xrs"), "nobody else");
        assertEquals("0000000000000000", calls("blocked").getLast());
    }

    @Test
    void whereEnvCannotBlockThemWatchIsStartedWithout() throws Exception {
        Files.delete(bin.resolve("env"));
        script(bin.resolve("env"), "#!/bin/sh\ncase $1 in --block-signal=*) exit 125 ;; esac\nexec /usr/bin/env \"$@\"\n");
        torque("watch", "--signal", "USR1");
        assertFalse(calls("java").getLast().contains("-Xrs"), calls("java").toString());
        torque("watch", "--signal", "nonsense");
        assertTrue(calls("java").getLast().endsWith("watch --signal nonsense"), calls("java").toString());
    }

    @Test
    void testRunsMavenOverEverythingAndSumsUp() throws Exception {
        var result = torque("test");
        assertEquals(0, result.code, result.err);
        assertTrue(calls("mvn").getFirst().endsWith(" --no-transfer-progress --fail-at-end verify"), calls("mvn").toString());
        assertTrue(result.out.contains("[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1\n"), result.out);
        assertTrue(result.out.endsWith("""
                Tests by module:
                  libtorque sys                 3 run    0 failed    0 errors    1 skipped
                  libtorque apps                4 run    0 failed    0 errors    0 skipped
                  total                         7 run    0 failed    0 errors    1 skipped
                mvn verify ended with exit code 0
                """), result.out);
        assertEquals(new Result(0, "", ""), torque("serve"), "a full verify also leaves a fresh jar");
    }

    @Test
    void testPassesItsArgumentsAndMavensExitCode() throws Exception {
        var result = run(checkout, Map.of("MVN_EXIT", "3"), "./torque", "test", "-pl", "sys", "-Dtest=ATest");
        assertEquals(3, result.code);
        assertTrue(calls("mvn").getFirst().endsWith(" verify -pl sys -Dtest=ATest -Dsurefire.failIfNoSpecifiedTests=false"), calls("mvn").toString());
        assertTrue(result.out.endsWith("mvn verify ended with exit code 3\n"), result.out);
    }

    @Test
    void testSlowTellsTheTestsThatActAtRandomToTakeTheirTime() throws Exception {
        torque("test", "--slow", "-pl", "event");
        assertTrue(calls("mvn").getLast().endsWith("verify -Dtorque.slow=true -pl event"), calls("mvn").toString());
    }

    @Test
    void benchRunsTheNamedClass() throws Exception {
        assertEquals(0, torque("bench", "http", "--rounds", "5").code);
        assertTrue(calls("mvn").getFirst().contains(" --projects bench --also-make package"), calls("mvn").toString());
        assertTrue(calls("java").getFirst().endsWith("/bench/target/lib/* org.libtorque.bench.HttpBench --rounds 5"), calls("java").toString());
        assertEquals(new Result(0, "", ""), torque("serve"), "building bench renews the jar of apps too");
    }

    @Test
    void benchJmhRunsJmh() throws Exception {
        assertEquals(0, torque("bench", "jmh", "Inbox").code);
        assertTrue(calls("java").getFirst().endsWith(" org.openjdk.jmh.Main Inbox"), calls("java").toString());
    }

    @Test
    void stressRunsTheJcstressJar() throws Exception {
        assertEquals(0, torque("stress", "-t", "Inbox").code);
        assertTrue(calls("mvn").getFirst().contains(" --projects stress --also-make package"), calls("mvn").toString());
        assertEquals("--enable-native-access=ALL-UNNAMED -jar jcstress.jar -t Inbox", calls("java").getFirst());
    }

    @Test
    void stressGivesTheHelpOfJcstressToo() throws Exception {
        assertEquals(0, torque("stress", "-h").code);
        assertEquals("--enable-native-access=ALL-UNNAMED -jar jcstress.jar -h", calls("java").getFirst());
        assertTrue(torque("stress", "--help").out.startsWith("Usage: ./torque stress "));
    }

    @Test
    void anEmptyNameIsNoCommand() throws Exception {
        assertEquals(new Result(2, "", "torque: unknown command '' (see 'torque help')\n"), torque(""));
        assertEquals(new Result(2, "", "torque help: unknown command '' (see 'torque help')\n"), torque("help", ""));
    }

    @Test
    void stressWithoutArgumentsIsShort() throws Exception {
        assertEquals(0, torque("stress").code);
        assertEquals("--enable-native-access=ALL-UNNAMED -jar jcstress.jar -m quick -f 1 -iters 1 -time 100 -sc false", calls("java").getFirst());
    }

    @Test
    void fuzzRunsEachFuzzTestByItself() throws Exception {
        write("apps/src/test/java/org/libtorque/apps/kweb/ParserFuzz.java", """
                class ParserFuzz {
                    @FuzzTest
                    void splitsLikeTheModel(byte[] data) {}
                    void helper(byte[] data) {}
                    @FuzzTest(maxDuration = "1m")
                    public void neverThrows(byte[] data) {}
                }
                """);
        assertEquals(0, torque("fuzz", "2").code);
        assertEquals(2, calls("mvn").size());
        assertTrue(calls("mvn").get(0).contains(" -Dtest=ParserFuzz#splitsLikeTheModel "), calls("mvn").toString());
        assertTrue(calls("mvn").get(1).contains(" -Dtest=ParserFuzz#neverThrows "), calls("mvn").toString());
        assertTrue(torque("fuzz", "1", "nosuch").err.contains("no fuzz test whose name contains 'nosuch'"));
        var failed = run(checkout, Map.of("MVN_EXIT", "1"), "./torque", "fuzz", "1", "never");
        assertEquals(1, failed.code);
        assertTrue(failed.err.endsWith("torque: findings, or failures to run, in: ParserFuzz#neverThrows\n"), failed.err);
    }

    private Result torque(String... args) throws Exception {
        return run(checkout, Map.of(), "./torque", args);
    }

    private Result run(Path directory, Map<String, String> environment, String program, String... args) throws Exception {
        return result(start(directory, environment, program, args));
    }

    private Process start(Path directory, Map<String, String> environment, String program, String... args) throws IOException {
        var command = new ArrayList<String>();
        command.add(program);
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().clear();
        builder.environment().putAll(Map.of("PATH", bin.toString(), "HOME", dir.toString(), "CALLS", calls.toString(),
                "TORQUE_JVM_DIRS", dir + "/none:" + dir + "/jdks"));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static Result result(Process process) throws Exception {
        process.getOutputStream().close();
        var out = new String(process.getInputStream().readAllBytes(), UTF_8);   // both are far smaller than a pipe
        var err = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertTrue(process.waitFor(Eventually.limitSeconds(), TimeUnit.SECONDS));
        return new Result(process.exitValue(), out, err);
    }

    /** The argument lines with which a stand-in was called so far. */
    private List<String> calls(String program) throws IOException {
        var log = calls.resolve(program);
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    private Path jdk(String name, String version, boolean compiler) throws IOException {
        var home = Files.createDirectories(dir.resolve(name));
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"nobody\"\nJAVA_VERSION=\"" + version + "\"\n");
        script(home.resolve("bin/java"), JAVA);
        if (compiler) script(home.resolve("bin/javac"), JAVA);
        return home;
    }

    private void write(String file, String text) throws IOException {
        Files.createDirectories(checkout.resolve(file).getParent());
        Files.writeString(checkout.resolve(file), text);
    }

    /** Beyond doubt newer than everything built so far, however coarse the file system's clock. */
    private static void inTheFuture(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(5)));
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Path which(String tool) {
        for (var folder : System.getenv("PATH").split(":")) {
            var file = Path.of(folder, tool);
            if (Files.isExecutable(file)) return file;
        }
        return fail("no " + tool + " on PATH");
    }
}
