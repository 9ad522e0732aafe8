/**
 * How guests are fetched and built: the package manager's private state, the archive formats, the
 * initial file system, the manifest.
 *
 * <p>Everything read here (package files, lists, the cache directory) is checked before it is used:
 * sizes are bounded, paths are confined, hashes are compared.
 */
@NullMarked
package dev.dalang.vm.internal.guest;

import org.jspecify.annotations.NullMarked;
