/** {@code torque simulate}: the simulator's command line, and its reports. */
package org.libtorque.apps.simulate;
