package org.libtorque.hardware;

/**
 * Something that whoever trusts a topology should know.
 *
 * @param kind what sort of thing
 * @param text one sentence, naming the file or the instruction it is about
 */
public record Remark(Kind kind, String text) {
    /** Sorts of remarks. */
    public enum Kind {
        /** Two sources tell different things; the text says which one was believed. */
        DISAGREEMENT,
        /** Something could not be read, or made no sense; the text says what was taken instead. */
        FALLBACK,
        /** Something is not known, and why. */
        UNKNOWN
    }
}
