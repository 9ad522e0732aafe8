/**
 * Disks, from the device's request down to the host's file. A device gives {@link
 * dev.dalang.storage.BlockRequest}s to a {@link dev.dalang.storage.BlockBackend} and hears of each
 * when it is done. {@link dev.dalang.storage.ImageBackend} serves a {@link
 * dev.dalang.storage.DiskImage} with a few threads; {@link dev.dalang.storage.DiskFormat} opens one
 * from a file. A format is added there; what is not an image at all is another back end.
 *
 * <p>Offsets and lengths are bytes, signed and not negative.
 */
package dev.dalang.storage;
