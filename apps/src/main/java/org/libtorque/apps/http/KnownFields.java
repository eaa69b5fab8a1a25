package org.libtorque.apps.http;

import org.libtorque.memory.ByteView;
import org.libtorque.memory.raw.RawView;
import org.libtorque.sys.NativeMemory;

/**
 * One block of field lines, from the first to the empty line, and what it says: requests differ in their first line, and seldom in the others, which are most of a head. A block that is the same to
 * the last byte says the same, so comparing it does for parsing it.
 *
 * <p>What is known comes from a complete head that was parsed and accepted, in HTTP/1.1, and holds in the same version and under the same limits. A block with a field that has a part in
 * where the message ends (Content-Length, Transfer-Encoding, Expect) is never learnt: what decides that is parsed each time. One that is met when another one is known takes its place after
 * {@value #PATIENCE} heads in a row that were not known.
 *
 * <p>A parser's, and so one thread's at a time.
 */
final class KnownFields {
    /** Longer blocks are not learnt. */
    static final int MOST_BYTES = 1024;
    static final int PATIENCE = 8;
    private static final int NOT_LEARNT = 1 << RequestHead.CONTENT_LENGTH | 1 << RequestHead.TRANSFER_ENCODING | 1 << RequestHead.EXPECT;

    /** The block, in native memory: two pieces of it are compared 32 or 64 bytes at a time, without a check for each. */
    private final RawView block = RawView.copyOf(new byte[MOST_BYTES]);
    /** Its length; 0 while nothing is known. */
    private int length;
    private int missed = PATIENCE;

    // What it says; places are those in a head whose fields begin at `fieldsOffset`.
    private int fieldsOffset;
    private int fieldCount;
    private int connection;
    private int present;
    private int repeated;
    private final int[] spans = new int[RequestHead.EXPECT + 1];

    /**
     * Completes a head of which the request line has been parsed, if the block that is known stands behind it.
     *
     * @param at    where its fields begin
     * @param limit how far it may be looked at
     * @return whether it is complete
     */
    boolean recall(ByteView in, int at, int limit, RequestHead head) {
        int n = length;
        if (n == 0 || at > limit - n || in.mismatch(at, block, 0, n) >= 0) return false;
        missed = 0;
        int shift = at - fieldsOffset << 16;
        for (int rest = present; rest != 0; rest &= rest - 1) {
            int field = Integer.numberOfTrailingZeros(rest);
            head.spans[field] = spans[field] + shift;
        }
        head.present = present;
        head.repeated = repeated;
        head.connection = connection;
        head.fieldCount = fieldCount;
        head.length = at + n;
        head.state = RequestParser.DONE;
        return true;
    }

    /** A head that was not known has been parsed and accepted, with a request line as {@link #recall} wants it. */
    void learn(ByteView in, RequestHead head) {
        if (++missed <= PATIENCE) return;
        int from = head.fieldsOffset;
        int n = head.length - from;
        if (n > MOST_BYTES || (head.present & NOT_LEARNT) != 0) return;
        NativeMemory.copy(RawView.addressOf(in) + from, block.address(), n);
        length = n;
        fieldsOffset = from;
        fieldCount = head.fieldCount;
        connection = head.connection;
        present = head.present;
        repeated = head.repeated;
        System.arraycopy(head.spans, 0, spans, 0, spans.length);
        missed = 0;
    }
}
