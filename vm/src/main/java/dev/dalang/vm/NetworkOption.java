package dev.dalang.vm;

import dev.dalang.bus.time.RateLimiter;
import dev.dalang.net.HostForward;
import dev.dalang.net.NetworkBackend;
import dev.dalang.net.PacketCapture;
import dev.dalang.net.TapNetwork;
import dev.dalang.net.UserNetwork;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.net.VirtioNetDevice;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A network card, and what stands behind it, as {@code --net} has them: {@code
 * user[,host-loopback=on][,restrict=on][,hostfwd=tcp:127.0.0.1:2222-:22][,mac=…][,queues=N]
 * [,rate=SIZE][,pcap=FILE][,bootindex=N][,id=ID][,addr=DD.F]}, {@code tap=NAME} with those from
 * {@code mac} on, or {@code none}. Only {@code hostfwd} may be given more than once.
 */
final class NetworkOption {
    private static final String OF_ANY = "mac=, queues=, rate=, pcap=, bootindex=, id= or addr=";
    private static final String OF_USER = "host-loopback=, restrict=, hostfwd=, " + OF_ANY;
    private static final String TAP = "tap=";
    private static final Set<String> OF_USER_ALONE = Set.of("host-loopback", "restrict", "hostfwd");
    private static final long FIRST_MAC = 0x5254_0012_3456L;
    private static final long CAPTURE_BYTES = 1L << 30;
    private static final int MAX_QUEUES = 32;

    private final UserNetwork.Builder network = UserNetwork.builder();

    /** The host's interface, in the place of a network of the guest's own. */
    private final Optional<String> tap;

    private OptionalLong mac = OptionalLong.empty();
    private int queues = 1;
    private RateLimiter.Rate rate = RateLimiter.Rate.UNLIMITED;
    private @Nullable Path capture;
    private Optional<String> id = Optional.empty();
    private Optional<PciPlacement.Address> address = Optional.empty();
    private OptionalInt bootIndex = OptionalInt.empty();

    private NetworkOption(Optional<String> tap) {
        this.tap = tap;
    }

