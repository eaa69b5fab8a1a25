package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.testkit.StallMeter;

/** The limits that a connection can be given. */
@ParameterizedClass(name = "{0}")
@MethodSource("org.libtorque.event.Setup#largest")
class TimeoutSystemTest extends SystemTest {
    private static final Duration LIMIT = Duration.ofMillis(60);
    /** For what must come before the limit: a busy machine takes the CPU from client or vcore for a tenth of it, or two. */
    private static final Duration LONG_LIMIT = Duration.ofSeconds(1);

    private CompletableFuture<Throwable> cause = new CompletableFuture<>();

    private void expectTimeout(ConnectionTimeoutException.Kind kind) {
        var e = assertInstanceOf(ConnectionTimeoutException.class, get(cause));
        assertEquals(kind, e.kind());
        assertEquals(0, e.getStackTrace().length);
    }

    /** For tests of what comes before {@link #LONG_LIMIT}. */
    private void inTime(StallMeter.Attempt attempt) throws Exception {
        StallMeter.retryIfStalled(LONG_LIMIT.dividedBy(2), attempt, () -> {
            stop(); // with it the connections end, and what they tell is not the next attempt's
            failures.clear();
            cause = new CompletableFuture<>();
        });
    }

    private static void expectAbout(Duration expected, long startNanos) {
        long took = System.nanoTime() - startNanos;
        assertTrue(took >= expected.toNanos() - 1_000_000, "took only " + Duration.ofNanos(took));
    }

    @Test void anIdleConnectionIsClosed() throws IOException {
        Listener listener = serve(c -> {
            c.setIdleTimeout(LIMIT);
            c.onClose((self, why) -> cause.complete(why));
        });
        long start = System.nanoTime();
        try (var client = Client.to(listener)) {
            client.expectEnd();
            expectAbout(LIMIT, start);
            expectTimeout(ConnectionTimeoutException.Kind.IDLE);
        }
    }

