package org.libtorque.apps.http;

/**
 * What a server is willing to take in one request.
 *
 * @param targetBytes     longest request target; longer ones are answered 414
 * @param headBytes       longest head, from the request line to the empty line; longer ones are answered 431.
 *                        At most {@value #MAX_HEAD_BYTES}
 * @param fieldCount      most field lines in a head or a trailer section; more are answered 431
 * @param bodyBytes       longest request body; longer ones are answered 413
 * @param extensionBytes  most bytes of chunk extensions in one body; more are answered 400. Without this limit a client
 *                        could make the server read many bytes for each byte of body
 * @param trailerBytes    longest trailer section; longer ones are answered 431
 */
public record HttpLimits(
        int targetBytes, int headBytes, int fieldCount, long bodyBytes, int extensionBytes, int trailerBytes) {
    /** The largest {@code headBytes}: offsets and lengths of fields are kept in 16 bits each. */
    public static final int MAX_HEAD_BYTES = 65_535;

    /** 8 KiB of target, 16 KiB of head, 100 fields, 1 MiB of body, 4 KiB of extensions, 8 KiB of trailers. */
    public static final HttpLimits DEFAULT = new HttpLimits(8 << 10, 16 << 10, 100, 1 << 20, 4 << 10, 8 << 10);

    /** The smallest {@code headBytes}: a request line, and no fields. */
    private static final int MIN_HEAD_BYTES = 18;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public HttpLimits {
        if (headBytes < MIN_HEAD_BYTES || headBytes > MAX_HEAD_BYTES || targetBytes < 1 || fieldCount < 1 || bodyBytes < 0
                || extensionBytes < 0 || trailerBytes < 2) {
            throw new IllegalArgumentException("targetBytes=" + targetBytes + ", headBytes=" + headBytes
                    + ", fieldCount=" + fieldCount + ", bodyBytes=" + bodyBytes + ", extensionBytes=" + extensionBytes
                    + ", trailerBytes=" + trailerBytes);
        }
    }
}
