package dev.dalang.virtio.queue;

/**
 * What has happened to a queue since its activation.
 *
 * @param chains chains popped; one that was given back counts again
 * @param completions chains given to the driver
 * @param interrupts times that the driver was interrupted
 * @param suppressed times that the driver wanted no interrupt
 * @param unknownFlags descriptors with flags that no specification defines, which are ignored
 * @param refused pops while the device might not access memory
 */
public record QueueCounts(
        long chains,
        long completions,
        long interrupts,
        long suppressed,
        long unknownFlags,
        long refused) {}