    /**
     * Parses; nothing is opened yet.
     *
     * @param text the text
     * @return what to make, or nothing for {@code none}
     * @throws ConfigurationException if the text is wrong
     */
    static Optional<NetworkOption> parse(String text) {
        String[] parts = text.split(",", -1);
        if (parts[0].equals("none") && parts.length == 1) {
            return Optional.empty();
        }
        boolean isTap = parts[0].startsWith(TAP);
        if (!isTap && !parts[0].equals("user")) {
            throw new ConfigurationException(
                    "--net: expected user, tap=NAME or none, found " + text);
        }
        NetworkOption option =
                new NetworkOption(isTap ? Optional.of(interfaceName(parts[0])) : Optional.empty());
        Set<String> seen = new HashSet<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String key = equals < 0 ? parts[i] : parts[i].substring(0, equals);
            if (!seen.add(key) && !key.equals("hostfwd")) {
                throw new ConfigurationException(
                        "--net: expected %s= once, found it twice".formatted(key));
            }
            if (equals < 0) {
                throw option.unknown(parts[i]);
            }
            option.take(key, parts[i].substring(equals + 1), parts[i]);
        }
        return Optional.of(option);
    }

    private static String interfaceName(String part) {
        String name = part.substring(TAP.length());
        if (!name.matches("[^/\\s]{1,15}") || name.equals(".") || name.equals("..")) {
            throw new ConfigurationException(
                    "--net: expected tap= with the name of an interface, 1 to 15 characters, found "
                            + part);
        }
        return name;
    }

    private ConfigurationException unknown(String part) {
        return new ConfigurationException(
                "--net: expected " + (tap.isPresent() ? OF_ANY : OF_USER) + ", found " + part);
    }

    private void take(String key, String value, String part) {
        if (tap.isPresent() && OF_USER_ALONE.contains(key)) {
            throw unknown(part);
        }
        switch (key) {
            case "host-loopback" -> network.hostLoopback(isOn(key, value));
            case "restrict" -> network.restrict(isOn(key, value));
            case "hostfwd" -> {
                try {
                    network.hostForward(HostForward.parse(value));
                } catch (IllegalArgumentException wrong) {
                    throw new ConfigurationException("--net: " + wrong.getMessage(), wrong);
                }
            }
            case "mac" -> mac = OptionalLong.of(mac(value));
            case "queues" -> queues = queues(value);
            case "rate" -> rate = rate(value);
            case "pcap" -> {
                if (value.isEmpty()) {
                    throw unknown(part);
                }
                capture = Path.of(value);
            }
            case "bootindex" -> bootIndex = OptionalInt.of(bootIndex(value));
            case "id" -> id = Optional.of(PciPlacement.checkedId(value));
            case "addr" -> address = Optional.of(PciPlacement.Address.parse(value));
            default -> throw unknown(part);
        }
    }

    private static boolean isOn(String key, String value) {
        return switch (value) {
            case "on" -> true;
            case "off" -> false;
            default ->
                    throw new ConfigurationException(
                            "--net: expected %s=on or off, found %s".formatted(key, value));
        };
    }

    private static long mac(String value) {
        if (value.matches("([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")) {
            long read = Long.parseLong(value.replace(":", ""), 16);
            if (read != 0 && (read >>> 40 & 1) == 0) {
                return read;
            }
        }
        throw new ConfigurationException(
                "--net: expected mac= with the address of one card such as 52:54:00:12:34:56,"
                        + " found "
                        + value);
    }

    private static int queues(String value) {
        if (value.matches("[0-9]{1,2}")) {
            int count = Integer.parseInt(value);
            if (count >= 1 && count <= MAX_QUEUES) {
                return count;
            }
        }
        throw new ConfigurationException(
                "--net: expected queues= with 1 to %d, found %s".formatted(MAX_QUEUES, value));
    }

    private static RateLimiter.Rate rate(String value) {
        long bytes = MemorySize.parse("--net: rate=", value);
        if (bytes < 1 || bytes > RateLimiter.MAX) {
            throw new ConfigurationException(
                    "--net: expected rate= with 1 to %d bytes a second, found %s"
                            .formatted(RateLimiter.MAX, value));
        }
        return RateLimiter.Rate.of(bytes);
    }

    private static int bootIndex(String value) {
        if (value.matches("[0-9]{1,9}")) {
            return Integer.parseInt(value);
        }
        throw new ConfigurationException(
                "--net: expected bootindex= with a number from 0, found " + value);
    }

    /**
     * Opens the ports of forwards and the file of the capture, and makes the card, which closes
     * them when it is detached.
     *
     * @param index how many cards the machine has already
     * @throws ConfigurationException if a port or file cannot be opened; nothing is left open
     */
    PciPlacement make(int index) {
        NetworkBackend backend = null;
        try {
            backend = tap.isPresent() ? TapNetwork.open(tap.get()) : network.build();
            if (capture != null) {
                backend = PacketCapture.of(backend, capture, CAPTURE_BYTES);
            }
        } catch (UncheckedIOException failed) {
            if (backend != null) {
                backend.close();
            }
            throw new ConfigurationException("--net: " + failed.getMessage(), failed);
        } catch (IOException failed) {
            throw new ConfigurationException(
                    "--net: tap=" + tap.orElse("") + ": " + failed.getMessage(), failed);
        }
        VirtioNetDevice card =
                VirtioNetDevice.builder(backend)
                        .mac(mac.orElse(FIRST_MAC + index))
                        .queuePairs(queues)
                        .sendRate(RateLimiter.Rate.UNLIMITED, rate)
                        .receiveRate(RateLimiter.Rate.UNLIMITED, rate)
                        .build();
        return new PciPlacement(VirtioPciDevice.of(card), id, address, bootIndex);
    }
}
