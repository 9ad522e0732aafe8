package dev.dalang.net.internal.user;

import dev.dalang.net.EchoForwarder;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.List;

/** What a user-mode network is made of. */
public record EngineConfig(
        boolean hostLoopback,
        boolean restrict,
        boolean outside,
        int mtu,
        int maxConnections,
        int maxUdpFlows,
        long bufferBytes,
        List<InetSocketAddress> resolvers,
        @Nullable EchoForwarder echo) {}
