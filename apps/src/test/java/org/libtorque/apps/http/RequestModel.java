package org.libtorque.apps.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What {@link RequestParser} should do, written as plainly as possible: one character after the other, from the start,
 * with strings, regular expressions and exceptions.
 */
final class RequestModel {
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
    private static final String TOKENS = TOKEN + "+";
    private static final String PATH = "[A-Za-z0-9._~!$&'()*+,;=:@%/\\[\\]|-]";
    private static final String QUERY = "[A-Za-z0-9._~!$&'()*+,;=:@%/\\[\\]|?\\\\^`{}-]";
    private static final String REG_NAME = "(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+"; // possessive: the JDK recurses otherwise
    private static final String OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final String PORT = "(?::(?<port>[0-9]*))?";
    /** Which characters a regular expression for one character matches. */
    private static final Map<String, boolean[]> CLASSES = new ConcurrentHashMap<>();
    static final List<String> METHODS =
            List.of("", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT");

    /** What is known of a head. {@code verdict} is what {@code parse} returns. */
    static final class Result {
        int verdict;
        String reason;
        int method;
        int minorVersion;
        String target;
        String authority = "";
        String path;
        String query;
        long contentLength = -1;
        boolean chunked;
        boolean expectContinue;
        boolean close;
        boolean keepAlive;
        /** Values by lower-case name, in order. */
        final Map<String, List<String>> fields = new TreeMap<>();
        int fieldCount;
    }

    private static final class Incomplete extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final int status;

        Refused(int status) { this.status = status; }
    }

    private final HttpLimits limits;
    private final String in;
    private int at;
    private final Result result = new Result();

    private RequestModel(HttpLimits limits, String in) {
        this.limits = limits;
        this.in = in.substring(0, Math.min(in.length(), limits.headBytes()));
    }

    /** Parses the head at the front of {@code in}. */
    static Result parse(HttpLimits limits, String in) {
        RequestModel model = new RequestModel(limits, in);
        try {
            model.head();
            model.result.verdict = model.at;
        } catch (Incomplete e) {
            model.result.verdict = in.length() >= limits.headBytes() ? -431 : 0;
        } catch (Refused e) {
            model.result.verdict = -e.status;
        }
        return model.result;
    }

    private char peek() {
        if (at >= in.length()) throw new Incomplete();
        return in.charAt(at);
    }

    private void check(boolean condition, int status) {
        if (!condition) throw new Refused(status);
    }

    private boolean next(String regex) {
        return CLASSES.computeIfAbsent(regex, r -> {
            boolean[] members = new boolean[256];
            for (char c = 0; c < 256; c++) members[c] = String.valueOf(c).matches(r);
            return members;
        })[peek()];
    }

    private void expect(char c, int status) {
        check(peek() == c, status);
        at++;
    }

    private void head() {
        if (peek() == '\r') {
            at++;
            expect('\n', 400);
        }
        int from = at;
        while (next(TOKEN)) {
            at++;
            check(at - from <= RequestParser.METHOD_BYTES, 501);
        }
        check(at > from, 400);
        String method = in.substring(from, at);
        result.method = Math.max(0, METHODS.indexOf(method));
        expect(' ', 400);
        target(method);
        expect(' ', 400);
        version();
        while (peek() != '\r') field();
        at++;
        expect('\n', 400);
        check(result.minorVersion == 0 || result.fields.containsKey("host"), 400);
    }

    private void target(String method) {
        int from = at;
        char first = peek();
        boolean connect = method.equals("CONNECT");
        if (connect) {
            check(next("[A-Za-z0-9._~!$&'()*+,;=%\\[-]"), 400);
        } else {
            check(first == '/' || first == 'h' || first == 'H' || first == '*' && method.equals("OPTIONS"), 400);
        }
        String allowed = !connect && first == '/' ? PATH : QUERY;
        while (peek() != ' ') {
            if (peek() == '?') allowed = QUERY;
            else check(next(allowed), 400);
            at++;
            check(at - from <= limits.targetBytes(), 414);
        }
        String target = in.substring(from, at);
        result.target = target;
        result.path = "";
        if (connect) {
            check(isAuthority(target, true), 400);
            result.authority = target;
        } else if (first == '*') {
            check(target.length() == 1, 400);
        } else {
            String rest = target;
            if (first != '/') {
                check(target.matches("(?i)https?://.*"), 400);
                rest = target.substring(target.indexOf("//") + 2);
                String authority = rest.replaceFirst("[/?].*", "");
                check(!authority.isEmpty() && authority.charAt(0) != ':' && isAuthority(authority, false), 400);
                result.authority = authority;
                rest = rest.substring(authority.length());
            }
            int mark = rest.indexOf('?');
            result.path = mark < 0 ? rest : rest.substring(0, mark);
            result.query = mark < 0 ? null : rest.substring(mark + 1);
            check(result.path.matches(PATH + "*"), 400);
        }
    }

