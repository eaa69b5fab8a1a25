package org.libtorque.vcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.libtorque.testkit.TestProcess;

/**
 * That the stress tests run at all: two of them for a few samples. Finding races takes {@code java -jar
 * target/jcstress.jar -m quick} or more.
 */
class StressSanityTest {
    @Test void theStressTestsRunAndFindNothingInAFewSamples(@TempDir Path directory) throws IOException {
        var builder = new ProcessBuilder(TestProcess.java(), "-cp", System.getProperty("java.class.path"),
                "org.openjdk.jcstress.Main", "-m", "sanity", "-f", "1", "-sc", "false", "-v",
                "-t", "WakeGateStress.OnePoster$|ColorStress.PosterAndLetGo$", "-r", directory.resolve("report").toString());
        builder.directory(directory.toFile()); // it leaves its raw results where it runs
        try (var jcstress = TestProcess.start(builder)) {
            assertEquals(0, jcstress.awaitExit(Duration.ofSeconds(60)), jcstress.toString());
            for (String test : new String[] {"WakeGateStress.OnePoster", "ColorStress.PosterAndLetGo"}) {
                assertTrue(jcstress.stdout().stream().anyMatch(line -> line.contains("[OK] org.libtorque.vcore." + test)),
                        () -> test + " did not run: " + jcstress);
            }
        }
    }
}
