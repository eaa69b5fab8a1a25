package org.libtorque.apps.kweb;

/**
 * A file in one vcore's cache, with its pre-compressed siblings.
 *
 * @param path         path below the root, as it was resolved
 * @param identity     the file itself
 * @param gzip         its {@code .gz} sibling, or null
 * @param br           its {@code .br} sibling, or null
 * @param bytes        what it all weighs
 * @param expiresNanos when it is read again even if no change was seen
 */
record CachedFile(String path, Variant identity, Variant gzip, Variant br, long bytes, long expiresNanos) {
    /**
     * One representation, ready to be sent.
     *
     * @param answer complete
     * @param what   what it is, for the answers that are not complete
     */
    record Variant(CannedAnswer answer, Representation what) {}

    boolean hasSiblings() { return gzip != null || br != null; }
}