    @Test void theListenersIdleLimitHoldsForItsConnections() throws Exception {
        inTime(() -> {
            Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withIdleTimeout(LONG_LIMIT),
                    c -> c.onRead(Connection::write).onClose((self, why) -> cause.complete(why)));
            try (var client = Client.to(listener)) {
                client.expectEcho("x");
                client.expectEnd();
                expectTimeout(ConnectionTimeoutException.Kind.IDLE);
            }
        });
    }

    @Test void whoSendsNowAndThenIsNotIdle() throws Exception {
        inTime(() -> {
            Listener listener = serve(c -> {
                c.setIdleTimeout(LONG_LIMIT);
                c.onRead((self, data) -> data.consumeAll()).onClose((self, why) -> cause.complete(why));
            });
            try (var client = Client.to(listener)) {
                for (int i = 0; i < 12; i++) {
                    sleep(100);
                    client.send("x");
                }
                assertFalse(cause.isDone());
                client.expectEnd();
                expectTimeout(ConnectionTimeoutException.Kind.IDLE);
            }
        });
    }

    @Test void whoIsSentSomethingIsNotIdleEither() throws Exception {
        inTime(() -> {
            Listener listener = serve(c -> {
                c.setIdleTimeout(LONG_LIMIT);
                c.onClose((self, why) -> cause.complete(why));
                for (int i = 1; i <= 12; i++) torque().after(Duration.ofMillis(100L * i), c.color(), () -> c.write(new byte[1]));
            });
            try (var client = Client.to(listener)) {
                client.read(12);
                assertFalse(cause.isDone());
                client.expectEnd();
                expectTimeout(ConnectionTimeoutException.Kind.IDLE);
            }
        });
    }

    @Test void theIdleLimitCanBeSetInAnyCallback() throws IOException {
        Listener listener = serve(c -> c.onClose((self, why) -> cause.complete(why)).onRead((self, data) -> {
            data.consumeAll();
            self.setIdleTimeout(LIMIT);
        }));
        try (var client = Client.to(listener)) {
            client.send("x").expectEnd();
            expectTimeout(ConnectionTimeoutException.Kind.IDLE);
        }
    }

    @Test void theIdleLimitCanBeShortenedAndTakenAway() throws Exception {
        inTime(() -> {
            var connection = new CompletableFuture<Connection>();
            Listener listener = serve(c -> {
                c.setIdleTimeout(LONG_LIMIT);
                c.onRead((self, data) -> {
                    self.setIdleTimeout(Duration.ZERO);
                    self.write(data);
                }).onClose((self, why) -> cause.complete(why));
                connection.complete(c);
            });
            try (var client = Client.to(listener)) {
                client.expectEcho("x");
                sleep(LONG_LIMIT.toMillis() + 200);
                client.expectEcho("y");
                Connection c = get(connection);
                c.execute(() -> c.setIdleTimeout(Duration.ofHours(1)));
                c.execute(() -> c.setIdleTimeout(LIMIT));
                client.expectEnd();
                expectTimeout(ConnectionTimeoutException.Kind.IDLE);
            }
        });
    }

    @Test void aDeadlineEndsTheConnectionHoweverBusy() throws IOException {
        Listener listener = serve(c -> {
            c.setDeadline(LIMIT.toNanos());
            c.onRead(Connection::write).onClose((self, why) -> cause.complete(why));
        });
        long start = System.nanoTime();
        try (var client = Client.to(listener)) {
            try {
                while (System.nanoTime() - start < 5_000_000_000L) client.expectEcho("busy");
            } catch (IOException expected) {
                expectAbout(LIMIT, start);
            }
            expectTimeout(ConnectionTimeoutException.Kind.DEADLINE);
        }
    }

    @Test void aDeadlineCanBeClearedAndMoved() throws Exception {
        inTime(() -> {
            Listener listener = serve(c -> {
                c.setDeadline(LONG_LIMIT.toNanos());
                c.onRead((self, data) -> {
                    self.setDeadline(data.getByte(0) == 'c' ? 0 : LONG_LIMIT.toNanos());
                    self.write(data);
                }).onClose((self, why) -> cause.complete(why));
            });
            try (var client = Client.to(listener)) {
                client.expectEcho("clear");
                sleep(LONG_LIMIT.toMillis() + 200);
                client.expectEcho("clear");
                long start = System.nanoTime();
                client.expectEcho("set");
                sleep(100);
                client.expectEcho("clear");
                client.expectEcho("set again");
                assertFalse(cause.isDone());
                client.expectEnd();
                expectAbout(LONG_LIMIT.plusMillis(100), start);
                expectTimeout(ConnectionTimeoutException.Kind.DEADLINE);
            }
        });
    }

    @Test void aPeerThatTakesNothingIsCutOff() throws IOException {
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
            c.setWriteProgressTimeout(LIMIT, 1_000);
            c.onClose((self, why) -> cause.complete(why));
            c.write(new byte[2_000_000]);
        });
        long start = System.nanoTime();
        try (var _ = Client.to(listener.address(), 32_768)) {
            expectTimeout(ConnectionTimeoutException.Kind.WRITE_PROGRESS);
            expectAbout(LIMIT, start);
        }
    }

    @Test void aPeerThatTakesTooLittleIsCutOff() throws IOException {
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
            c.setWriteProgressTimeout(Duration.ofMillis(100), 10_000_000);
            c.onClose((self, why) -> cause.complete(why));
            c.write(new byte[4_000_000]);
        });
        try (var client = Client.to(listener.address(), 32_768)) {
            for (int i = 0; i < 400 && !cause.isDone(); i++) {
                try {
                    client.read(10_000);
                } catch (IOException ended) {
                    break;
                }
                sleep(1);
            }
            expectTimeout(ConnectionTimeoutException.Kind.WRITE_PROGRESS);
        }
    }

    @Test void aPeerThatIsSlowButSteadyIsNotCutOff() throws Exception {
        inTime(() -> {
            int total = 1_500_000;
            Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
                c.setWriteProgressTimeout(LONG_LIMIT, 1_000);
                c.onClose((self, why) -> cause.complete(why));
                c.write(new byte[total]);
                c.close();
            });
            try (var client = Client.to(listener.address(), 32_768)) {
                for (int at = 0; at < total; at += 50_000) {
                    client.read(50_000);
                    sleep(40);
                }
                client.expectEnd();
            }
            assertEquals(null, get(cause));
        });
    }

    @Test void theProgressLimitCanBeSetWhileOutputWaitsAndTakenAwayAgain() throws Exception {
        inTime(() -> {
            var connection = new CompletableFuture<Connection>();
            Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
                c.onClose((self, why) -> cause.complete(why));
                c.write(new byte[2_000_000]);
                connection.complete(c);
            });
            try (var _ = Client.to(listener.address(), 32_768)) {
                Connection c = get(connection);
                sleep(50); // as much as fits is with the kernel
                c.execute(() -> c.setWriteProgressTimeout(LONG_LIMIT, 1_000));
                sleep(20);
                c.execute(() -> c.setWriteProgressTimeout(Duration.ZERO, 0));
                sleep(LONG_LIMIT.toMillis() + 200);
                assertFalse(cause.isDone(), "taken away");
                c.execute(() -> c.setWriteProgressTimeout(LIMIT, 1_000));
                expectTimeout(ConnectionTimeoutException.Kind.WRITE_PROGRESS);
            }
        });
    }

    @Test void withoutOutputThereIsNoProgressToWaitFor() throws Exception {
        inTime(() -> {
            Listener listener = serve(c -> {
                c.setWriteProgressTimeout(LONG_LIMIT, 1_000);
                c.onRead(Connection::write).onClose((self, why) -> cause.complete(why));
            });
            try (var client = Client.to(listener)) {
                client.expectEcho("x");
                sleep(LONG_LIMIT.toMillis() + 200);
                client.expectEcho("x");
                assertFalse(cause.isDone());
            }
        });
    }

    @Test void aConnectionThatClosesIsStillSubjectToItsLimits() throws IOException {
        Listener listener = torque().listen(ANY_PORT, ListenOptions.DEFAULT.withBuffers(0, 32_768), c -> {
            c.setWriteProgressTimeout(LIMIT, 1_000);
            c.onClose((self, why) -> cause.complete(why));
            c.write(new byte[2_000_000]);
            c.close();
        });
        try (var _ = Client.to(listener.address(), 32_768)) {
            expectTimeout(ConnectionTimeoutException.Kind.WRITE_PROGRESS);
        }
    }
}
