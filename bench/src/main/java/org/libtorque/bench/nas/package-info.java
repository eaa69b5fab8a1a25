/**
 * Kernels of the NAS Parallel Benchmarks (Bailey et al. 1991; NPB 3), written anew from their specification: EP, CG, IS, MG and FT. Their parallel loops run on whatever
 * {@link org.libtorque.bench.nas.Workers} they are given.
 */
package org.libtorque.bench.nas;
