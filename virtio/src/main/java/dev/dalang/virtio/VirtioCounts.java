package dev.dalang.virtio;

/**
 * What has happened to a device since it was made.
 *
 * @param activations times that a driver made the device work
 * @param resets times that a driver reset it
 * @param failedActivations activations that came to nothing: a queue that cannot be, or a device
 *     that would not
 * @param failedResets resets that the device failed at
 * @param refusedFeatures times that {@code FEATURES_OK} was refused
 * @param needsResets times that the device gave up, of its own or because of its driver
 * @param brokenQueues queues that the driver broke
 * @param notifications notifications of the driver's
 * @param droppedNotifications notifications of queues that nobody serves
 * @param interrupts interrupts of queues and of the configuration
 * @param droppedInterrupts interrupts that a suspended device was full of
 * @param failedCalls calls to the device, other than those above, that it failed at: its handlers
 *     too
 */
public record VirtioCounts(
        long activations,
        long resets,
        long failedActivations,
        long failedResets,
        long refusedFeatures,
        long needsResets,
        long brokenQueues,
        long notifications,
        long droppedNotifications,
        long interrupts,
        long droppedInterrupts,
        long failedCalls) {}
