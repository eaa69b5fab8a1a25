package org.libtorque.apps.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.memory.ByteView;

class AcceptEncodingTest {
    private static final int ALL = AcceptEncoding.IDENTITY | AcceptEncoding.GZIP | AcceptEncoding.BR;

    private static String choose(int available, String... fields) {
        RequestHead head = new RequestHead();
        ByteView in = Corpus.view("GET / HTTP/1.1\r\nHost: a\r\n" + String.join("", fields) + "\r\n");
        assertTrue(new RequestParser(HttpLimits.DEFAULT).parse(in, head) > 0);
        return switch (AcceptEncoding.choose(in, head, available)) {
            case AcceptEncoding.IDENTITY -> "identity";
            case AcceptEncoding.GZIP -> "gzip";
            case AcceptEncoding.BR -> "br";
            default -> "none";
        };
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', ignoreLeadingAndTrailingWhitespace = true, value = {
        // value | all at hand | gzip and identity | identity alone | gzip alone
        "gzip, deflate, br, zstd     | br       | gzip     | identity | gzip",
        "gzip                        | gzip     | gzip     | identity | gzip",
        "GZIP                        | gzip     | gzip     | identity | gzip",
        "x-gzip                      | gzip     | gzip     | identity | gzip",
        "br                          | br       | identity | identity | none",
        "deflate                     | identity | identity | identity | none",
        "identity                    | identity | identity | identity | none",
        "*                           | br       | gzip     | identity | gzip",
        "*;q=0                       | none     | none     | none     | none",
        "*;q=0, gzip                 | gzip     | gzip     | none     | gzip",
        "*;q=0, identity             | identity | identity | identity | none",
        "identity;q=0                | none     | none     | none     | none",
        "identity;q=0, *             | br       | gzip     | none     | gzip",
        "identity;q=1, *;q=0         | identity | identity | identity | none",
        "gzip;q=0                    | identity | identity | identity | none",
        "gzip;q=0, br;q=0.001        | br       | identity | identity | none",
        "br;q=0.5, gzip;q=0.8        | gzip     | gzip     | identity | gzip",
        "br;q=0.8,gzip;q=0.8         | br       | gzip     | identity | gzip",
        "gzip;q=0.5, identity;q=0.6  | identity | identity | identity | gzip",
        "gzip;q=0.5, identity;q=0.5  | gzip     | gzip     | identity | gzip",
        "gzip;q=0.001                | gzip     | gzip     | identity | gzip",
        "gzip;q=0.001, identity;q=0.002 | identity | identity | identity | gzip",
        "gzip;q=0.5, *;q=0.7         | br       | identity | identity | gzip",
        "gzip ; q=1.000 , br;Q=0.999 | gzip     | gzip     | identity | gzip",
        "gzip;q=0, gzip;q=1          | gzip     | gzip     | identity | gzip",
        ",, gzip ,,                  | gzip     | gzip     | identity | gzip",
        // elements that are not well-formed are ignored
        "gzip;q=2                    | identity | identity | identity | none",
        "gzip;q=1.001                | identity | identity | identity | none",
        "gzip;q=0.1234               | identity | identity | identity | none",
        "gzip;q=.5                   | identity | identity | identity | none",
        "gzip;q=-1                   | identity | identity | identity | none",
        "gzip;q=                     | identity | identity | identity | none",
        "gzip;q                      | identity | identity | identity | none",
        "gzip;level=9                | identity | identity | identity | none",
        "gzip br                     | identity | identity | identity | none",
        "gzip;q=0.x, br              | br       | identity | identity | none",
    })
    void theAcceptableCodingOfGreatestWeightIsChosen(String value, String all, String noBr, String identity, String gzip) {
        String field = "Accept-Encoding: " + value + "\r\n";
        assertEquals(all, choose(ALL, field));
        assertEquals(noBr, choose(AcceptEncoding.GZIP | AcceptEncoding.IDENTITY, field));
        assertEquals(identity, choose(AcceptEncoding.IDENTITY, field));
        assertEquals(gzip, choose(AcceptEncoding.GZIP, field));
    }

    @Test void withoutTheFieldOrWithAnEmptyOneNothingIsEncoded() {
        assertEquals("identity", choose(ALL));
        assertEquals("identity", choose(ALL, "Accept-Encoding:\r\n"));
    }

    @Test void theFieldMayBeSpreadOverLines() {
        assertEquals("br", choose(ALL, "Accept-Encoding: gzip\r\n", "X: y\r\n", "Accept-Encoding: br\r\n"));
        assertEquals("gzip", choose(ALL, "Accept-Encoding: gzip\r\n", "Accept-Encoding: br;q=0.5\r\n"));
    }
}
