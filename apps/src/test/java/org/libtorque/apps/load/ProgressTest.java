package org.libtorque.apps.load;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

import org.junit.jupiter.api.Test;

class ProgressTest {
    private static String shown(boolean terminal) {
        var bytes = new ByteArrayOutputStream();
        var progress = new Progress(new PrintStream(bytes, true, StandardCharsets.UTF_8), terminal, List.of(), 0);
        progress.show(1_000_000_000, "warm-up 10 s");
        progress.show(2_000_000_000, "warm-up 9 s");
        progress.end();
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void onATerminalTheLineIsWrittenOverItselfAndWipedAtTheEnd() {
        var first = "warm-up 10 s  0 requests/s  0 connections  0 errors";
        var second = "warm-up 9 s  0 requests/s  0 connections  0 errors ";
        var wiped = " ".repeat(second.length() - 1);
        assertEquals('\r' + first + '\r' + second + '\r' + wiped + '\r', shown(true));
    }

    @Test
    void elsewhereEachIsALineOfItsOwn() {
        assertEquals("warm-up 10 s  0 requests/s  0 connections  0 errors\nwarm-up 9 s  0 requests/s  0 connections  0 errors\n", shown(false));
    }
}
