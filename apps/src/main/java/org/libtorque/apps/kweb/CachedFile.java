package org.libtorque.apps.kweb;

/**
 * A file in one vcore's cache, with its pre-compressed siblings.
 *
 * @param path       path below the root, as it was resolved
 * @param identity   the file itself
 * @param gzip       its {@code .gz} sibling, or null
 * @param br         its {@code .br} sibling, or null
 * @param bytes      what it all weighs
 * @param expiresNanos when it is read again even if no change was seen
 */
record CachedFile(String path, Variant identity, Variant gzip, Variant br, long bytes, long expiresNanos) {
    /**
     * One representation.
     *
     * @param answer        complete
     * @param etag          its entity tag
     * @param fields        ETag, Last-Modified, Content-Type and what else describes it, as field lines
     * @param contentType   the Content-Type alone
     * @param modifiedSecond when it was modified
     * @param size          of the body
     */
    record Variant(CannedAnswer answer, byte[] etag, byte[] fields, byte[] contentType, long modifiedSecond, int size) {}

    boolean hasSiblings() { return gzip != null || br != null; }
}
