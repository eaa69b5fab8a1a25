/** {@code torque watch}: events of every kind, as they come. */
package org.libtorque.apps.watch;
