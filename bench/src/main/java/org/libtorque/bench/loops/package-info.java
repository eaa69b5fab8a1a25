/** Loops that do as little as possible in each round: what a checkpoint in them costs at most. */
package org.libtorque.bench.loops;
