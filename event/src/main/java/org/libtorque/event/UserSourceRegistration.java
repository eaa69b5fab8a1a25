package org.libtorque.event;

import org.libtorque.vcore.Color;

/** What the program holds of a {@link UserSource}: the source itself is a task, whose methods are not the program's. */
abstract sealed class UserSourceRegistration implements Registration permits Condition, EventCounter, Mailbox {
    private final UserSource source;

    UserSourceRegistration(UserSource source) { this.source = source; }

    final void register() { source.register(); }

    @Override public final void close() { source.close(); }

    @Override public final boolean isOpen() { return source.isOpen(); }

    @Override public final Color color() { return source.color(); }

    @Override public final String toString() { return source.toString(); }
}
