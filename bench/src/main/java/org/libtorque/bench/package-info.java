/** Benchmarks: kweb beside other servers in one run, and JMH classes. */
package org.libtorque.bench;
