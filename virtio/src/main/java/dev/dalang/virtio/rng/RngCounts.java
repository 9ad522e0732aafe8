package dev.dalang.virtio.rng;

/**
 * What an entropy device has done.
 *
 * @param requests buffers that were filled
 * @param bytes bytes that were put into them
 * @param capped buffers that were longer than one request may be
 * @param empty buffers without room
 * @param throttled times that the device had to wait because of its rate
 */
public record RngCounts(long requests, long bytes, long capped, long empty, long throttled) {}
