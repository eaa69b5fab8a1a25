package org.libtorque.apps.cli;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.libtorque.hardware.CpuSet;
import org.libtorque.vcore.Balance;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Value syntax of the command line. Every parser rejects what it does not understand with the text and an example. */
public final class Parse {
    /** RFC 9110 section 5.6.2. */
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    /** Host names contain hyphens too: a range has a literal address on either side. */
    private static final Pattern ADDRESS_RANGE = Pattern.compile("(\\d+(?:\\.\\d+){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*)-(\\d+(?:\\.\\d+){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*)");
    private static final Pattern NUMBER_AND_UNIT = Pattern.compile("([0-9]{1,18})([a-z]*)");

    private Parse() {}

    /**
     * Reads a time: {@code 500ms}, {@code 10s}, {@code 2m}, {@code 1h}, or {@code 0}; a bare number has no obvious unit and is refused.
     *
     * @throws TypeConversionException if it is none
     */
    public static Duration duration(String text) {
        var matcher = NUMBER_AND_UNIT.matcher(text);
        if (matcher.matches()) {
            long n = Long.parseLong(matcher.group(1));
            try {
                switch (matcher.group(2)) {
                    case "ms" -> { return inRange(Duration.ofMillis(n)); }
                    case "s" -> { return inRange(Duration.ofSeconds(n)); }
                    case "m" -> { return inRange(Duration.ofMinutes(n)); }
                    case "h" -> { return inRange(Duration.ofHours(n)); }
                    case "" -> { if (n == 0) return Duration.ZERO; }
                    default -> { }
                }
            } catch (ArithmeticException e) {
                throw new TypeConversionException("'" + text + "' is too long a time");
            }
        }
        throw new TypeConversionException("'" + text + "' is not a time such as 500ms, 10s or 2m");
    }

    /** What the timers count: nanoseconds in a long, 292 years. */
    private static Duration inRange(Duration duration) {
        duration.toNanos();
        return duration;
    }

    /** Bytes: {@code 4096}, {@code 64k}, {@code 1m}, {@code 2g}, in powers of 1,024. */
    static long sizeBytes(String text) {
        var matcher = NUMBER_AND_UNIT.matcher(text.toLowerCase(Locale.ROOT));
        if (matcher.matches()) {
            long n = Long.parseLong(matcher.group(1));
            try {
                switch (matcher.group(2)) {
                    case "" -> { return n; }
                    case "k" -> { return Math.multiplyExact(n, 1L << 10); }
                    case "m" -> { return Math.multiplyExact(n, 1L << 20); }
                    case "g" -> { return Math.multiplyExact(n, 1L << 30); }
                    default -> { }
                }
            } catch (ArithmeticException e) {
                throw new TypeConversionException("'" + text + "' is too large a size");
            }
        }
        throw new TypeConversionException("'" + text + "' is not a size such as 4096, 64k or 1m");
    }

    /** The kernel's list format, at least one CPU. */
    static CpuSet cpuList(String text) {
        try {
            var cpus = CpuSet.parseList(text);
            if (!cpus.isEmpty()) return cpus;
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
        throw new TypeConversionException("the CPU list is empty");
    }

    static InetAddress address(String text) {
        try {
            if (text.isEmpty()) throw new UnknownHostException();     // getByName would take it for the loopback address
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new TypeConversionException("'" + text + "' is neither an IP address nor a known host name");
        }
    }

    /** One address or host name, or all from one address to another: {@code 127.0.0.1-127.0.0.16}. */
    static List<InetAddress> addresses(String text) {
        var range = ADDRESS_RANGE.matcher(text);
        if (!range.matches()) return List.of(address(text));
        var first = new BigInteger(1, address(range.group(1)).getAddress());
        var last = address(range.group(2)).getAddress();
        var count = new BigInteger(1, last).subtract(first).add(BigInteger.ONE);
        if (address(range.group(1)).getAddress().length != last.length || count.signum() <= 0 || count.bitLength() > 16) {
            throw new TypeConversionException("'" + text + "' is not a range of at most 65,535 addresses such as 127.0.0.1-127.0.0.16");
        }
        var all = new ArrayList<InetAddress>();
        for (var n = first; all.size() < count.intValue(); n = n.add(BigInteger.ONE)) {
            var digits = n.toByteArray();                    // with a leading zero or without leading ones, as the number has it
            var bytes = new byte[last.length];
            int length = Math.min(digits.length, bytes.length);
            System.arraycopy(digits, digits.length - length, bytes, bytes.length - length, length);
            try {
                all.add(InetAddress.getByAddress(bytes));
            } catch (UnknownHostException e) {
                throw new AssertionError(bytes.length + " bytes are an address", e);
            }
        }
        return all;
    }

    /** {@code static}, {@code steal} or {@code migrate}. */
    static Balance balance(String text) {
        for (var choice : Balance.values()) {
            if (choice.optionName().equals(text.toLowerCase(Locale.ROOT))) return choice;
        }
        throw new TypeConversionException("'" + text + "' is none of static, steal, migrate");
    }

    static BackendChoice backend(String text) { return oneOf(BackendChoice.values(), text); }

    static ServeMode mode(String text) { return oneOf(ServeMode.values(), text); }

    /** Finds what calls itself so. */
    private static <T> T oneOf(T[] choices, String text) {
        for (T choice : choices) {
            if (choice.toString().equals(text)) return choice;
        }
        throw new TypeConversionException("'" + text + "' is not one of " + Stream.of(choices).map(T::toString).collect(Collectors.joining(", ")));
    }

    static String method(String text) {
        if (TOKEN.matcher(text).matches()) return text;
        throw new TypeConversionException("'" + text + "' is not an HTTP method");
    }

    /** {@code Name: value}, as RFC 9112 has it on the wire: a token, no space before the colon, no control characters. */
    static HttpField field(String text) {
        int colon = text.indexOf(':');
        var name = text.substring(0, Math.max(colon, 0));
        var value = text.substring(colon + 1).strip();
        if (!TOKEN.matcher(name).matches() || !value.chars().allMatch(c -> c == '\t' || c >= ' ' && c <= 0xff && c != 0x7f)) {
            throw new TypeConversionException("'" + text + "' is not a header such as 'Accept: text/html'");
        }
        return new HttpField(name, value);
    }

    /** {@code http://host[:port][/path][?query]}; a missing scheme is taken as {@code http}. */
    static URI url(String text) {
        URI url;
        try {
            url = new URI(text.contains("://") ? text : "http://" + text);
        } catch (URISyntaxException e) {
            throw new TypeConversionException("'" + text + "' is not a URL such as http://localhost:8080/plaintext");
        }
        if (!"http".equalsIgnoreCase(url.getScheme())) {
            throw new TypeConversionException("'" + text + "': only http URLs can be loaded");
        }
        if (url.getHost() == null || url.getUserInfo() != null || url.getRawFragment() != null
                || url.getPort() == 0 || url.getPort() > 65_535) {
            throw new TypeConversionException("'" + text + "' is not a URL such as http://localhost:8080/plaintext");
        }
        return url;
    }

    /** For options whose Java type does not say that they are a size. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            return sizeBytes(text);
        }
    }

    /** For the method of {@code load}. */
    static final class Method implements ITypeConverter<String> {
        @Override
        public String convert(String text) {
            return method(text);
        }
    }
}
