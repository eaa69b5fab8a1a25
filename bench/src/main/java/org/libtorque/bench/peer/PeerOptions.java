package org.libtorque.bench.peer;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** What every peer server takes, prints and answers alike. */
abstract class PeerOptions implements Callable<Integer> {
    /** Connections that may wait to be accepted: more than any case opens, so that no SYN is dropped and retried. */
    static final int BACKLOG = 4096;
    static final String BODY = "Hello, World!";

    private static final DateTimeFormatter HTTP_DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT);

    @Option(names = "--port", required = true, description = "TCP port on 127.0.0.1")
    int port;

    /** Runs {@code server} on the arguments and, when it could not start, ends the process with a status of 1 or 2. */
    static void run(PeerOptions server, String[] args) {
        int status = new CommandLine(server).setCaseInsensitiveEnumValuesAllowed(true).execute(args);
        if (status != 0) System.exit(status);
    }

    final InetSocketAddress address() {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    final void ready(String what) {
        System.out.println("ready " + what + " on 127.0.0.1:" + port);
    }

    static String httpDate() { return HTTP_DATE.format(ZonedDateTime.now(ZoneOffset.UTC)); }

    /** Returns {@code copies} answers in a row, with the date of now. */
    static byte[] answers(String serverName, int copies) {
        String answer = answerHead(serverName) + BODY.length() + "\r\n\r\n" + BODY;
        return answer.repeat(copies).getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns an answer with the date of now as far as the name of the last field, which is the length. */
    static String answerHead(String serverName) {
        return "HTTP/1.1 200 OK\r\n"
                + "Server: " + serverName + "\r\n"
                + "Date: " + httpDate() + "\r\n"
                + "Content-Type: text/plain\r\n"
                + "Content-Length: ";
    }
}
