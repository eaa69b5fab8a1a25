package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MediaTypesTest {
    private static String of(String path) {
        byte[] bytes = Corpus.bytes(path + "junk");
        return Corpus.text(MediaTypes.of(bytes, path.length()));
    }

    @ParameterizedTest
    @CsvSource({"index.html, text/html; charset=utf-8", "INDEX.HTM, text/html; charset=utf-8", "a/b.c/style.CsS, text/css; charset=utf-8",
        "app.js, text/javascript; charset=utf-8", "app.mjs, text/javascript; charset=utf-8", "x.json, application/json; charset=utf-8",
        "x.svg, image/svg+xml; charset=utf-8", "x.png, image/png", "x.jpeg, image/jpeg", "x.webp, image/webp", "x.mp4, video/mp4", "x.webm, video/webm",
        "x.woff2, font/woff2", "x.pdf, application/pdf", "x.wasm, application/wasm", "a.tar.gz, application/gzip", "site.webmanifest, application/manifest+json; charset=utf-8",
        "x.txt, text/plain; charset=utf-8", "x.7z, application/x-7z-compressed", "favicon.ico, image/vnd.microsoft.icon"})
    void theExtensionTellsTheType(String path, String type) { assertEquals(type, of(path)); }

    @ParameterizedTest
    @CsvSource(value = {"x", "''", ".", "x.", ".html", "a/.html", "a.html/x", "x.unknown", "x.htmlx", "x.averyveryverylongextension", "x.html ", "a.b/", "x.htm\0"}, ignoreLeadingAndTrailingWhitespace = false)
    void withoutAKnownExtensionItIsJustBytes(String path) {
        assertSame(MediaTypes.DEFAULT, MediaTypes.of(Corpus.bytes(path), path.length()));
    }

    @Test void textComesWithItsCharacterSet() {
        for (String extension : "html css js txt md csv xml json svg vtt".split(" ")) assertTrue(of("x." + extension).endsWith("; charset=utf-8"), extension);
        for (String extension : "png mp4 zip woff pdf gz".split(" ")) assertTrue(!of("x." + extension).contains("charset"), extension);
    }

    @Test void theTableIsThere() { assertTrue(MediaTypes.size() >= 150, "" + MediaTypes.size()); }
}
