package dev.dalang.bus.interrupt;

/**
 * A message-signalled interrupt: the 32-bit {@code data} that is written to {@code address}.
 *
 * @param address guest physical address, unsigned
 * @param data the message data
 */
public record MsiMessage(long address, int data) {}
