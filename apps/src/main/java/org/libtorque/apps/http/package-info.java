/**
 * The half of the web server that does no input or output: HTTP/1.1 after RFC 9110 (semantics) and RFC 9112 (messages).
 *
 * <p>Requests are read from {@link org.libtorque.memory.ByteView}s, answers are put into
 * {@link org.libtorque.memory.ByteSink}s, and nothing here allocates per request. Objects that keep state belong to one
 * thread at a time; what has only static methods may be called from any. Offsets are view indices: they count from the
 * first byte of the request head and are valid until the view moves on.
 *
 * <p>Wherever the specifications leave a choice between guessing and refusing, this package refuses: a request that two
 * programs could understand differently is how requests are smuggled past one of them.
 */
package org.libtorque.apps.http;
