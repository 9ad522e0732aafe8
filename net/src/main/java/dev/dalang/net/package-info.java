/**
 * What stands behind a network card: the interface of a back end, user-mode network address
 * translation, and packet capture.
 *
 * <p>A frame is an Ethernet frame without preamble and check sequence. Whatever is inside is in
 * network order, big-endian. Lengths and sizes are bytes.
 *
 * <p>Everything that a guest sends is copied once, then checked, then used. Nothing that it sends
 * throws; what cannot be used is dropped and counted.
 */
package dev.dalang.net;
