package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.program.SlowProgram;
import org.libtorque.testkit.Eventually;
import org.libtorque.vcore.Clock;
import org.libtorque.vcore.Color;
import org.libtorque.vcore.Monitor;

/** That reports of mistakes name what the program can find in itself. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#all")
class MistakeLogSystemTest extends SystemTest {
    private final List<String> reports = new CopyOnWriteArrayList<>();
    private volatile boolean over;
    private volatile boolean inside;

    private void takeTooLong() {
        inside = true;
        long limit = System.nanoTime() + Duration.ofSeconds(Eventually.limitSeconds()).toNanos();
        while (!over && System.nanoTime() < limit) Thread.onSpinWait();
        inside = false;
    }

    private String reportOfTheProgram() {
        for (String report : reports) if (report.contains("\n\tat " + SlowProgram.class.getName()) || report.contains("/" + SlowProgram.class.getName())) return report;
        return null;
    }

    @Test void theReportOfACallbackThatOverstaysNamesTheProgramsClassWhateverCalledIt() throws Exception {
        open(options().withOverstay(Duration.ZERO));
        var program = new SlowProgram(torque(), this::takeTooLong);
        try (var monitor = new Monitor(torque().vcores(), Clock.SYSTEM, new MistakeLog(reports::add), Duration.ofMillis(50), Duration.ZERO)) {
            monitor.start();
            for (Map.Entry<String, Runnable> kind : program.kinds(ANY_PORT).entrySet()) {
                over = false;
                reports.clear();
                kind.getValue().run();
                Eventually.await(kind.getKey() + " is reported", () -> reportOfTheProgram() != null);
                over = true;
                Eventually.await(kind.getKey() + " has ended", () -> !inside);
                String report = reportOfTheProgram();
                assertTrue(report.matches("(?s)vcore \\d+ \\(CPU \\d+\\): " + SlowProgram.class.getName() + "\\S* of colour \\d+ has been running for \\d+ ms; .*"),
                        kind.getKey() + ": " + report);
            }
        }
    }

    @Test void theReportOfAColourThatIsNeverIdleNamesTheProgramsClassAndHasAStack() throws Exception {
        open(options().withOverstay(Duration.ZERO));
        Color color = torque().newColor();
        Runnable[] again = new Runnable[1];
        var program = new SlowProgram(torque(), () -> {
            if (!over) again[0].run();
            long until = System.nanoTime() + 1_000_000;
            while (System.nanoTime() < until) Thread.onSpinWait();
        });
        again[0] = program.callback(color);
        try (var monitor = new Monitor(torque().vcores(), Clock.SYSTEM, new MistakeLog(reports::add), Duration.ZERO, Duration.ofMillis(300))) {
            monitor.start();
            again[0].run();
            Eventually.await("it is reported", () -> !reports.isEmpty());
            over = true;
        }
        String report = reports.getFirst();
        assertTrue(report.contains("\n\tat "), report); // of what it was at just then, which may be the way from one call to the next
        assertTrue(report.matches("(?s)colour " + color.id() + " has had no break for \\d+ ms, with turns of about \\d+ µs; it runs " + SlowProgram.class.getName() + ".*divide.*"),
                report);
    }

    @Test void theLongestOverstayWorksAndALongerOneIsRefused() {
        open(options().withOverstay(Duration.ofDays(365)));
        var refused = assertThrows(IllegalArgumentException.class, () -> options().withOverstay(Duration.ofDays(20_000)));
        assertEquals("overstay must be zero to 365 days, not PT480000H", refused.getMessage());
    }

    @Test void whereTheStackHasNothingOfTheProgramTheLibrarysClassIsNamed() {
        var ours = new StackTraceElement("org.libtorque.event.StreamConnection", "run", null, 1);
        var jdk = new StackTraceElement("java.lang.Thread", "run", null, 1);
        assertEquals("org.libtorque.event.StreamConnection", MistakeLog.callback("org.libtorque.event.StreamConnection", List.of(ours, jdk)));
        for (String inside : List.of("sys.Sockets", "memory.BlockPool", "hardware.Topology", "vcore.epoll.EpollQueue", "vcore.uring.UringQueue", "vcore.jdk.Any")) {
            var deep = new StackTraceElement("org.libtorque." + inside, "<clinit>", null, 1); // what is done for the first time can take long
            assertEquals(Connector.class.getName(), MistakeLog.callback(Connector.class.getName(), List.of(deep, ours, jdk)));
        }
        var theirs = new StackTraceElement("org.libtorque.apps.kweb.Server", "answer", null, 1);
        assertEquals("org.libtorque.apps.kweb.Server", MistakeLog.callback("org.libtorque.Torque$$Lambda/0x0000000025.d", List.of(theirs, ours, jdk)));
        assertEquals("Mine", MistakeLog.callback("Mine", List.of(theirs, ours)));
    }
}
