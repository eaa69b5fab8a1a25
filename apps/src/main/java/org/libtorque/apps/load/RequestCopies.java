package org.libtorque.apps.load;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;

import org.libtorque.apps.cli.HttpField;
import org.libtorque.apps.cli.LoadGroup;
import org.libtorque.apps.cli.LoadOptions;

/**
 * The bytes of the request, many times over, so that any number of requests that are due leaves in few writes.
 *
 * <p>Header fields are sent as the user gave them. {@code Host} and {@code Content-Length} are added where they are missing and needed;
 * a user who names {@code Transfer-Encoding} has encoded the body already.
 *
 * <p><b>Numbered</b> requests differ: nine digits of the target are each one's own. The bytes here are then one request, number 0, of which a sender makes a copy of its own and
 * {@linkplain #number numbers} that before each use.
 */
final class RequestCopies {
    /** Bytes of copies to prepare, unless one request is larger. More would only fall out of the cache. */
    private static final int PREPARED_BYTES = 64 * 1024;
    /** Methods whose content a server expects to be told of even if there is none (RFC 9110, 8.6). */
    private static final Set<String> HAVE_CONTENT = Set.of("POST", "PUT", "PATCH");

    private static final int DIGITS = 9;

    private final byte[] bytes;
    private final int requestBytes;
    /** How many numbers there are, 0 if requests have none; and where they stand. */
    private final int numbers;
    private final int numberOffset;

    private RequestCopies(byte[] bytes, int requestBytes) { this(bytes, requestBytes, 0, 0); }

    private RequestCopies(byte[] bytes, int requestBytes, int numbers, int numberOffset) {
        this.bytes = bytes;
        this.requestBytes = requestBytes;
        this.numbers = numbers;
        this.numberOffset = numberOffset;
    }

    /** Composes the requests of a group. */
    static RequestCopies of(LoadOptions options, LoadGroup group) {
        if (group.numbers() == 0) return of(options, group.target(), group.pipeline());
        int asterisk = group.target().indexOf('*');
        var one = of(options, group.target().substring(0, asterisk) + "0".repeat(DIGITS) + group.target().substring(asterisk + 1), 1);
        return new RequestCopies(one.bytes, one.requestBytes, group.numbers(), options.method().length() + 1 + asterisk);
    }

    /** Composes the request for the URL's path and prepares at most {@code copies} of it. */
    static RequestCopies of(LoadOptions options, int copies) {
        return of(options, options.requestTarget(), copies);
    }

    /** Composes the request for {@code target} and prepares at most {@code copies} of it. */
    static RequestCopies of(LoadOptions options, String target, int copies) {
        var body = options.body();
        return of(head(options, options.method(), target, body.length), body, copies);
    }

    /** Composes a GET request for {@code target}, with the header fields of the others but without a body. */
    static RequestCopies get(LoadOptions options, String target) {
        return of(head(options, "GET", target, 0), new byte[0], 1);
    }

    private static RequestCopies of(String headText, byte[] body, int copies) {
        var head = headText.getBytes(StandardCharsets.ISO_8859_1);
        int length = Math.addExact(head.length, body.length);
        int count = Math.clamp(PREPARED_BYTES / length, 1, copies);
        var bytes = Arrays.copyOf(head, count * length);
        System.arraycopy(body, 0, bytes, head.length, body.length);
        for (int i = 1; i < count; i++) System.arraycopy(bytes, 0, bytes, i * length, length);
        return new RequestCopies(bytes, length);
    }

    private static String head(LoadOptions options, String method, String target, int bodyLength) {
        var head = new StringBuilder(256);
        head.append(method).append(' ').append(target).append(" HTTP/1.1\r\n");
        if (!names(options, "host")) head.append("Host: ").append(options.authority()).append("\r\n");
        for (HttpField field : options.fields()) head.append(field.name()).append(": ").append(field.value()).append("\r\n");
        if ((bodyLength > 0 || HAVE_CONTENT.contains(method))
                && !names(options, "content-length") && !names(options, "transfer-encoding")) {
            head.append("Content-Length: ").append(bodyLength).append("\r\n");
        }
        return head.append("\r\n").toString();
    }

    private static boolean names(LoadOptions options, String name) {
        return options.fields().stream().anyMatch(field -> field.name().toLowerCase(Locale.ROOT).equals(name));
    }

    /** Copies of the request, one behind the other. Not to be changed. */
    byte[] bytes() {
        return bytes;
    }

    /** Whether each sender needs a copy of its own, to be numbered. */
    boolean isNumbered() {
        return numbers > 0;
    }

    /** Writes the number of a request into a copy: those of {@code index} 0, 1, 2 … are 0, 1, 2 …, and 0 again when there are no more. */
    void number(byte[] copy, long index) {
        long rest = index % numbers;
        for (int i = numberOffset + DIGITS - 1; i >= numberOffset; i--) {
            copy[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }

    /** Bytes of one request. */
    int requestBytes() {
        return requestBytes;
    }
}
