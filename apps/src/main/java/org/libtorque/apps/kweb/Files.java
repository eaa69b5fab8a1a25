package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import org.libtorque.apps.http.AcceptEncoding;
import org.libtorque.apps.http.ByteRanges;
import org.libtorque.apps.http.Conditions;
import org.libtorque.apps.http.HttpDate;
import org.libtorque.apps.http.MediaTypes;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.apps.http.RequestPath;
import org.libtorque.apps.http.TextEncoder;
import org.libtorque.event.FileOpenException;
import org.libtorque.event.FileRoot;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;

/**
 * Answers requests for files: small ones from the vcore's {@link FileCache}, others from the file itself by sendfile(2). Conditions, ranges, pre-compressed
 * siblings ({@code .br}, {@code .gz}), index files and, if switched on, listings.
 *
 * <p>No path leaves the root: {@link RequestPath} refuses what climbs out by its text, and the kernel, through {@link FileRoot}, what would do so by links.
 */
final class Files {
    private static final byte[] INDEX = "index.html".getBytes(ISO_8859_1);
    private static final byte[] GZIP_SUFFIX = ".gz".getBytes(ISO_8859_1);
    private static final byte[] BR_SUFFIX = ".br".getBytes(ISO_8859_1);
    private static final byte[] CONTENT_TYPE = "Content-Type: ".getBytes(ISO_8859_1);
    private static final byte[] CONTENT_RANGE = "Content-Range: ".getBytes(ISO_8859_1);
    private static final byte[] MULTIPART = "Content-Type: multipart/byteranges; boundary=".getBytes(ISO_8859_1);
    private static final byte[] RETRY_AFTER = "Retry-After: 1\r\n".getBytes(ISO_8859_1);
    private static final int SUFFIX_ROOM = 16;
    private static final int MAX_LISTED = 10_000;

    private final VcoreSite site;
    private final FileRoot root;
    private final FileCache cache;
    private final long cacheFileBytes;
    private final byte[] name;
    private final byte[] boundary = ("kweb" + Long.toHexString(new java.security.SecureRandom().nextLong())
            + Long.toHexString(new java.security.SecureRandom().nextLong())).getBytes(ISO_8859_1);

    Files(VcoreSite site) {
        this.site = site;
        root = site.site.root;
        cache = new FileCache(site, root, site.site.options.cacheBytes());
        cacheFileBytes = Math.min(site.site.options.cacheFileBytes(), Integer.MAX_VALUE / 2);
        name = new byte[site.site.limits.targetBytes() + SUFFIX_ROOM];
    }

    /** Answers GET or HEAD. */
    void answer(Session session, ByteView in, boolean plain, boolean get, boolean keepAlive) {
        RequestHead head = session.head;
        if (head.targetForm() > RequestHead.ABSOLUTE_FORM) {
            session.error(400, CannedAnswer.SERVER, keepAlive);
            return;
        }
        if (cache.isEnabled()) {
            CachedFile file = cache.get(in, head.pathOffset(), head.pathLength(), site.vcore.now());
            if (file != null) {
                answerCached(session, in, file, plain, get, keepAlive);
                return;
            }
        }
        try {
            answerFromDisk(session, in, plain, get, keepAlive);
        } catch (FileOpenException e) {
            switch (e.reason()) {
                case NOT_FOUND, OUTSIDE, LINK -> session.error(404, CannedAnswer.SERVER, keepAlive);
                case FORBIDDEN -> session.error(403, CannedAnswer.SERVER, keepAlive);
                case EXHAUSTED -> session.error(503, RETRY_AFTER, keepAlive);
                case OTHER -> {
                    site.warn("cannot open a file", e);
                    session.error(500, CannedAnswer.SERVER, keepAlive);
                }
            }
        } catch (IOException e) {
            site.warn("cannot read a file", e);
            session.error(500, CannedAnswer.SERVER, keepAlive);
        }
    }

