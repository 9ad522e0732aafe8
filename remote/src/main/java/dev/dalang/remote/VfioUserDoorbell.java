package dev.dalang.remote;

import dev.dalang.linux.EventDescriptor;

import java.util.OptionalLong;

/**
 * A register of a device that can be written by signalling an event.
 *
 * @param region number of the region
 * @param offset in the region
 * @param size bytes of the register; 0 if a write of any size is meant
 * @param value the value that is told so, zero-extended; empty if it is any
 * @param event the event; whoever asked for it closes it
 */
public record VfioUserDoorbell(
        int region, long offset, long size, OptionalLong value, EventDescriptor event)
        implements AutoCloseable {
    /** Closes the event. */
    @Override
    public void close() {
        event.close();
    }
}
