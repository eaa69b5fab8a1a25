package org.libtorque.hardware;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The files of {@code /proc} and {@code /sys}, or of a copy of them: reads of bounded size that never fail. What is missing
 * is null; what makes no sense is null too, and noted with file and line.
 *
 * <p>In a copy nothing outside its root is read, wherever its links lead.
 */
final class FileTree {
    /** The kernel's attribute files have at most a page, but for masks and lists, which grow with the CPUs. */
    private static final int MAX_LINE_BYTES = 1 << 18;
    /** {@code /proc/cpuinfo} of 8,192 CPUs has some 16 MB. */
    static final int MAX_TEXT_BYTES = 32 << 20;
    /** Remarks on a hostile tree must not fill the memory. */
    private static final int MAX_REMARKS = 100;

    private final Path root;
    /** What files are read into; most have a few bytes. */
    private byte[] buffer = new byte[1 << 13];
    /** Null for the running machine, where the links are the kernel's own. */
    private final Path realRoot;
    /** Of a copy: folders that were resolved already. */
    private final Map<String, Optional<Path>> folders = new HashMap<>();
    private final List<Remark> remarks = new ArrayList<>();
    /** Paths that were read, if somebody wants to know. */
    private Set<String> recorded;

    FileTree(Path root) {
        this.root = root;
        Path real;
        try {
            real = root.toRealPath();
        } catch (IOException e) {
            throw new TopologyFormatException(root + ": cannot be read: " + e);
        }
        if (!Files.isDirectory(real)) throw new TopologyFormatException(root + ": is not a folder");
        realRoot = real.getNameCount() == 0 ? null : real;
    }

    /** Notes from now on which files are read. */
    FileTree recording() {
        recorded = new LinkedHashSet<>();
        return this;
    }

    /** Returns the files that were read, missing ones included, since they can appear. */
    List<String> recorded() { return List.copyOf(recorded); }

    boolean isLive() { return realRoot == null; }

    List<Remark> remarks() { return remarks; }

    void remark(Remark.Kind kind, String text) {
        if (remarks.size() < MAX_REMARKS) remarks.add(new Remark(kind, text));
    }

    void fallback(String path, String what) { remark(Remark.Kind.FALLBACK, "/" + path + ":1: " + what); }

    private Path resolve(String path) {
        try {
            if (realRoot == null) return root.resolve(path);
            int slash = path.lastIndexOf('/');
            // Most files of a folder are plain: the folder's links are followed once, and a file's only if it is one.
            Path folder = realRoot;
            if (slash >= 0) {
                String name = path.substring(0, slash);
                Optional<Path> known = folders.get(name);
                if (known == null) folders.put(name, known = inside(name));
                if (known.isEmpty()) return null;
                folder = known.get();
            }
            Path file = folder.resolve(path.substring(slash + 1));
            if (!Files.isSymbolicLink(file)) return file;
            Path real = file.toRealPath();
            return real.startsWith(realRoot) ? real : null;
        } catch (IOException | InvalidPathException e) {
            return null; // a link that leads nowhere, or a loop
        }
    }

    /** Returns where a folder really is; nothing if it is missing or outside. */
    private Optional<Path> inside(String folder) {
        try {
            Path real = realRoot.resolve(folder).toRealPath();
            return real.startsWith(realRoot) ? Optional.of(real) : Optional.empty();
        } catch (IOException | InvalidPathException e) {
            return Optional.empty();
        }
    }

    boolean exists(String path) {
        Path file = resolve(path);
        return file != null && Files.exists(file);
    }

    /** Returns the bytes of a file, at most {@code limit} of them; null if it is missing or cannot be read. */
    byte[] bytes(String path, int limit) {
        if (recorded != null) recorded.add(path);
        Path file = resolve(path);
        // A FIFO in a copy would block for ever; in the kernel's own tree everything is a regular file.
        if (file == null || realRoot != null && !Files.isRegularFile(file)) return null;
        // Not a channel: the classes behind one take longer to load than all files take to read.
        try (var in = new FileInputStream(file.toFile())) {
            int used = 0;
            for (;;) {
                int read = in.read(buffer, used, Math.min(buffer.length, limit) - used);
                if (read <= 0) return Arrays.copyOf(buffer, used);
                used += read;
                if (used == limit) return Arrays.copyOf(buffer, used);
                if (used == buffer.length) buffer = Arrays.copyOf(buffer, 2 * used);
            }
        } catch (IOException | SecurityException e) {
            return null;
        }
    }

