package org.libtorque.thread;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;

/**
 * Dynamic thread-local storage: values by key for each thread, with destructors that run when the thread ends; after parlib's (Klues 2015, 2.5.3) and pthread_getspecific(3). A
 * building block for schedulers and ported runtimes; Java code that wants neither destructors nor keys that can be deleted is better off with a {@link ThreadLocal}.
 *
 * <pre>{@code
 *   static final Dtls.Key<Connection> CONNECTION = Dtls.key(Connection::close);
 *   Dtls.run(() -> {                                  // a thread's whole life; destroys at its end
 *       CONNECTION.set(connect());
 *       CONNECTION.get().send(…);
 *   });
 * }</pre>
 *
 * <p><b>Access.</b> A key is an index into the thread's array of values: reading is one look-up of that array (a thread-local of the JDK), two loads and two comparisons. Who has many
 * accesses to make in a row takes the storage once ({@link #current}) and saves the look-up.
 *
 * <p><b>Deleting a key</b> forgets its values and runs no destructor, as pthread_key_delete(3). Its index is used again by a later key, so each value is kept with the key that it was set with:
 * another key finds nothing there.
 *
 * <p><b>Destructors run</b> at the end of every uthread ({@link Uthreads}), also one that ends by an exception, that its scheduler has killed, or that outlives its runtime; and of other threads
 * that were started by {@link #threads}, whose body is in {@link #run}, or that call {@link #destroy} themselves. While no key in the process has had a destructor, a uthread's end costs a look at
 * one field. (Virtual threads that a uthread starts by the JDK's means are other threads.)
 *
 * <p><b>Threads.</b> Keys are made, deleted and used by any thread. A storage belongs to one thread.
 */
public final class Dtls {
    /** Times that destructors are run at a thread's end if they set values again, as PTHREAD_DESTRUCTOR_ITERATIONS. */
    public static final int DESTRUCTOR_ROUNDS = 4;

    private static final ThreadLocal<Dtls> CURRENT = new ThreadLocal<>();
    /** Keys by index, null where an index is free. Guarded by itself. */
    private static final List<Key<?>> KEYS = new ArrayList<>();
    /** Whether any key ever had a destructor. Written once, before that key is known. */
    private static volatile boolean destructors;

    /** What a value is filed under. */
    public static final class Key<T> {
        private final int index;
        private final Consumer<? super T> destructor;
        private volatile boolean deleted;

        private Key(int index, Consumer<? super T> destructor) {
            this.index = index;
            this.destructor = destructor;
        }

        /** Returns the calling thread's value, or null. */
        public T get() {
            Dtls storage = CURRENT.get();
            return storage == null ? null : storage.get(this);
        }

        /**
         * Sets the calling thread's value; null for none. The value before is forgotten, not destroyed.
         *
         * @throws IllegalStateException if the key has been deleted
         */
        public void set(T value) { current().set(this, value); }

        /** Ends the key: values are forgotten, and no destructor runs for them any more. Deleting it again changes nothing. */
        public void delete() {
            synchronized (KEYS) {
                if (deleted) return;
                deleted = true;
                KEYS.set(index, null);
            }
        }

        /** Tells whether it has been deleted. */
        public boolean isDeleted() { return deleted; }

        private void destroy(Object value) { if (destructor != null && !deleted) destructor.accept(valueOf(value)); }

        @SuppressWarnings("unchecked") private T valueOf(Object value) { return (T) value; }

        @Override public String toString() { return "Dtls.Key[" + index + (deleted ? ", deleted]" : "]"); }
    }

    /** By index of keys: the key that set the value, and the value. */
    private Key<?>[] owners = new Key<?>[8];
    private Object[] values = new Object[8];

    private Dtls() {}

    /** Makes a key whose values need no destructor. */
    public static <T> Key<T> key() { return key(null); }

    /**
     * Makes a key.
     *
     * @param destructor called on the ending thread with each value that it has left; or null
     */
    public static <T> Key<T> key(Consumer<? super T> destructor) {
        synchronized (KEYS) {
            int index = KEYS.indexOf(null);
            if (index < 0) {
                index = KEYS.size();
                KEYS.add(null);
            }
            if (destructor != null) destructors = true;
            var key = new Key<T>(index, destructor);
            KEYS.set(index, key);
            return key;
        }
    }

    /** Returns the calling thread's storage, which is made if need be. For that thread alone. */
    public static Dtls current() {
        Dtls storage = CURRENT.get();
        if (storage == null) CURRENT.set(storage = new Dtls());
        return storage;
    }

    /** Returns a value of this storage's thread, or null. */
    public <T> T get(Key<T> key) {
        int i = key.index;
        return i < owners.length && owners[i] == key && !key.deleted ? key.valueOf(values[i]) : null;
    }

    /**
     * Sets a value of this storage's thread; null for none.
     *
     * @throws IllegalStateException if the key has been deleted
     */
    public <T> void set(Key<T> key, T value) {
        if (key.deleted) throw new IllegalStateException(key + " cannot be set");
        int i = key.index;
        if (i >= owners.length) {
            if (value == null) return;
            int length = Math.max(i + 1, 2 * owners.length);
            owners = Arrays.copyOf(owners, length);
            values = Arrays.copyOf(values, length);
        }
        owners[i] = value == null ? null : key;
        values[i] = value;
    }

    /** Runs what is to be a thread's whole life, and {@link #destroy} at its end. */
    public static void run(Runnable body) {
        try {
            body.run();
        } finally {
            destroy();
        }
    }

    /** As {@link #run}, for threads that have no such values as a rule. */
    static void life(Runnable body) {
        try {
            body.run();
        } finally {
            end();
        }
    }

    /** The calling thread's last act, if it has no such values as a rule. */
    static void end() {
        if (destructors) destroy();
    }

    /** Returns a factory of the same threads, uthreads for instance, each of which runs its body by {@link #run}. */
    public static ThreadFactory threads(ThreadFactory factory) { return body -> factory.newThread(() -> run(body)); }

    /**
     * Runs the destructors of the calling thread's values, in no particular order, and forgets them; to be called at the thread's end, as {@link #run} does. Values that destructors set are
     * destroyed too, in {@value #DESTRUCTOR_ROUNDS} rounds at most; what is set after that is forgotten.
     *
     * @throws RuntimeException what the first destructor threw, when all have run, with what others threw as suppressed
     */
    public static void destroy() {
        Dtls storage = CURRENT.get();
        if (storage == null) return;
        Throwable failure = null;
        boolean left = true;
        for (int round = 0; round < DESTRUCTOR_ROUNDS && left; round++) {
            left = false;
            for (int i = 0; i < storage.owners.length; i++) {
                Key<?> key = storage.owners[i];
                if (key == null) continue;
                Object value = storage.values[i];
                storage.owners[i] = null;
                storage.values[i] = null;
                left = true;
                try {
                    key.destroy(value);
                } catch (RuntimeException | Error e) {
                    if (failure == null) failure = e;
                    else failure.addSuppressed(e);
                }
            }
        }
        CURRENT.remove();
        if (failure instanceof RuntimeException e) throw e;
        if (failure instanceof Error e) throw e;
    }
}
