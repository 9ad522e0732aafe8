package dev.dalang.passthrough;

/**
 * What has happened to a device since it was opened.
 *
 * @param interrupts interrupts that went to a guest
 * @param spuriousInterrupts interrupts that came for nobody
 * @param failedReads reads that the device did not answer; the guest saw all ones
 * @param failedWrites writes that the device did not take; they were dropped
 * @param lostAccesses accesses after the device was gone
 * @param failures everything else that the device did not do
 * @param resets resets that it did
 * @param refusedRegisters accesses to registers of the virtual configuration space that it has not
 */
public record PassthroughCounts(
        long interrupts,
        long spuriousInterrupts,
        long failedReads,
        long failedWrites,
        long lostAccesses,
        long failures,
        long resets,
        long refusedRegisters) {}
