package org.libtorque.apps.load;

import java.util.Arrays;

import org.libtorque.memory.ByteView;

/**
 * The bytes of one whole answer, many times over. Answers that follow each other are compared with it as one stretch, which costs a few
 * nanoseconds for each. Immutable; the memory lives as long as this is reachable.
 */
final class Template {
    /** Larger answers are parsed one by one: their length, not the parser, is then what they cost. */
    static final int MAX_ANSWER_BYTES = 16 * 1024;
    /** Enough for one comparison to be worth its call, little enough to stay in the first-level cache. */
    private static final int REPEATED_BYTES = 8 * 1024;

    private final byte[] answer;
    private final ByteView repeated;

    /**
     * @param answer  at most {@link #MAX_ANSWER_BYTES}; becomes this object's
     * @param atOnce  the most answers that can follow each other
     */
    Template(byte[] answer, int atOnce) {
        int copies = Math.clamp(REPEATED_BYTES / answer.length, 1, atOnce);
        var bytes = Arrays.copyOf(answer, copies * answer.length);
        for (int i = 1; i < copies; i++) System.arraycopy(answer, 0, bytes, i * answer.length, answer.length);
        this.answer = answer;
        this.repeated = ByteView.copyOf(bytes);
    }

    /** Bytes of one answer. */
    int answerBytes() {
        return answer.length;
    }

    /** Whole copies of the answer, one behind the other. Not to be consumed. */
    ByteView repeated() {
        return repeated;
    }

    boolean isSameAs(byte[] other, int length) {
        return Arrays.equals(answer, 0, answer.length, other, 0, length);
    }

    /** Whether an answer that has agreed with {@code other} for {@code matched} bytes, and goes on with {@code next}, may be this one. */
    boolean continues(Template other, int matched, byte next) {
        return matched < answer.length && matched <= other.answer.length && answer[matched] == next
                && Arrays.mismatch(answer, 0, matched, other.answer, 0, matched) < 0;
    }
}
