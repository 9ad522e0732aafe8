/**
 * A running machine: its harts' threads, and what ends or restarts its run.
 *
 * <p>Guest physical addresses are {@code long}, always unsigned.
 */
@NullMarked
package dev.dalang.vm.internal.machine;

import org.jspecify.annotations.NullMarked;
