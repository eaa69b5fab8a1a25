package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class StatusLinesTest {
    @Test void aStatusLineHasVersionStatusAndReason() {
        assertEquals("HTTP/1.1 200 OK\r\n", Corpus.text(StatusLines.of(200)));
        assertEquals("HTTP/1.1 431 Request Header Fields Too Large\r\n", Corpus.text(StatusLines.of(431)));
        assertEquals("HTTP/1.1 100 Continue\r\n\r\n", Corpus.text(StatusLines.CONTINUE));
    }

    @Test void aStatusThatThisServerDoesNotSendIsRejected() {
        for (int status : new int[] {0, 99, 299, 418, 599, 600, -1}) assertThrows(IllegalArgumentException.class, () -> StatusLines.of(status));
    }

    @Test void everyStatusOfTheParserAndTheOthersHasALine() {
        for (int status : new int[] {400, 412, 413, 414, 416, 417, 431, 501, 505, 206, 304}) StatusLines.of(status);
    }

    @Test void anErrorIsACompleteAnswer() {
        HeapSink out = new HeapSink();
        byte[] date = new HttpDate().bytes(784111777);
        StatusLines.putError(out, 405, date, Corpus.bytes("Server: s\r\nAllow: GET, HEAD\r\n"), true, false);
        assertEquals("HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: s\r\nAllow: GET, HEAD\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\nConnection: keep-alive\r\n\r\n405 Method Not Allowed\n", out.text());
        out.clear();
        StatusLines.putError(out, 404, date, new byte[0], false, true);
        assertEquals("HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\nConnection: close\r\n\r\n", out.text());
    }
}
