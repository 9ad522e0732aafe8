package dev.dalang.passthrough;

/**
 * Where an interrupt of a device goes.
 *
 * @param guestVector the guest's number for it
 * @param targetHart the hart that takes it
 */
public record RemappedInterrupt(int guestVector, int targetHart) {}
