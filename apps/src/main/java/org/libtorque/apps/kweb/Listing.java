package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Collections;
import java.util.List;
import java.util.Set;

/** The page that lists a directory. */
final class Listing {
    private static final String UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    private Listing() {}

    /**
     * Makes the page.
     *
     * @param title       the directory's path as a client sees it, with slashes around
     * @param names       its entries; sorted in place
     * @param directories those of them that are directories
     * @return UTF-8
     */
    static byte[] page(String title, List<String> names, Set<String> directories) {
        Collections.sort(names);
        StringBuilder page = new StringBuilder(1024);
        page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
        appendHtml(page, title);
        page.append("</title></head>\n<body><h1>");
        appendHtml(page, title);
        page.append("</h1>\n<ul>\n");
        if (title.length() > 1) page.append("<li><a href=\"../\">../</a></li>\n");
        for (String entry : names) {
            String slash = directories.contains(entry) ? "/" : "";
            page.append("<li><a href=\"./"); // so that a name with a colon is not taken for a scheme
            appendUrlSegment(page, entry);
            page.append(slash).append("\">");
            appendHtml(page, entry);
            page.append(slash).append("</a></li>\n");
        }
        return page.append("</ul></body></html>\n").toString().getBytes(UTF_8);
    }

    static void appendHtml(StringBuilder page, String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> page.append("&amp;");
                case '<' -> page.append("&lt;");
                case '>' -> page.append("&gt;");
                case '"' -> page.append("&quot;");
                case '\'' -> page.append("&#39;");
                default -> page.append(c);
            }
        }
    }

    static void appendUrlSegment(StringBuilder page, String segment) {
        for (byte b : segment.getBytes(UTF_8)) {
            if (UNRESERVED.indexOf(b) >= 0) page.append((char) b);
            else page.append('%').append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
    }
}
