package org.libtorque.apps.load;

/**
 * What every answer is compared with: the first one.
 *
 * @param status      status code
 * @param bodyBytes   length of the body
 * @param fixedLength whether {@code Content-Length} announced it; otherwise the server makes the answer as it goes, and lengths may differ
 */
record Expectation(int status, long bodyBytes, boolean fixedLength) {
    static Expectation of(AnswerParser first) {
        return new Expectation(first.status(), first.bodyBytes(), first.hasFixedLength());
    }

    /** How a complete answer differs, or null if it does not. */
    Failure check(AnswerParser answer) {
        if (answer.status() != status) return Failure.STATUS;
        if (!fixedLength || answer.bodyBytes() == bodyBytes) return null;
        return answer.bodyBytes() < bodyBytes ? Failure.SHORT : Failure.LENGTH;
    }

    /** Says how a complete answer differs. */
    String describe(AnswerParser answer) {
        return answer.status() != status ? "status " + answer.status() + " where the first answer had " + status
                : "a body of " + answer.bodyBytes() + " bytes where the first answer had " + bodyBytes;
    }
}
