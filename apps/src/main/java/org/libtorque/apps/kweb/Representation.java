package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.libtorque.apps.http.HttpDate;
import org.libtorque.event.OpenFile;

/**
 * What the header says of a file, or of a pre-compressed sibling that stands for it.
 *
 * @param etag           its entity tag, always a strong one
 * @param validators     ETag, Last-Modified and, if there are siblings, Vary, as field lines: what a 304 says too
 * @param fields         the other field lines, without Content-Type, Content-Range and Content-Length
 * @param contentType    of the file itself
 * @param modifiedSecond when it was last modified, in seconds since 1970
 * @param size           in bytes
 */
record Representation(byte[] etag, byte[] validators, byte[] fields, byte[] contentType, long modifiedSecond, long size) {
    /**
     * How old the last change must be for its time to tell it from the next one. The kernel stamps files by a clock that ticks every 1 to 10 ms (finer ones
     * since Linux 6.13, for some file systems), so two contents of one size can have the same time.
     */
    static final long SETTLED_NANOS = 50_000_000;

    /** Tells whether the file's time and size are those of no other content, now that the wall clock stands so. */
    static boolean isSettled(OpenFile file, long nowMillis) {
        return Math.abs(nowMillis * 1_000_000 - modifiedNanos(file)) > SETTLED_NANOS;
    }

    private static long modifiedNanos(OpenFile file) { return file.modifiedSeconds() * 1_000_000_000 + file.modifiedNanos(); }

    /**
     * Describes a file.
     *
     * @param unique      put into the entity tag of a file that is not yet {@linkplain #isSettled settled}: a number not used before
     * @param coding      Content-Encoding, or null
     * @param contentType of the file without the coding
     * @param negotiable  whether other codings of it are there
     */
    static Representation of(OpenFile file, long nowMillis, long unique, String coding, byte[] contentType, boolean negotiable) {
        StringBuilder tag = new StringBuilder(48).append('"').append(Long.toHexString(file.size())).append('-').append(Long.toHexString(modifiedNanos(file)));
        if (!isSettled(file, nowMillis)) tag.append('-').append(Long.toHexString(unique));
        if (coding != null) tag.append('-').append(coding);
        String etag = tag.append('"').toString();
        byte[] modified = new byte[HttpDate.LENGTH];
        HttpDate.format(Math.clamp(file.modifiedSeconds(), 0, nowMillis / 1000), modified, 0); // RFC 9110, 8.8.2.1: not later than the Date
        String validators = "ETag: " + etag + "\r\nLast-Modified: " + new String(modified, ISO_8859_1) + "\r\n"
                + (negotiable ? "Vary: Accept-Encoding\r\n" : "");
        String fields = "Accept-Ranges: bytes\r\n" + (coding != null ? "Content-Encoding: " + coding + "\r\n" : "");
        return new Representation(etag.getBytes(ISO_8859_1), validators.getBytes(ISO_8859_1), fields.getBytes(ISO_8859_1), contentType,
                file.modifiedSeconds(), file.size());
    }
}
