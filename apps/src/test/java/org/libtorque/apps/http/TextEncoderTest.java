package org.libtorque.apps.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TextEncoderTest {
    private static String html(byte[] text) {
        HeapSink out = new HeapSink();
        TextEncoder.putHtml(out, text, 0, text.length);
        return new String(out.text().getBytes(ISO_8859_1), UTF_8);
    }

    private static String url(byte[] text) {
        HeapSink out = new HeapSink();
        TextEncoder.putUrlPath(out, text, 0, text.length);
        return out.text();
    }

    @Test void markupMeansItself() {
        assertEquals("&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;", html(Corpus.bytes("<a href=\"x\" title='y'>&amp;")));
    }

    @Test void textBeyondAsciiStaysAndWhatIsNotUtf8IsReplaced() {
        String text = "héllo € 😀 \u07ff\u0800\uffff";
        assertEquals(text, html(text.getBytes(UTF_8)));
        assertEquals("a\ufffdb\ufffd\ufffdc", html(Corpus.bytes("a\u00ffb\u00c0\u0080c")));
        assertEquals("\ufffd\ufffd", html(Corpus.bytes("\u00e2\u0082")));
        assertEquals("a\ufffdb\ufffd", html(Corpus.bytes("a\0b\177")));
    }

    @Test void onlyTheGivenPartIsWritten() {
        HeapSink out = new HeapSink();
        TextEncoder.putHtml(out, Corpus.bytes("<abc>"), 1, 4);
        TextEncoder.putUrlPath(out, Corpus.bytes(" x "), 1, 2);
        assertEquals("abcx", out.text());
    }

    @Test void urlsHoldUnreservedBytesSlashesAndEscapes() {
        assertEquals("a/b-._~09AZaz", url(Corpus.bytes("a/b-._~09AZaz")));
        assertEquals("%20%25%3F%23%22%3C%3E%26%27%3A%2B%5C%00%FF", url(Corpus.bytes(" %?#\"<>&':+\\\0\377")));
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void aUrlResolvesToThePathItWasMadeOf(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 200; i++) {
            StringBuilder name = new StringBuilder();
            for (int n = 1 + random.nextInt(20); n > 0; n--) {
                int c = random.nextInt(3) == 0 ? random.nextInt(0x110000) : 0x20 + random.nextInt(0x5F);
                if (c >= 0x20 && c != 0x7F && c != '/' && c != '\\' && (c < 0xD800 || c > 0xDFFF)) name.appendCodePoint(c);
            }
            byte[] bytes = ("d/" + name + "x").getBytes(UTF_8);
            String url = "/" + url(bytes);
            assertTrue(URI.create(url).getPath().equals("/d/" + name + "x"), url);
            RequestPath path = new RequestPath(1000);
            int length = path.resolve(Corpus.view(url), 0, url.length());
            assertEquals(new String(bytes, UTF_8), new String(path.bytes(), 0, length, UTF_8));
        }
    }
}
