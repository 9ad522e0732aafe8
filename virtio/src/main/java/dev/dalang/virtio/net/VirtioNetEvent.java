package dev.dalang.virtio.net;

/** What a {@link VirtioNetDevice} counts. */
public enum VirtioNetEvent {
    /** A frame of the driver's went to the back end. */
    SENT,
    /** A frame of the driver's was dropped: its header or its length made no sense. */
    SEND_MALFORMED,
    /** A frame of the driver's was dropped: the cable was out. */
    SEND_DROPPED,
    /** Sending waited for the back end, or for the rate that the card is held to. */
    SEND_HELD_BACK,
    /** A frame went to the driver. */
    RECEIVED,
    /** A frame was dropped, because the driver does not want its like. */
    RECEIVE_FILTERED,
    /** A frame was dropped, because no buffer was long enough, or the driver was not there. */
    RECEIVE_DROPPED,
    /** Receiving waited for buffers of the driver's, or for the rate. */
    RECEIVE_HELD_BACK,
    /** A command on the control queue was refused. */
    COMMAND_REFUSED
}
