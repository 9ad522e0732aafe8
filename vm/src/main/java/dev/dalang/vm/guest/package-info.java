/**
 * Guests to boot: the distribution's own kernel and a compact initial file system, fetched once
 * through the machine's package manager and kept in the user's cache directory.
 *
 * <p>{@link dev.dalang.vm.guest.Guests} is the door. Everything here may be called from any thread
 * and by several processes at once; whoever comes second waits for the first and finds its work
 * done.
 */
@NullMarked
package dev.dalang.vm.guest;

import org.jspecify.annotations.NullMarked;