    static boolean isAuthority(String text, boolean portRequired) {
        String host;
        String port;
        if (text.startsWith("[")) {
            int end = text.indexOf(']');
            if (end < 0 || !isIpv6(text.substring(1, end))) return false;
            host = text.substring(0, end + 1);
            port = text.substring(end + 1);
        } else {
            int colon = text.indexOf(':');
            host = colon < 0 ? text : text.substring(0, colon);
            port = colon < 0 ? "" : text.substring(colon);
            if (!host.matches(REG_NAME)) return false;
        }
        if (!port.matches("(:[0-9]*)?")) return false;
        String digits = port.isEmpty() ? "" : port.substring(1).replaceFirst("^0+(?=.)", "");
        if (digits.length() > 5 || !digits.isEmpty() && Integer.parseInt(digits) > 65535) return false;
        return !portRequired || !host.isEmpty() && !digits.isEmpty();
    }

    private static boolean isIpv6(String text) {
        if (text.indexOf("::") != text.lastIndexOf("::") || text.contains(":::")) return false;
        // An IPv4 address at the end stands for two groups.
        String groups = text.replaceFirst("(?<=:)" + OCTET + "(\\." + OCTET + "){3}\\z", "0:0");
        int elision = groups.indexOf("::");
        if (elision < 0) return groups.matches("[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4}){7}");
        String list = "([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?";
        String left = groups.substring(0, elision);
        String right = groups.substring(elision + 2);
        if (!left.matches(list) || !right.matches(list)) return false;
        return count(left) + count(right) < 8;
    }

    private static int count(String groups) { return groups.isEmpty() ? 0 : groups.split(":").length; }

    private void version() {
        for (char c : "HTTP/".toCharArray()) expect(c, 400);
        char major = peek();
        check(next("[0-9]"), 400);
        at++;
        expect('.', 400);
        check(next("[0-9]"), 400);
        result.minorVersion = peek() == '0' ? 0 : 1;
        check(major == '1', 505);
        at++;
        expect('\r', 400);
        expect('\n', 400);
    }

    private void field() {
        int from = at;
        while (next(TOKEN)) at++;
        check(peek() == ':' && at > from, 400);
        check(++result.fieldCount <= limits.fieldCount(), 431);
        String name = in.substring(from, at++).toLowerCase(Locale.ROOT);
        from = at;
        while (peek() != '\r') {
            check(next("[\\t -~\\x80-\\xff]"), 400);
            at++;
        }
        at++;
        expect('\n', 400);
        String value = in.substring(from, at - 2).replaceAll("^[ \\t]+|[ \\t]+\\z", "");
        boolean again = result.fields.containsKey(name);
        result.fields.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
        switch (name) {
            case "host" -> check(!again && isAuthority(value, false), 400);
            case "connection" -> connection(value);
            case "content-length" -> {
                check(!again && !result.fields.containsKey("transfer-encoding"), 400);
                String digits = value.replaceFirst("^0+(?=.)", "");
                check(value.matches("[0-9]+") && digits.length() <= 19 && digits.compareTo("9".repeat(19)) <= 0, 400);
                check(digits.length() < 19 || digits.charAt(0) < '9', 400);
                result.contentLength = Long.parseLong(digits);
            }
            case "transfer-encoding" -> {
                check(!again && !result.fields.containsKey("content-length") && result.minorVersion == 1, 400);
                transferEncoding(value.toLowerCase(Locale.ROOT));
            }
            case "expect" -> {
                check(value.equalsIgnoreCase("100-continue"), 417);
                result.expectContinue = result.minorVersion == 1;
            }
            default -> { }
        }
    }

    private void connection(String value) {
        for (String element : value.split(",", -1)) {
            String option = element.replaceAll("^[ \\t]+|[ \\t]+\\z", "").toLowerCase(Locale.ROOT);
            check(option.isEmpty() || option.matches(TOKENS), 400);
            result.close |= option.equals("close");
            result.keepAlive |= option.equals("keep-alive");
        }
    }

    private void transferEncoding(String value) {
        if (value.equals("chunked")) {
            result.chunked = true;
            return;
        }
        String other = "(?!chunked[ \\t;,])" + TOKENS + "[ \\t]*(?:;[^,]*)?,[ \\t]*";
        check(!value.matches("(?:" + other + ")++chunked"), 501);
        throw new Refused(400);
    }
}
