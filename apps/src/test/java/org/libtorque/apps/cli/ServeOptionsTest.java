package org.libtorque.apps.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Balance;

import picocli.CommandLine.ParameterException;

class ServeOptionsTest {
    @Test
    void theDefaultsPublishNoFile() {
        var options = ServeOptions.parse();
        assertEquals(8080, options.port());
        assertTrue(options.listenAddress().getAddress().isAnyLocalAddress());
        assertNull(options.root());
        assertTrue(options.cpus().isEmpty());
        assertEquals(BackendChoice.AUTO, options.backend());
        assertEquals(ServeMode.EVENT, options.mode());
        assertEquals(0, options.minCpus());
        assertFalse(options.listing());
        assertFalse(options.benchEndpoints());
        assertNull(options.accessLog());
        assertEquals(0, options.maxConnections());
        assertFalse(options.quiet());
    }

    @Test
    void everyOptionReachesTheRecord(@TempDir Path dir) {
        var options = ServeOptions.parse("--port", "0", "--address", "127.0.0.1", "--root", dir.toString(), "--cpus", "1,0",
                "--backend", "epoll", "--mode", "kweb", "--burst", "3", "--balance", "steal", "--min-cpus", "2", "--listing", "--bench-endpoints", "--max-header-bytes", "8k", "--max-body-bytes", "2g",
                "--max-connections", "7", "--idle-timeout", "5s", "--header-timeout", "250ms", "--progress-timeout", "0",
                "--drain-timeout=1m", "--backlog", "16", "--access-log", "-", "--cache-bytes", "0", "--cache-file-bytes", "4k", "-q");
        assertEquals(new ServeOptions(0, Parse.address("127.0.0.1"), dir, CpuSet.of(0, 1), BackendChoice.EPOLL, ServeMode.KWEB, 3, Balance.STEAL, 2, true, true,
                8192, 2L << 30, 7, Duration.ofSeconds(5), Duration.ofMillis(250), Duration.ZERO, Duration.ofMinutes(1),
                16, "-", 0, 4096, true), options);
        assertEquals(0, options.listenAddress().getPort());
    }

    @ParameterizedTest
    @CsvSource({
        "--port,-1", "--port,65536", "--port,http", "--max-header-bytes,255", "--max-header-bytes,2m", "--max-connections,-1",
        "--backlog,0", "--idle-timeout,10", "--max-body-bytes,-1", "--cpus,x", "--backend,poll", "--mode,green", "--burst,0", "--balance,none", "--min-cpus,-1", "--min-cpus,5000",
        "--address,no-such-host.invalid",
        "--access-log,''", "--root,/no/such/folder", "--root,''",
    })
    void aWrongValueNamesItsOption(String option, String value) {
        var e = assertThrows(ParameterException.class, () -> ServeOptions.parse(option, value));
        assertTrue(e.getMessage().contains("nvalid value for option '" + option + "'"), e.getMessage());
    }

    @Test
    void aRootMustBeAFolder(@TempDir Path dir) throws Exception {
        var file = Files.createFile(dir.resolve("file"));
        var e = assertThrows(ParameterException.class, () -> ServeOptions.parse("--root", file.toString()));
        assertEquals("invalid value for option '--root': '" + file + "' is not a directory", e.getMessage());
    }
}
