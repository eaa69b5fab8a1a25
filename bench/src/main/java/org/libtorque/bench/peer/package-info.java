/** The servers that kweb is compared with, each a program of its own that listens on loopback and says when it is ready. */
package org.libtorque.bench.peer;