    /** Returns a whole file; null if it is missing. */
    String text(String path) {
        byte[] bytes = bytes(path, MAX_TEXT_BYTES + 1);
        if (bytes == null) return null;
        if (bytes.length > MAX_TEXT_BYTES) fallback(path, "larger than " + MAX_TEXT_BYTES + " bytes, the rest was not read");
        return new String(bytes, 0, Math.min(bytes.length, MAX_TEXT_BYTES), StandardCharsets.ISO_8859_1);
    }

    /** Returns the lines of a whole file; none if it is missing. */
    String[] lines(String path) {
        String text = text(path);
        return text == null ? new String[0] : text.split("\n");
    }

    /** Returns the first line, up to the first NUL, without blanks at the ends; null if it is missing or empty. */
    String line(String path) {
        byte[] bytes = bytes(path, MAX_LINE_BYTES + 1);
        if (bytes == null) return null;
        int end = 0;
        while (end < bytes.length && bytes[end] != 0 && bytes[end] != '\n') end++;
        if (end > MAX_LINE_BYTES) {
            fallback(path, "the line is longer than " + MAX_LINE_BYTES + " bytes; it counts as missing");
            return null;
        }
        String line = new String(bytes, 0, end, StandardCharsets.ISO_8859_1).strip();
        return line.isEmpty() ? null : line;
    }

    private void nonsense(String path, String line, IllegalArgumentException e) {
        String shown = line.length() > 40 ? line.substring(0, 40) + "…" : line;
        fallback(path, "'" + shown + "' makes no sense (" + e.getMessage() + "); it counts as missing");
    }

    /** Returns a decimal number, or {@code missing}; so too if the file makes no sense, with a note. */
    long number(String path, long missing) {
        String line = line(path);
        if (line == null) return missing;
        try {
            return Long.parseLong(line);
        } catch (NumberFormatException e) {
            nonsense(path, line, e);
            return missing;
        }
    }

    int integer(String path, int missing) {
        String line = line(path);
        if (line == null) return missing;
        try {
            return Integer.parseInt(line);
        } catch (NumberFormatException e) {
            nonsense(path, line, e);
            return missing;
        }
    }

    /** Returns a size such as {@code 32K}, or 0. */
    long size(String path) {
        String line = line(path);
        if (line == null) return 0;
        try {
            return Sizes.parse(line);
        } catch (NumberFormatException e) {
            nonsense(path, line, e);
            return 0;
        }
    }

    /** Returns a set of CPUs told as a mask; null if missing. */
    CpuSet mask(String path) { return set(path, true); }

    /** Returns a set of CPUs (or nodes) told as a list; null if missing. */
    CpuSet list(String path) { return set(path, false); }

    private CpuSet set(String path, boolean mask) {
        String line = line(path);
        if (line == null) return null;
        try {
            return mask ? CpuSet.parseMask(line) : CpuSet.parseList(line);
        } catch (IllegalArgumentException e) {
            nonsense(path, line, e);
            return null;
        }
    }

    /** Returns a set told as a mask in one file and as a list in another, newer one; null if neither is there. */
    CpuSet maskOrList(String mask, String list) {
        CpuSet set = mask(mask);
        return set != null ? set : list(list);
    }

    /** Returns the numbers N for which the folder holds an entry {@code prefix + N}, ascending, all below {@code limit}. */
    List<Integer> numbered(String folder, String prefix, int limit) {
        var found = new TreeSet<Integer>();
        for (String name : names(folder)) {
            if (!name.startsWith(prefix) || name.length() == prefix.length()) continue;
            String digits = name.substring(prefix.length());
            if (!isNumber(digits)) continue;
            if (digits.length() > 9 || Integer.parseInt(digits) >= limit) {
                fallback(folder + "/" + name, "the number is not below " + limit + "; ignored");
            } else {
                found.add(Integer.valueOf(digits));
            }
        }
        return List.copyOf(found);
    }

    private static boolean isNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') return false;
        }
        return true;
    }

    /** Returns the names in a folder, sorted; none if it is missing. */
    List<String> names(String folder) {
        Path path = resolve(folder);
        String[] names = path == null ? null : path.toFile().list();
        if (names == null) {
            if (path != null && Files.isDirectory(path)) fallback(folder, "cannot be listed");
            return List.of();
        }
        Arrays.sort(names);
        return List.of(names);
    }
}
