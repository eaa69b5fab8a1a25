package org.libtorque.apps;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;

/**
 * Where a command's result goes. Print streams swallow what goes wrong, so a full disk would look like success: this one is below the print stream and
 * remembers the first fault. Any thread.
 */
final class StandardOutput extends FilterOutputStream {
    private static final int BUFFER_BYTES = 8192;

    private volatile IOException fault;

    StandardOutput(OutputStream out) { super(out); }

    /** Makes it the process's {@link System#out}, which is flushed at the end of each line, as ever. */
    static StandardOutput install() {
        var output = new StandardOutput(new FileOutputStream(FileDescriptor.out));
        System.setOut(new PrintStream(new BufferedOutputStream(output, BUFFER_BYTES), true, System.out.charset()));
        return output;
    }

    @Override public void write(int b) throws IOException { write(new byte[] {(byte) b}, 0, 1); }

    @Override public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            if (fault == null) fault = e;
            throw e;
        }
    }

    /** Writes what is left and tells why not all could be written; null if it could. */
    IOException finish() {
        System.out.flush();
        return fault;
    }
}