    // --------------------------------------------------------------------------------------------------------------- from cache

    private void answerCached(Session session, ByteView in, CachedFile file, boolean plain, boolean get, boolean keepAlive) {
        RequestHead head = session.head;
        CachedFile.Variant variant = file.identity();
        if (file.hasSiblings()) {
            int available = AcceptEncoding.IDENTITY | (file.gzip() != null ? AcceptEncoding.GZIP : 0) | (file.br() != null ? AcceptEncoding.BR : 0);
            int chosen = AcceptEncoding.choose(in, head, available);
            if (chosen == AcceptEncoding.BR) variant = file.br();
            else if (chosen == AcceptEncoding.GZIP) variant = file.gzip();
        }
        if (isConditional(head) && answerSpecially(session, in, variant.etag(), variant.fields(), variant.contentType(), variant.modifiedSecond(),
                variant.size(), variant.answer(), null, get, keepAlive)) {
            return;
        }
        variant.answer().put(session.connection.output(), site.date(), site.second(), plain, get, keepAlive, head.minorVersion());
        session.logged(200, get ? variant.size() : 0);
    }

    private static boolean isConditional(RequestHead head) {
        return head.has(RequestHead.IF_MATCH) || head.has(RequestHead.IF_NONE_MATCH)
                || head.has(RequestHead.IF_MODIFIED_SINCE) || head.has(RequestHead.IF_UNMODIFIED_SINCE) || head.has(RequestHead.RANGE);
    }

    // ---------------------------------------------------------------------------------------------------------------- from disk

    private void answerFromDisk(Session session, ByteView in, boolean plain, boolean get, boolean keepAlive) throws IOException {
        RequestHead head = session.head;
        RequestPath path = site.path;
        int length = path.resolve(in, head.pathOffset(), head.pathLength());
        if (length < 0) {
            session.error(-length, CannedAnswer.SERVER, keepAlive);
            return;
        }
        System.arraycopy(path.bytes(), 0, name, 0, length);
        if (path.isDirectory()) {
            int directoryLength = length;
            if (length > 0) name[length++] = '/';
            System.arraycopy(INDEX, 0, name, length, INDEX.length);
            length += INDEX.length;
            try {
                answerFile(session, in, length, plain, get, keepAlive);
            } catch (FileOpenException e) {
                if (e.reason() != FileOpenException.Reason.NOT_FOUND || !site.site.options.listing()) throw e;
                list(session, directoryLength, get, keepAlive);
            }
            return;
        }
        answerFile(session, in, length, plain, get, keepAlive);
    }

    /** Answers with the file whose path is the first {@code length} bytes of {@code name}. */
    private void answerFile(Session session, ByteView in, int length, boolean plain, boolean get, boolean keepAlive) throws IOException {
        RequestHead head = session.head;
        boolean mayCache = cache.isEnabled() && cache.watchDirectoriesOf(name, length);
        OpenFile file = null;
        if (mayCache) {
            try {
                file = root.open(name, length, false);
            } catch (FileOpenException e) {
                if (e.reason() != FileOpenException.Reason.LINK) throw e;
                mayCache = false; // a change behind a link would not be seen
            }
        }
        if (file == null) file = root.open(name, length);
        boolean handedOver = false;
        try {
            if (file.isDirectory()) {
                redirectToDirectory(session, in, keepAlive);
                return;
            }
            if (!file.isRegular()) { // a device, a pipe, a socket: nothing that has a length
                session.error(403, CannedAnswer.SERVER, keepAlive);
                return;
            }
            if (mayCache && file.links() == 1 && file.size() <= cacheFileBytes) {
                CachedFile cached = load(file, length);
                if (cached != null) {
                    cache.put(in.toByteArray(head.pathOffset(), head.pathLength()), cached);
                    answerCached(session, in, cached, plain, get, keepAlive);
                    return;
                }
            }
            handedOver = answerUncached(session, in, file, length, get, keepAlive);
        } finally {
            if (!handedOver) file.close();
        }
    }

