package org.libtorque.apps.kweb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.libtorque.event.DirectoryWatcher;
import org.libtorque.event.FileRoot;
import org.libtorque.memory.ByteView;

/**
 * One vcore's small files, ready to be sent, found by the request's path as it was sent.
 *
 * <p><b>Freshness.</b> Every directory on the way to a cached file is watched; a change to the file, to a sibling, or to a directory above drops what it may
 * concern before any request is handled that was sent because of it ({@link DirectoryWatcher}). What the watcher cannot see is not cached (files with several
 * names, paths with links) or is bounded in time: an entry is read again after {@link #LIFETIME_NANOS}, which is for writes through mappings. Where nothing can
 * be watched, entries live for {@link #UNWATCHED_LIFETIME_NANOS} only.
 *
 * <p><b>Look-up</b> compares the raw bytes of the path ({@link PathTable}), before any decoding, and allocates nothing. <b>Replacement</b> when the limit is
 * reached drops everything: a working set that does not fit is better served by the kernel's cache than by a policy here.
 */
final class FileCache implements DirectoryWatcher.Handler {
    private static final System.Logger LOG = System.getLogger("org.libtorque.kweb");
    static final long LIFETIME_NANOS = 5_000_000_000L;
    static final long UNWATCHED_LIFETIME_NANOS = 100_000_000L;
    private static final int MAX_KEYS = 1 << 16;
    /** Ways to write one path that are kept: there are endlessly many, and somebody could look for those whose hashes collide. */
    private static final int MAX_KEYS_OF_PATH = 8;

    private final FileRoot root;
    private final long maxBytes;
    private final DirectoryWatcher watcher;
    /** Directories by watch number, as paths below the root with a slash behind them; the root is empty. */
    private final Map<Integer, String> directories = new HashMap<>();
    private final Map<String, Integer> watches = new HashMap<>();
    private final Map<String, List<byte[]>> keysOfPath = new HashMap<>();

    private final PathTable<CachedFile> table = new PathTable<>();
    private long bytes;

    /** To be made on the vcore. */
    FileCache(VcoreSite site, FileRoot root, long maxBytes) {
        this.root = root;
        this.maxBytes = maxBytes;
        DirectoryWatcher opened = null;
        if (maxBytes > 0) {
            try {
                opened = site.site.torque.watchDirectories(this);
            } catch (IOException | IllegalStateException e) {
                LOG.log(System.Logger.Level.WARNING, "files are cached for a tenth of a second only, since changes cannot be watched: {0}", e.getMessage());
            }
        }
        watcher = opened;
    }

    /** @param settled whether the time of the file's last change tells its content from the next one; else the entity tag is a makeshift */
    long lifetimeNanos(boolean settled) { return watcher == null || !settled ? UNWATCHED_LIFETIME_NANOS : LIFETIME_NANOS; }

    boolean isEnabled() { return maxBytes > 0; }

    /** Returns the file for a path as it stands in a request, or null. */
    CachedFile get(ByteView in, int offset, int length, long nowNanos) {
        CachedFile file = table.get(in, offset, length);
        if (file == null || nowNanos - file.expiresNanos() < 0) return file;
        drop(file.path());
        return null;
    }

    /** Tells whether the directories on the way to a file are watched, or cannot be. */
    boolean isWatching(byte[] path, int length) {
        if (watcher == null) return true;
        if (!watches.containsKey("")) return false;
        for (int i = 0; i < length; i++) if (path[i] == '/' && !watches.containsKey(directory(path, i))) return false;
        return true;
    }

    /** Returns the name of a directory by which it is known here. */
    private static String directory(byte[] path, int length) { return length == 0 ? "" : new String(path, 0, length, StandardCharsets.UTF_8) + "/"; }

    /**
     * Watches the directories on the way to a file. To be called before the file is opened, so that no change is missed in between.
     *
     * @return false if that cannot be done, and the file must not be cached
     */
    boolean watchDirectoriesOf(byte[] path, int length) {
        if (watcher == null) return true; // entries are short-lived instead
        if (!watchDirectory(path, 0)) return false;
        for (int i = 0; i < length; i++) if (path[i] == '/' && !watchDirectory(path, i)) return false;
        return true;
    }

    /** Drops what changes concern that the kernel has queued; see {@link DirectoryWatcher#catchUp}. */
    void catchUp(boolean always) {
        if (watcher != null) watcher.catchUp(always);
    }

    private boolean watchDirectory(byte[] path, int length) {
        String name = directory(path, length);
        if (watches.containsKey(name)) return true;
        int watch = watcher.watch(root, path, length);
        if (watch < 0) return false;
        // A directory can have a second path, by a bind mount or because it was renamed and the news is still to come: it is watched under the first.
        if (directories.putIfAbsent(watch, name) != null) return false;
        watches.put(name, watch);
        return true;
    }

    /** Keeps a file for a path that {@link #get} has just not found. */
    void put(byte[] key, CachedFile file) {
        if (file.bytes() > maxBytes / 4) return;
        List<byte[]> others = keysOfPath.get(file.path());
        if (others != null && others.size() >= MAX_KEYS_OF_PATH) drop(file.path());
        if (bytes + file.bytes() > maxBytes || table.size() >= MAX_KEYS) clear();
        table.put(key, file);
        bytes += file.bytes();
        keysOfPath.computeIfAbsent(file.path(), p -> new ArrayList<>(1)).add(key);
    }

    private void clear() {
        table.clear();
        bytes = 0;
        keysOfPath.clear();
    }

    /** Drops every entry of a path. */
    private void drop(String path) {
        List<byte[]> dropped = keysOfPath.remove(path);
        if (dropped == null) return;
        for (byte[] key : dropped) bytes -= table.remove(key).bytes();
    }

    @Override public void onChange(int watch, String name, boolean directory) {
        String parent = directories.get(watch);
        if (parent == null) return; // of a watch that has been given up
        if (name == null) { // the directory itself
            forgetBelow(parent);
        } else if (directory) {
            forgetBelow(parent + name + "/");
        } else {
            String path = parent + name;
            drop(path);
            if (path.endsWith(".gz") || path.endsWith(".br")) drop(path.substring(0, path.length() - 3));
        }
    }

    /**
     * Drops what is cached of a directory, and what is known of it and of those below: after a change of its name their watches stand for other paths. They
     * stay with the kernel, which forgets them with the directories, and are taken up again under the path at which they are next found.
     */
    private void forgetBelow(String directory) {
        for (String path : keysOfPath.keySet().stream().filter(path -> path.startsWith(directory)).toList()) drop(path);
        watches.entrySet().removeIf(entry -> {
            if (!entry.getKey().startsWith(directory)) return false;
            directories.remove(entry.getValue());
            return true;
        });
    }

    @Override public void onLost() {
        directories.clear();
        watches.clear();
        clear();
    }
}
