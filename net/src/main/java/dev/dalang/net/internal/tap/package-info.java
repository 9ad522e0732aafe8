/** Frames as a tap of the host's has them. */
package dev.dalang.net.internal.tap;
