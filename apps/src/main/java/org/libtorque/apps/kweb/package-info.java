/**
 * The web server. {@code Kweb} starts it; {@code Site} is what is served, {@code VcoreSite} one vcore's part of it, {@code Session} one connection.
 * {@code Files} answers with files, small ones from {@code FileCache}; {@code AccessLog} is written on the side.
 */
package org.libtorque.apps.kweb;
