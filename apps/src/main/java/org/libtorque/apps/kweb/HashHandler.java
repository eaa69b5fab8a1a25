package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.MessageDigest;
import java.util.HexFormat;
import org.libtorque.Torque;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.memory.ByteView;

/**
 * Answers {@code /hash/ANY?rounds=N}: the path's SHA-256, hashed again until that has been done N times, in hexadecimal. Results are kept in a {@link ColoredCache}, so a
 * request goes through three colours at most, as in libasync-smp's web server: the connection's, the one of the cache's part that knows the path, the connection's again
 * to compute what that did not know, and the cache's to store it.
 *
 * <p>A long computation is done in slices: others of the same vcore, and the end of this connection, get their turns in between.
 *
 * <p>One for all vcores. To be called under the session's colour.
 */
final class HashHandler {
    static final byte[] PREFIX = "/hash/".getBytes(ISO_8859_1);
    /** A second or two. */
    static final int MAX_ROUNDS = 10_000_000;
    /** Colours of the cache: many more than vcores, so that two rarely want the same one. */
    static final int STRIPES = 64;
    /** Results that are kept. With the longest paths that are taken, they weigh 35 MB. */
    static final int ENTRIES = 4096;
    /** Rounds between two looks at the clock, of 0.1 to 0.2 µs each. */
    private static final int BATCH = 100;
    private static final byte[] FIELDS = "Content-Type: text/plain\r\nCache-Control: no-store\r\n".getBytes(ISO_8859_1);

    record Key(String path, int rounds) {}

    private final ColoredCache<Key, byte[]> cache;

    HashHandler(Torque torque) { cache = new ColoredCache<>(torque, STRIPES, ENTRIES); }

    /** Returns what a request asks for; {@code in} begins with it. */
    static Key keyOf(RequestHead head, ByteView in, long rounds) { return new Key(in.toLatin1(head.pathOffset(), head.pathLength()), Math.clamp(rounds, 1, MAX_ROUNDS)); }

    /** Gives the answer, later. */
    void answer(LateAnswer asked, Key key) {
        cache.get(key, asked, known -> {
            if (known != null) asked.answerWaiting(FIELDS, known);
            else new Computation(asked, key).run();
        });
    }

    ColoredCache.Counts counts() { return cache.counts(); }

    private final class Computation implements Runnable {
        private final LateAnswer asked;
        private final Key key;
        private byte[] value;
        private int left;

        Computation(LateAnswer asked, Key key) {
            this.asked = asked;
            this.key = key;
            value = key.path.getBytes(ISO_8859_1);
            left = key.rounds;
        }

        /** Computes for as long as a turn may take. */
        @Override public void run() {
            if (!asked.isWaiting()) return; // the connection has ended
            MessageDigest sha256 = asked.here().sha256();
            do {
                int batch = Math.min(left, BATCH);
                for (int i = 0; i < batch; i++) value = sha256.digest(value);
                left -= batch;
            } while (left > 0 && !asked.shouldYield());
            if (left > 0) {
                asked.execute(this);
                return;
            }
            byte[] text = (HexFormat.of().formatHex(value) + "\n").getBytes(ISO_8859_1);
            cache.put(key, text);
            asked.answerWaiting(FIELDS, text);
        }
    }
}