    /** Reads a file and its siblings for the cache; null if the file changed its size meanwhile. */
    private CachedFile load(OpenFile file, int length) throws IOException {
        byte[] type = MediaTypes.of(name, length);
        OpenFile gzipFile = sibling(file, length, GZIP_SUFFIX, true);
        OpenFile brFile = sibling(file, length, BR_SUFFIX, true);
        try {
            boolean vary = gzipFile != null || brFile != null;
            CachedFile.Variant identity = loadVariant(file, type, null, vary);
            CachedFile.Variant gzip = gzipFile == null ? null : loadVariant(gzipFile, type, "gzip", true);
            CachedFile.Variant br = brFile == null ? null : loadVariant(brFile, type, "br", true);
            if (identity == null) return null;
            long bytes = 512L + identity.size() + (gzip == null ? 0 : gzip.size()) + (br == null ? 0 : br.size());
            return new CachedFile(new String(name, 0, length, UTF_8), identity, gzip, br, bytes, site.vcore.now() + cache.lifetimeNanos());
        } finally {
            if (gzipFile != null) gzipFile.close();
            if (brFile != null) brFile.close();
        }
    }

    /** Opens a pre-compressed sibling: a regular file, not older than the file, and small enough where {@code forCache}; else null. */
    private OpenFile sibling(OpenFile original, int length, byte[] suffix, boolean forCache) throws FileOpenException {
        System.arraycopy(suffix, 0, name, length, suffix.length);
        OpenFile file;
        try {
            file = root.open(name, length + suffix.length, !forCache);
        } catch (FileOpenException e) {
            if (e.reason() == FileOpenException.Reason.EXHAUSTED) throw e;
            return null;
        }
        boolean newer = file.modifiedSeconds() > original.modifiedSeconds()
                || file.modifiedSeconds() == original.modifiedSeconds() && file.modifiedNanos() >= original.modifiedNanos();
        if (file.isRegular() && newer && (!forCache || file.links() == 1 && file.size() <= cacheFileBytes)) return file;
        file.close();
        return null;
    }

    private CachedFile.Variant loadVariant(OpenFile file, byte[] type, String coding, boolean vary) throws IOException {
        byte[] body = new byte[(int) file.size()];
        if (file.read(0, body, 0, body.length) != body.length) return null;
        byte[] etag = etag(file);
        byte[] fields = fields(file, etag, coding, vary);
        byte[] all = new byte[fields.length + CONTENT_TYPE.length + type.length + 2];
        System.arraycopy(fields, 0, all, 0, fields.length);
        System.arraycopy(CONTENT_TYPE, 0, all, fields.length, CONTENT_TYPE.length);
        System.arraycopy(type, 0, all, fields.length + CONTENT_TYPE.length, type.length);
        all[all.length - 2] = '\r';
        all[all.length - 1] = '\n';
        return new CachedFile.Variant(new CannedAnswer(all, body), etag, fields, type, file.modifiedSeconds(), body.length);
    }

    /** A strong entity tag: two contents that were ever at a path differ in size or in the nanosecond of their last change. */
    private static byte[] etag(OpenFile file) {
        return ("\"" + Long.toHexString(file.size()) + "-" + Long.toHexString(file.modifiedSeconds() * 1_000_000_000L + file.modifiedNanos()) + "\"")
                .getBytes(ISO_8859_1);
    }

    /** Returns ETag, Last-Modified, Accept-Ranges, and for a representation among several Content-Encoding and Vary. */
    private byte[] fields(OpenFile file, byte[] etag, String coding, boolean vary) {
        byte[] modified = new byte[HttpDate.LENGTH];
        HttpDate.format(Math.min(file.modifiedSeconds(), site.second()), modified, 0); // RFC 9110, 8.8.2.1: not later than the Date
        return ("ETag: " + new String(etag, ISO_8859_1) + "\r\nLast-Modified: " + new String(modified, ISO_8859_1) + "\r\nAccept-Ranges: bytes\r\n"
                + (coding == null ? "" : "Content-Encoding: " + coding + "\r\n") + (vary ? "Vary: Accept-Encoding\r\n" : "")).getBytes(ISO_8859_1);
    }

