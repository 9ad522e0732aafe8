/**
 * The messages of vfio-user as bytes: the header, the structures behind it, the descriptors that
 * ride with it, and the connection that carries them. Integers are little-endian and unsigned.
 */
package dev.dalang.remote.internal.wire;
