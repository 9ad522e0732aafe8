package dev.dalang.net.internal.user;

import java.nio.ByteBuffer;

/** A segment's header and options, read out of a packet (RFC 9293 §3.1, RFC 7323 §2). */
final class TcpHeader {
    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;

    static final int BYTES = 20;
    private static final int MAX_WINDOW_SCALE = 14;

    int guestPort;
    int remotePort;
    int sequence;
    int acknowledgment;
    int flags;
    int window;

    /** Where the data is, and how much of it. */
    int data;

    int dataBytes;

    /** From a segment with SYN: the largest segment the guest takes, or 0. */
    int maxSegment;

    /** From a segment with SYN: the scale of the guest's windows, or -1. */
    int windowScale;

    /** From a segment with SYN: whether the guest understands selective acknowledgments. */
    boolean selective;

    /** Reads the header; false if it does not fit into the packet. */
    boolean read(Packet packet) {
        if (packet.payloadBytes < BYTES) {
            return false;
        }
        ByteBuffer buffer = packet.data;
        int at = packet.payload;
        guestPort = buffer.getShort(at) & 0xffff;
        remotePort = buffer.getShort(at + 2) & 0xffff;
        sequence = buffer.getInt(at + 4);
        acknowledgment = buffer.getInt(at + 8);
        int headerBytes = (buffer.get(at + 12) >> 4 & 0xf) * 4;
        flags = buffer.get(at + 13) & 0x3f;
        window = buffer.getShort(at + 14) & 0xffff;
        if (headerBytes < BYTES || headerBytes > packet.payloadBytes) {
            return false;
        }
        data = at + headerBytes;
        dataBytes = packet.payloadBytes - headerBytes;
        maxSegment = 0;
        windowScale = -1;
        selective = false;
        if (has(SYN)) {
            readOptions(buffer, at + BYTES, data);
        }
        return true;
    }

    private void readOptions(ByteBuffer buffer, int begin, int end) {
        int at = begin;
        while (at < end) {
            int kind = buffer.get(at) & 0xff;
            if (kind == 0) {
                return;
            }
            if (kind == 1) {
                at++;
                continue;
            }
            int length = at + 1 < end ? buffer.get(at + 1) & 0xff : 0;
            if (length < 2 || length > end - at) {
                return;
            }
            if (kind == 2 && length == 4) {
                maxSegment = buffer.getShort(at + 2) & 0xffff;
            } else if (kind == 3 && length == 3) {
                windowScale = Math.min(buffer.get(at + 2) & 0xff, MAX_WINDOW_SCALE);
            } else if (kind == 4 && length == 2) {
                selective = true;
            }
            at += length;
        }
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** What the segment takes of the sequence space. */
    int sequenceBytes() {
        return dataBytes + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }
}
