package dev.dalang.remote.internal.wire;

import dev.dalang.linux.Descriptor;

import java.util.ArrayList;
import java.util.List;

/**
 * A message that came, whole. It owns the descriptors that came with it until they are taken;
 * closing it closes those that nobody took.
 */
public final class Message implements AutoCloseable {
    private final Header header;
    private final byte[] payload;
    private final boolean isSpoilt;
    private List<Descriptor> descriptors;

    Message(Header header, byte[] payload, List<Descriptor> descriptors, boolean isSpoilt) {
        this.header = header;
        this.payload = payload;
        this.descriptors = descriptors;
        this.isSpoilt = isSpoilt;
    }

    public Header header() {
        return header;
    }

    /** What is behind the header; not changed by who reads it. */
    public byte[] payload() {
        return payload;
    }

    /** True if descriptors came where none may be, or more than one can take; they are closed. */
    public boolean isSpoilt() {
        return isSpoilt;
    }

    /** How many descriptors came and were not taken. */
    public int descriptors() {
        return descriptors.size();
    }

    /** Gives the descriptors away: who takes them closes them. */
    public List<Descriptor> takeDescriptors() {
        List<Descriptor> taken = descriptors;
        descriptors = new ArrayList<>();
        return taken;
    }

    /** Gives itself away, with its descriptors: closing what is left does nothing. */
    public Message take() {
        return new Message(header, payload, takeDescriptors(), isSpoilt);
    }

    @Override
    public void close() {
        takeDescriptors().forEach(Descriptor::close);
    }
}
