package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.libtorque.event.AsyncFile;
import org.libtorque.event.FileHandler;
import org.libtorque.event.FileOperation;
import org.libtorque.event.FileRoot;

/**
 * Has what an answer needs of the disk brought into memory, one after the other: the names of a file and its pre-compressed siblings, and their bytes, if they are so few that the
 * cache would take them. No vcore waits meanwhile. Then the request is answered from the beginning; whatever went wrong here shows there.
 */
final class Warming {
    private static final byte[][] SUFFIXES = {{}, ".gz".getBytes(ISO_8859_1), ".br".getBytes(ISO_8859_1)};
    /** Where all that is read goes to, by everybody: only the kernel's copy of it is wanted. */
    private static final MemorySegment NOWHERE = Arena.global().allocate(1 << 17);

    private final Session session;
    private final FileRoot root;
    private final byte[] name;
    private final long maxBytes;
    private final FileOperation operation;
    private final FileHandler whenRead = o -> read();
    private int which;
    private AsyncFile file;
    private long position;

    /** @param maxBytes size of the largest file that is read */
    Warming(Session session, FileRoot root, byte[] name, int length, long maxBytes) {
        this.session = session;
        this.root = root;
        this.name = Arrays.copyOf(name, length);
        this.maxBytes = maxBytes;
        operation = session.site.site.torque.files().operation(session.color());
    }

    void start() {
        if (which == SUFFIXES.length || !session.isWaiting()) {
            session.execute(session::answerAgain);
            return;
        }
        byte[] suffix = SUFFIXES[which++];
        byte[] path = Arrays.copyOf(name, name.length + suffix.length);
        System.arraycopy(suffix, 0, path, name.length, suffix.length);
        try {
            operation.open(root.file(path), o -> opened());
        } catch (IllegalArgumentException e) { // too long, or nothing that a path can be: then it is not there
            start();
        }
    }

    private void opened() throws Exception {
        if (operation.errno() != 0) {
            start();
            return;
        }
        file = operation.file();
        position = 0;
        operation.status(file, o -> {
            if (o.errno() == 0 && o.status().type() == org.libtorque.event.FileType.REGULAR && o.status().size() <= maxBytes) operation.read(file, NOWHERE, 0, whenRead);
            else close();
        });
    }

    private void read() throws Exception {
        if (operation.errno() == 0 && operation.count() > 0 && position <= maxBytes) {
            position += operation.count();
            operation.read(file, NOWHERE, position, whenRead);
        } else {
            close();
        }
    }

    private void close() {
        file.close();
        start();
    }
}
