package org.libtorque.apps.cli;

/**
 * One header field of a request.
 *
 * @param name  an RFC 9110 token, as the user spelled it
 * @param value without surrounding blanks; Latin-1, no CR, LF or NUL
 */
public record HttpField(String name, String value) {}