    /** Answers from an open file that is not cached. Returns whether it will be closed when it has been sent. */
    private boolean answerUncached(Session session, ByteView in, OpenFile file, int length, boolean get, boolean keepAlive) throws IOException {
        RequestHead head = session.head;
        byte[] type = MediaTypes.of(name, length);
        OpenFile brFile = sibling(file, length, BR_SUFFIX, false);
        OpenFile gzipFile = null;
        boolean handedOver = false;
        try {
            gzipFile = sibling(file, length, GZIP_SUFFIX, false);
            boolean vary = gzipFile != null || brFile != null;
            OpenFile chosen = file;
            String coding = null;
            if (vary) {
                int available = AcceptEncoding.IDENTITY | (gzipFile != null ? AcceptEncoding.GZIP : 0) | (brFile != null ? AcceptEncoding.BR : 0);
                int choice = AcceptEncoding.choose(in, head, available);
                if (choice == AcceptEncoding.BR) {
                    chosen = brFile;
                    coding = "br";
                } else if (choice == AcceptEncoding.GZIP) {
                    chosen = gzipFile;
                    coding = "gzip";
                }
            }
            byte[] etag = etag(chosen);
            byte[] fields = fields(chosen, etag, coding, vary);
            boolean sends = get && chosen.size() > 0;
            if (isConditional(head)) {
                SendingFile sending = new SendingFile(session, chosen, keepAlive);
                if (answerSpecially(session, in, etag, fields, type, chosen.modifiedSeconds(), chosen.size(), null, sending, get, keepAlive)) {
                    handedOver = sending.isStarted();
                    if (handedOver && chosen == brFile) brFile = null;
                    if (handedOver && chosen == gzipFile) gzipFile = null;
                    return handedOver && chosen == file;
                }
            }
            ByteSink out = session.connection.output();
            session.startHead(out, 200, keepAlive);
            out.put(fields);
            out.put(CONTENT_TYPE);
            out.put(type);
            out.put(CannedAnswer.LINE_END);
            putLength(out, chosen.size());
            session.logged(200, get ? chosen.size() : 0);
            if (!sends) return false;
            new SendingFile(session, chosen, keepAlive).start(0, chosen.size());
            if (chosen == brFile) brFile = null;
            if (chosen == gzipFile) gzipFile = null;
            return chosen == file;
        } finally {
            if (brFile != null) brFile.close();
            if (gzipFile != null) gzipFile.close();
        }
    }

    /** Puts Content-Length and the empty line. */
    private static void putLength(ByteSink out, long length) {
        out.put(CannedAnswer.CONTENT_LENGTH);
        out.putDecimal(length);
        out.put(CannedAnswer.LINE_END);
        out.put(CannedAnswer.LINE_END);
    }

    // ------------------------------------------------------------------------------------------------------- conditions, ranges

