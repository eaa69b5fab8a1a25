package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.libtorque.apps.http.AcceptEncoding;
import org.libtorque.apps.http.ByteRanges;
import org.libtorque.apps.http.Conditions;
import org.libtorque.apps.http.MediaTypes;
import org.libtorque.apps.http.RequestHead;
import org.libtorque.apps.http.RequestPath;
import org.libtorque.apps.http.TextEncoder;
import org.libtorque.event.DirectoryEntry;
import org.libtorque.event.DirectoryHandler;
import org.libtorque.event.DirectoryWalk;
import org.libtorque.event.FileOpenException;
import org.libtorque.event.FileRoot;
import org.libtorque.event.FileType;
import org.libtorque.event.OpenFile;
import org.libtorque.memory.ByteSink;
import org.libtorque.memory.ByteView;

/**
 * Answers requests for files: small ones from the vcore's {@link FileCache}, others from the file itself by sendfile(2). What is on disk is first brought into memory without
 * holding the vcore ({@link Warming}), and the answer then made from the beginning. Conditions, ranges, pre-compressed
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
    private static final byte[] LISTING_FIELDS = "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\n".getBytes(ISO_8859_1);
    private static final int MAX_LISTED = 10_000;

    private final VcoreSite site;
    private final FileRoot root;
    private final FileCache cache;
    private final long cacheFileBytes;
    /** The path of the file that is being looked for, with room for what may be put behind. */
    private final byte[] name;
    /** Whether the request's file may go to the cache, as far as is known. */
    private boolean mayCache;
    /** Whether the disk may be waited for. It is not, until what the request needs has been brought into memory by others: then only what has gone from there again. */
    private boolean mayWait;
    /** Length of the path that was opened last, in {@link #name}. */
    private int openedLength;
    private final byte[] boundary = ("kweb" + Long.toHexString(new java.security.SecureRandom().nextLong())
            + Long.toHexString(new java.security.SecureRandom().nextLong())).getBytes(ISO_8859_1);

    Files(VcoreSite site) {
        this.site = site;
        root = site.site.root;
        cache = new FileCache(site, root, site.hasHome() ? site.site.options.cacheBytes() : 0);
        cacheFileBytes = Math.min(site.site.options.cacheFileBytes(), Integer.MAX_VALUE / 2);
        name = new byte[site.site.limits.targetBytes() + SUFFIX_ROOM];
    }

    /** The disk would have to be waited for. */
    private static final class OnDiskException extends IOException {
        private static final long serialVersionUID = 1L;
        static final OnDiskException INSTANCE = new OnDiskException();

        @Override public synchronized Throwable fillInStackTrace() { return this; }
    }

    /**
     * Answers GET or HEAD, perhaps later.
     *
     * @param again whether this request has waited for the disk
     */
    void answer(Session session, ByteView in, boolean again) {
        mayWait = again || site.vcore == null; // a platform thread may
        RequestHead head = session.head;
        if (cache.isEnabled()) {
            // The request may have overtaken the news of a change that was made before it was sent: short work goes before long, and colours run on other vcores.
            cache.catchUp(session.isAway());
            CachedFile file = cache.get(in, head.pathOffset(), head.pathLength(), site.now());
            if (file != null) {
                answerCached(session, in, file);
                return;
            }
        }
        try {
            answerFromDisk(session, in);
        } catch (OnDiskException e) {
            session.startWaitingForDisk(in);
            new Warming(session, root, name, openedLength, cache.isEnabled() ? cacheFileBytes : 0).start();
        } catch (FileOpenException e) {
            switch (e.reason()) {
                case NOT_FOUND, OUTSIDE, LINK -> session.error(404);
                case FORBIDDEN -> session.error(403);
                case EXHAUSTED -> session.error(503, RETRY_AFTER);
                case OTHER -> {
                    site.warn("cannot open a file", e);
                    session.error(500);
                }
            }
        } catch (IOException e) {
            site.warn("cannot read a file", e);
            session.error(500);
        }
    }

    // --------------------------------------------------------------------------------------------------------------- from cache

    private static void answerCached(Session session, ByteView in, CachedFile file) {
        CachedFile.Variant variant = file.identity();
        if (file.hasSiblings()) {
            int chosen = choose(in, session.head, file.gzip() != null, file.br() != null);
            if (chosen == AcceptEncoding.BR) variant = file.br();
            else if (chosen == AcceptEncoding.GZIP) variant = file.gzip();
        }
        if (isConditional(session.head) && session.site.files.answerSpecially(session, in, variant.what(), variant.answer(), null)) return;
        session.put(variant.answer());
    }

    /** Returns the coding to answer in. One that is not acceptable is better than none: then it is the file as it is. */
    private static int choose(ByteView in, RequestHead head, boolean gzip, boolean br) {
        return AcceptEncoding.choose(in, head, AcceptEncoding.IDENTITY | (gzip ? AcceptEncoding.GZIP : 0) | (br ? AcceptEncoding.BR : 0));
    }

    private static boolean isConditional(RequestHead head) {
        return head.has(RequestHead.IF_MATCH) || head.has(RequestHead.IF_NONE_MATCH)
                || head.has(RequestHead.IF_MODIFIED_SINCE) || head.has(RequestHead.IF_UNMODIFIED_SINCE) || head.has(RequestHead.RANGE);
    }

    // ---------------------------------------------------------------------------------------------------------------- from disk

    private void answerFromDisk(Session session, ByteView in) throws IOException {
        RequestHead head = session.head;
        RequestPath path = site.path;
        int length = path.resolve(in, head.pathOffset(), head.pathLength());
        if (length < 0) {
            session.error(-length);
            return;
        }
        System.arraycopy(path.bytes(), 0, name, 0, length);
        if (!path.isDirectory()) {
            if (!answerFile(session, in, length)) redirectToDirectory(session, in);
            return;
        }
        int directoryLength = length;
        if (length > 0) name[length++] = '/';
        System.arraycopy(INDEX, 0, name, length, INDEX.length);
        length += INDEX.length;
        try {
            if (answerFile(session, in, length)) return;
        } catch (FileOpenException e) {
            if (e.reason() != FileOpenException.Reason.NOT_FOUND) throw e;
        }
        // There is no index, or it is a directory itself.
        if (site.site.options.listing()) list(session, directoryLength);
        else session.error(404);
    }

    /**
     * Answers with the file whose path is the first {@code length} bytes of {@code name}.
     *
     * @return false if it is a directory, and no answer has been put
     */
    private boolean answerFile(Session session, ByteView in, int length) throws IOException {
        RequestHead head = session.head;
        if (!mayWait && cache.isEnabled() && !cache.isWatching(name, length)) {
            // Whoever begins to watch a directory waits for it. What can be opened without waiting has its directories in memory.
            mayCache = false;
            open(length).close();
        }
        mayCache = cache.isEnabled() && cache.watchDirectoriesOf(name, length);
        OpenFile file = null;
        OpenFile gzip = null;
        OpenFile br = null;
        try {
            file = open(length);
            if (file.isDirectory()) return false;
            if (!file.isRegular()) { // a device, a pipe, a socket: nothing that has a length
                session.error(403);
                return true;
            }
            gzip = sibling(file, length, GZIP_SUFFIX);
            br = sibling(file, length, BR_SUFFIX);
            if (mayCache && isCacheable(file) && isCacheable(gzip) && isCacheable(br)) {
                CachedFile cached = load(length, file, gzip, br);
                if (cached != null) {
                    cache.put(in.toByteArray(head.pathOffset(), head.pathLength()), cached);
                    answerCached(session, in, cached);
                    return true;
                }
            }
            answerUncached(session, in, length, file, gzip, br);
            return true;
        } finally {
            closeUnlessSent(session, file);
            closeUnlessSent(session, gzip);
            closeUnlessSent(session, br);
        }
    }

    private OpenFile open(int length) throws IOException {
        openedLength = length;
        if (mayCache) {
            try {
                return open(length, false);
            } catch (FileOpenException e) {
                if (e.reason() != FileOpenException.Reason.LINK) throw e;
                mayCache = false; // a change behind a link would not be seen
            }
        }
        return open(length, true);
    }

    private OpenFile open(int length, boolean followLinks) throws IOException {
        if (mayWait) return root.open(name, length, followLinks);
        OpenFile file = root.openCached(name, length, followLinks);
        if (file == null) throw OnDiskException.INSTANCE;
        return file;
    }

    private static void closeUnlessSent(Session session, OpenFile file) {
        if (file != null && !session.isSending(file)) file.close();
    }

    /** Of a file with several names, a change by another name would not be seen. */
    private boolean isCacheable(OpenFile file) { return file == null || file.links() == 1 && file.size() <= cacheFileBytes; }

    /** Opens a pre-compressed sibling, if it is a regular file and not older than the file itself; else returns null. */
    private OpenFile sibling(OpenFile original, int length, byte[] suffix) throws IOException {
        System.arraycopy(suffix, 0, name, length, suffix.length);
        OpenFile file;
        try {
            file = open(length + suffix.length);
            openedLength = length;
        } catch (FileOpenException e) {
            if (e.reason() == FileOpenException.Reason.EXHAUSTED) throw e;
            return null;
        }
        boolean current = file.modifiedSeconds() > original.modifiedSeconds()
                || file.modifiedSeconds() == original.modifiedSeconds() && file.modifiedNanos() >= original.modifiedNanos();
        if (file.isRegular() && current) return file;
        file.close();
        return null;
    }

    /** Reads a file and its siblings for the cache; null if one of them is changing its size just now. */
    private CachedFile load(int length, OpenFile file, OpenFile gzip, OpenFile br) throws IOException {
        byte[] type = MediaTypes.of(name, length);
        boolean negotiable = gzip != null || br != null;
        CachedFile.Variant identity = loadVariant(file, type, null, negotiable);
        CachedFile.Variant zipped = gzip == null ? null : loadVariant(gzip, type, "gzip", true);
        CachedFile.Variant squeezed = br == null ? null : loadVariant(br, type, "br", true);
        if (identity == null || gzip != null && zipped == null || br != null && squeezed == null) return null;
        long bytes = 1024 + file.size() + (gzip == null ? 0 : gzip.size()) + (br == null ? 0 : br.size());
        boolean settled = isSettled(file) && (gzip == null || isSettled(gzip)) && (br == null || isSettled(br));
        return new CachedFile(new String(name, 0, length, UTF_8), identity, zipped, squeezed, bytes, site.now() + cache.lifetimeNanos(settled));
    }

    private boolean isSettled(OpenFile file) { return Representation.isSettled(file, site.epochMillis()); }

    private CachedFile.Variant loadVariant(OpenFile file, byte[] type, String coding, boolean negotiable) throws IOException {
        Representation what = describe(file, type, coding, negotiable);
        byte[] body = new byte[(int) file.size() + 1]; // one more, to see whether it has grown
        int length = mayWait ? file.read(0, body, 0, body.length) : file.readCached(0, body, 0, body.length);
        if (length < 0) throw OnDiskException.INSTANCE;
        if (length != file.size()) return null;
        byte[] fields = new byte[what.validators().length + what.fields().length + CONTENT_TYPE.length + type.length + CannedAnswer.LINE_END.length];
        int at = 0;
        for (byte[] part : new byte[][] {what.validators(), what.fields(), CONTENT_TYPE, type, CannedAnswer.LINE_END}) {
            System.arraycopy(part, 0, fields, at, part.length);
            at += part.length;
        }
        return new CachedFile.Variant(new CannedAnswer(fields, body, length), what);
    }

    private Representation describe(OpenFile file, byte[] type, String coding, boolean negotiable) {
        return Representation.of(file, site.epochMillis(), ThreadLocalRandom.current().nextLong(), coding, type, negotiable);
    }

    /** Answers from open files that are not cached. */
    private void answerUncached(Session session, ByteView in, int length, OpenFile file, OpenFile gzip, OpenFile br) {
        boolean negotiable = gzip != null || br != null;
        OpenFile chosen = file;
        String coding = null;
        if (negotiable) {
            int choice = choose(in, session.head, gzip != null, br != null);
            if (choice == AcceptEncoding.BR) {
                chosen = br;
                coding = "br";
            } else if (choice == AcceptEncoding.GZIP) {
                chosen = gzip;
                coding = "gzip";
            }
        }
        Representation what = describe(chosen, MediaTypes.of(name, length), coding, negotiable);
        if (isConditional(session.head) && answerSpecially(session, in, what, null, chosen)) return;
        ByteSink out = session.startHead(200);
        putFields(out, what);
        putContentType(out, what.contentType());
        putLength(out, what.size());
        session.logged(200, session.wantsBody() ? what.size() : 0);
        if (session.wantsBody() && what.size() > 0) SendingFile.start(session, chosen, 0, what.size());
    }

    private static void putFields(ByteSink out, Representation what) {
        out.put(what.validators());
        out.put(what.fields());
    }

    private static void putContentType(ByteSink out, byte[] type) {
        out.put(CONTENT_TYPE);
        out.put(type);
        out.put(CannedAnswer.LINE_END);
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
    private boolean answerSpecially(Session session, ByteView in, Representation what, CannedAnswer cached, OpenFile file) {
        RequestHead head = session.head;
        int verdict = Conditions.evaluate(in, head, what.etag(), what.modifiedSecond(), site.second());
        if (verdict == Conditions.NOT_MODIFIED) {
            ByteSink out = session.startHead(304);
            out.put(what.validators());
            out.put(CannedAnswer.LINE_END);
            session.logged(304, 0);
            return true;
        }
        if (verdict == Conditions.PRECONDITION_FAILED) {
            session.error(412);
            return true;
        }
        if (!Conditions.rangeApplies(in, head, what.etag(), what.modifiedSecond(), site.second())) return false;
        ByteRanges ranges = site.ranges;
        int result = ranges.parse(in, head.offset(RequestHead.RANGE), head.length(RequestHead.RANGE), what.size());
        if (result == ByteRanges.IGNORE) return false;
        if (result == ByteRanges.UNSATISFIABLE) {
            session.error(416, ("Content-Range: bytes */" + what.size() + "\r\n").getBytes(ISO_8859_1));
            return true;
        }
        ByteSink out = session.startHead(206);
        putFields(out, what);
        if (ranges.count() == 1) putRange(session, out, ranges, what, cached, file);
        else putRanges(session, in, out, ranges, what, cached, file);
        return true;
    }

    private static void putRange(Session session, ByteSink out, ByteRanges ranges, Representation what, CannedAnswer cached, OpenFile file) {
        putContentType(out, what.contentType());
        out.put(CONTENT_RANGE);
        ranges.putContentRange(out, 0);
        out.put(CannedAnswer.LINE_END);
        putLength(out, ranges.length(0));
        session.logged(206, ranges.length(0));
        if (cached != null) cached.putBody(out, (int) ranges.first(0), (int) ranges.length(0));
        else SendingFile.start(session, file, ranges.first(0), ranges.length(0));
    }

    private void putRanges(Session session, ByteView in, ByteSink out, ByteRanges ranges, Representation what, CannedAnswer cached, OpenFile file) {
        byte[] type = what.contentType();
        out.put(MULTIPART);
        out.put(boundary);
        out.put(CannedAnswer.LINE_END);
        long length = ranges.multipartLength(boundary, type);
        putLength(out, length);
        session.logged(206, length);
        if (cached == null) {
            // The vcore's ranges serve the next request soon; parts that are sent over time need their own.
            ByteRanges own = new ByteRanges();
            own.parse(in, session.head.offset(RequestHead.RANGE), session.head.length(RequestHead.RANGE), what.size());
            SendingFile.startParts(session, file, own, boundary, type);
            return;
        }
        for (int i = 0; i < ranges.count(); i++) {
            ranges.putPartHead(out, i, boundary, type);
            cached.putBody(out, (int) ranges.first(i), (int) ranges.length(i));
        }
        ByteRanges.putEnd(out, boundary);
    }

    // --------------------------------------------------------------------------------------------------------------- directories

    private void redirectToDirectory(Session session, ByteView in) {
        RequestHead head = session.head;
        ByteSink out = session.startHead(301);
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

    /** Answers with a list of what is in the directory whose path is the first {@code length} bytes of {@code name}; later, since that is on disk. */
    private void list(Session session, int length) {
        String title = "/" + new String(name, 0, length, UTF_8) + (length > 0 ? "/" : "");
        session.startWaiting();
        site.site.torque.files().walk(root.file(Arrays.copyOf(name, length)), 1, session.color(), new Listed(session, title));
    }

    /** What has been found of a directory so far. */
    private static final class Listed implements DirectoryHandler {
        private final Session session;
        private final String title;
        private final List<String> names = new ArrayList<>();
        private final Set<String> directories = new HashSet<>();

        Listed(Session session, String title) {
            this.session = session;
            this.title = title;
        }

        @Override public void onEntries(DirectoryWalk walk, List<DirectoryEntry> entries) {
            for (DirectoryEntry entry : entries) {
                String name = entry.name();
                if (names.size() == MAX_LISTED) break;
                if (name.indexOf('\uFFFD') >= 0) continue; // no text: no link could name it
                names.add(name);
                if (entry.type() == FileType.DIRECTORY) directories.add(name);
            }
            if (names.size() < MAX_LISTED && session.isWaiting()) return;
            walk.close();
            answer();
        }

        @Override public void onEnd(DirectoryWalk walk, Throwable failure) {
            if (failure == null) answer();
            else session.execute(() -> session.failWaiting(failure instanceof NoSuchFileException || failure.getMessage().contains("ENOTDIR") ? 404 : failure instanceof AccessDeniedException ? 403 : 500));
        }

        private void answer() { session.execute(() -> session.answerWaiting(LISTING_FIELDS, Listing.page(title, names, directories))); }
    }
}
