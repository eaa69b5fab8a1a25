package org.libtorque.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SendFileReportTest {
    private static SendFileMeasurement measured(SendFileServer server, boolean cold, int round, double cpu) {
        return new SendFileMeasurement(server, SendFileCase.SMALL, cold, round, cpu, 1000 * round, cold ? 250 : Double.NaN, cold ? 0.5 : Double.NaN);
    }

    private final SendFileReport report = new SendFileReport(SendFileServer.ONESHOT, List.of(SendFileServer.ONESHOT, SendFileServer.NETTY), List.of(
            measured(SendFileServer.ONESHOT, false, 1, 10), measured(SendFileServer.NETTY, false, 1, 15), measured(SendFileServer.ONESHOT, false, 2, 20),
            measured(SendFileServer.NETTY, false, 2, 40), measured(SendFileServer.NETTY, true, 1, 100)));

    @Test void ratiosAreWithinRounds() {
        assertEquals("""
                ### 1KiB, in memory

                | server | CPU µs/file | ÷ oneshot | files/s |
                | :-- | --: | --: | --: |
                | oneshot | 15.0 | – | 1,500 |
                | netty-epoll | 27.5 | **1.75** (1.50–2.00) | 1,500 |

                """, report.table(SendFileCase.SMALL, false));
    }

    @Test void onDiskThereIsMoreAndWhatWasNotMeasuredIsLeftOut() {
        assertEquals("""
                ### 1KiB, on disk

                | server | CPU µs/file | ÷ oneshot | files/s | longest turn, µs | sleeps/file |
                | :-- | --: | --: | --: | --: | --: |
                | netty-epoll | 100 | – | 1,000 | 250 | 0.50 |

                """, report.table(SendFileCase.SMALL, true));
        assertEquals("", report.table(SendFileCase.LARGE, true));
    }
}