    /**
     * Answers 304, 412, 206 or 416 if the request asks for that. The body comes from {@code cached} or {@code file}, whichever is not null.
     *
     * @return false if a plain 200 is due
     */
    private boolean answerSpecially(Session session, ByteView in, byte[] etag, byte[] fields, byte[] type, long modified, long size, CannedAnswer cached,
                                    SendingFile file, boolean get, boolean keepAlive) {
        RequestHead head = session.head;
        int verdict = Conditions.evaluate(in, head, etag, modified, site.second());
        if (verdict == Conditions.NOT_MODIFIED) {
            ByteSink out = session.connection.output();
            session.startHead(out, 304, keepAlive);
            out.put(fields);
            out.put(CannedAnswer.LINE_END);
            session.logged(304, 0);
            return true;
        }
        if (verdict == Conditions.PRECONDITION_FAILED) {
            session.error(412, CannedAnswer.SERVER, keepAlive);
            return true;
        }
        if (!Conditions.rangeApplies(in, head, etag, modified, site.second())) return false;
        ByteRanges ranges = site.ranges;
        int result = ranges.parse(in, head.offset(RequestHead.RANGE), head.length(RequestHead.RANGE), size);
        if (result == ByteRanges.IGNORE) return false;
        if (result == ByteRanges.UNSATISFIABLE) {
            session.error(416, ("Content-Range: bytes */" + size + "\r\n").getBytes(ISO_8859_1), keepAlive);
            return true;
        }
        ByteSink out = session.connection.output();
        session.startHead(out, 206, keepAlive);
        out.put(fields);
        if (ranges.count() == 1) {
            out.put(CONTENT_TYPE);
            out.put(type);
            out.put(CannedAnswer.LINE_END);
            out.put(CONTENT_RANGE);
            ranges.putContentRange(out, 0);
            out.put(CannedAnswer.LINE_END);
            putLength(out, ranges.length(0));
            session.logged(206, ranges.length(0));
            if (cached != null) cached.putBody(out, (int) ranges.first(0), (int) ranges.length(0));
            else file.start(ranges.first(0), ranges.length(0));
            return true;
        }
        out.put(MULTIPART);
        out.put(boundary);
        out.put(CannedAnswer.LINE_END);
        long length = ranges.multipartLength(boundary, type);
        putLength(out, length);
        session.logged(206, length);
        if (cached != null) {
            for (int i = 0; i < ranges.count(); i++) {
                ranges.putPartHead(out, i, boundary, type);
                cached.putBody(out, (int) ranges.first(i), (int) ranges.length(i));
            }
            ByteRanges.putEnd(out, boundary);
        } else {
            file.startParts(copyOf(in, head, size), boundary, type);
        }
        return true;
    }

    /** The vcore's ranges serve the next request soon; parts that are sent over time need their own. */
    private static ByteRanges copyOf(ByteView in, RequestHead head, long size) {
        ByteRanges own = new ByteRanges();
        own.parse(in, head.offset(RequestHead.RANGE), head.length(RequestHead.RANGE), size);
        return own;
    }

    // --------------------------------------------------------------------------------------------------------------- directories

    private void redirectToDirectory(Session session, ByteView in, boolean keepAlive) {
        RequestHead head = session.head;
        ByteSink out = session.connection.output();
        session.startHead(out, 301, keepAlive);
        out.putLatin1("Location: ");
        RequestPath path = site.path; // normalised: a target such as //host/ must not become a reference to another host
        out.putByte('/');
        TextEncoder.putUrlPath(out, path.bytes(), 0, path.length());
        out.putByte('/');
        if (head.queryOffset() >= 0) {
            out.putByte('?');
            out.put(in, head.queryOffset(), head.queryLength());
        }
        out.putLatin1("\r\nContent-Length: 0\r\n\r\n");
        session.logged(301, 0);
    }

    private void list(Session session, int length, boolean get, boolean keepAlive) throws IOException {
        List<String> names;
        java.util.Set<String> directories = new java.util.HashSet<>();
        try (OpenFile directory = root.open(name, length)) {
            if (!directory.isDirectory()) throw new IOException("not a directory");
            names = directory.list(MAX_LISTED, directories);
        }
        String title = "/" + new String(name, 0, length, UTF_8) + (length > 0 ? "/" : "");
        byte[] body = Listing.page(title, names, directories);
        ByteSink out = session.connection.output();
        session.startHead(out, 200, keepAlive);
        out.putLatin1("Content-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\n");
        putLength(out, body.length);
        if (get) out.put(body);
        session.logged(200, get ? body.length : 0);
    }
}
