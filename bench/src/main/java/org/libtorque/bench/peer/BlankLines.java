package org.libtorque.bench.peer;

import java.nio.ByteBuffer;

/**
 * Counts the blank lines (CR LF CR LF) in a stream that arrives in pieces: all the 'parsing' that the minimal peers do.
 *
 * <p>A header's bytes are mostly neither CR nor LF, so the search looks at every fourth byte and steps back only where
 * it meets one of the two. A blank line split between pieces is carried over. One object per connection.
 */
final class BlankLines {
    /** Bytes of a blank line that ended the last piece: 0 to 3. */
    private int matched;

    /** Returns how many blank lines end between the position and the limit of {@code piece}; moves neither. */
    int count(ByteBuffer piece) {
        int found = 0;
        int from = piece.position();
        int end = piece.limit();
        int state = matched;
        while (state > 0 && from < end) {
            state = step(state, piece.get(from++));
            if (state == 4) {
                found++;
                state = 0;
            }
        }
        if (state == 0) {
            int at = from + 3;
            while (at < end) {
                byte b = piece.get(at);
                if (b > '\r') {
                    at += 4;
                } else if (b == '\n') {
                    if (piece.get(at - 1) == '\r' && piece.get(at - 2) == '\n' && piece.get(at - 3) == '\r') {
                        found++;
                        from = at + 1;
                        at += 4;
                    } else {
                        at += 2;
                    }
                } else {
                    at += b == '\r' ? 1 : 4;
                }
            }
            for (int tail = Math.max(from, end - 3); tail < end; tail++) state = step(state, piece.get(tail));
        }
        matched = state;
        return found;
    }

    private static int step(int state, byte b) {
        boolean wanted = b == ((state & 1) == 0 ? '\r' : '\n');
        return wanted ? state + 1 : b == '\r' ? 1 : 0;
    }
}
