/**
 * Bringing kernels, firmware, initial RAM disks and device trees into guest memory. Files are input
 * from strangers: every number in them is checked before it is used.
 *
 * <p>Guest physical addresses are {@code long}, always unsigned.
 */
@NullMarked
package dev.dalang.vm.internal.boot;

import org.jspecify.annotations.NullMarked;
