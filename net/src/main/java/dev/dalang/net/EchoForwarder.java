package dev.dalang.net;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * Sends the guest's echo requests to the outside, where the host allows that. A {@link UserNetwork}
 * has one over the host's datagram sockets for ICMP, unless it is given another. Without one,
 * requests to the outside are answered by "administratively prohibited".
 */
public interface EchoForwarder extends AutoCloseable {
    /**
     * An echo request, or the reply to one.
     *
     * @param peer whom it goes to, or comes from
     * @param identifier the guest's identifier, 16 bits; a reply has its request's
     * @param sequence the guest's sequence number, 16 bits
     * @param payload what follows, from its position to its limit; only read
     */
    record Echo(InetAddress peer, int identifier, int sequence, ByteBuffer payload) {}

    /**
     * Says who takes the replies.
     *
     * @param replies called on any thread; does not block
     */
    void start(Consumer<Echo> replies);

    /**
     * Sends a request, on the network's thread; must not block.
     *
     * @param request the request
     * @return false if it could not be sent
     */
    boolean send(Echo request);

    /** Gives sockets and threads back; no reply comes after that. */
    @Override
    void close();
}
