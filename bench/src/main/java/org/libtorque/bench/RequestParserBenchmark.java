package org.libtorque.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.libtorque.apps.http.HttpLimits;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.apps.http.RequestParser;
import org.libtorque.memory.ByteView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time to parse one request head that is all there: kweb's parser, Netty's decoder, and, as the floor, a search for the
 * empty line and nothing else. {@code -prof gc} shows what they allocate.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgs = "--enable-native-access=ALL-UNNAMED")
public class RequestParserBenchmark {
    private static final String PLAINTEXT = """
            GET /plaintext HTTP/1.1
            Host: localhost:8080
            Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7
            Connection: keep-alive

            """;
    private static final String SIX_FIELDS = """
            GET /index.html HTTP/1.1
            Host: localhost:8080
            User-Agent: Mozilla/5.0 (X11; Linux x86_64)
            Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
            Accept-Language: en
            Accept-Encoding: gzip, deflate
            Connection: keep-alive

            """;
    private static final String BROWSER = """
            GET /a/b/c?x=1&y=2 HTTP/1.1
            Host: www.example.com
            User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0
            Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
            Accept-Language: en-US,en;q=0.5
            Accept-Encoding: gzip, deflate, br, zstd
            Connection: keep-alive
            Cookie: session=0123456789abcdef0123456789abcdef; theme=dark
            Upgrade-Insecure-Requests: 1
            Sec-Fetch-Dest: document
            Sec-Fetch-Mode: navigate
            Sec-Fetch-Site: none
            Sec-Fetch-User: ?1
            If-None-Match: "abcdef"

            """;

    /** Which request: 3 fields in 169 bytes, 6 in 245, 13 in 543. */
    @Param({"plaintext", "sixFields", "browser"})
    public String request;

    private final RequestParser parser = new RequestParser(HttpLimits.DEFAULT);
    private final RequestHead head = new RequestHead();
    private final EmbeddedChannel netty = new EmbeddedChannel(new HttpRequestDecoder());
    private ByteView view;
    private ByteBuf buffer;

    /** Puts the request where the parsers find it. */
    @Setup public void prepare() {
        String text = switch (request) {
            case "plaintext" -> PLAINTEXT;
            case "sixFields" -> SIX_FIELDS;
            default -> BROWSER;
        };
        byte[] bytes = text.replace("\n", "\r\n").getBytes(StandardCharsets.US_ASCII);
        view = ByteView.copyOf(bytes);
        buffer = Unpooled.unreleasableBuffer(Unpooled.directBuffer(bytes.length).writeBytes(bytes));
        if (parser.parse(view, head) != bytes.length) throw new IllegalStateException(head.error());
    }

    /** kweb's parser. */
    @Benchmark public int kweb() { return parser.parse(view, head); }

    /** The search for the empty line alone. */
    @Benchmark public int emptyLineOnly() {
        int at = view.indexOf((byte) '\r', 0);
        while (view.getInt(at) != 0x0A0D_0A0D) at = view.indexOf((byte) '\r', at + 1);
        return at + 4;
    }

    /** Netty's decoder, headers validated, objects released. */
    @Benchmark public int netty() {
        netty.writeInbound(buffer.duplicate());
        int messages = 0;
        for (Object message; (message = netty.readInbound()) != null; messages++) ReferenceCountUtil.release(message);
        return messages;
    }
}
