/**
 * The comparison of our vfio-user server with one on libvfio-user, the reference implementation in
 * C, with our client before both.
 */
package dev.dalang.bench.vfiouser;
