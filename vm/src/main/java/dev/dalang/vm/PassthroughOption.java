package dev.dalang.vm;

import dev.dalang.linux.Linux;
import dev.dalang.passthrough.BackendException;
import dev.dalang.passthrough.PassthroughBackend;
import dev.dalang.passthrough.PassthroughDevice;
import dev.dalang.passthrough.PassthroughDeviceType;
import dev.dalang.passthrough.PassthroughException;
import dev.dalang.passthrough.PassthroughFunction;
import dev.dalang.passthrough.PassthroughListener;
import dev.dalang.passthrough.PassthroughOptions;
import dev.dalang.passthrough.VfioBackend;
import dev.dalang.passthrough.VfioUserBackend;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciException;
import dev.dalang.vm.internal.board.VirtMap;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A device that lives elsewhere, as {@code --passthrough} has it: {@code
 * vfio-user:SOCKET[,timeout=SECONDS][,id=ID][,addr=DD.F][,bootindex=N]}, or {@code
 * vfio:PCI-ADDRESS} and the same without a time.
 */
final class PassthroughOption {
    private static final System.Logger LOG = System.getLogger(PassthroughOption.class.getName());
    private static final String VFIO_USER = "vfio-user:";
    private static final String VFIO = "vfio:";

    /** What a client takes: more would be none. */
    private static final BigDecimal LEAST_SECONDS = new BigDecimal("0.001");

    private static final BigDecimal MOST_SECONDS = BigDecimal.valueOf(86_400);

    /** The way to the device, that of a process with the time that it may take to answer. */
    private interface Source {
        PassthroughBackend open(Optional<Duration> timeout) throws BackendException;
    }

    private final Source source;
    private final Optional<PciAddress> host;
    private Optional<Duration> timeout = Optional.empty();
    private Optional<String> id = Optional.empty();
    private Optional<PciPlacement.Address> address = Optional.empty();
    private OptionalInt bootIndex = OptionalInt.empty();

    private PassthroughOption(Source source, Optional<PciAddress> host) {
        this.source = source;
        this.host = host;
    }

    /**
     * Parses; nothing is connected to yet.
     *
     * @param text the text
     * @return what to connect to
     * @throws ConfigurationException if the text is wrong
     */
    static PassthroughOption parse(String text) {
        String[] parts = text.split(",", -1);
        PassthroughOption option = of(parts[0], text);
        Set<String> seen = new HashSet<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String key = equals < 0 ? parts[i] : parts[i].substring(0, equals);
            if (!seen.add(key)) {
                throw new ConfigurationException(
                        "--passthrough: expected %s= once, found it twice".formatted(key));
            }
            option.take(key, equals < 0 ? "" : parts[i].substring(equals + 1), parts[i]);
        }
        return option;
    }

    private static PassthroughOption of(String device, String text) {
        if (device.startsWith(VFIO)) {
            try {
                PciAddress address = PciAddress.parse(device.substring(VFIO.length()));
                return new PassthroughOption(_ -> VfioBackend.open(address), Optional.of(address));
            } catch (PciException wrong) {
                throw new ConfigurationException("--passthrough: " + wrong.getMessage(), wrong);
            }
        }
        String path = device.startsWith(VFIO_USER) ? device.substring(VFIO_USER.length()) : "";
        if (path.isEmpty() || path.indexOf(0) >= 0) {
            throw new ConfigurationException(
                    "--passthrough: expected vfio-user:SOCKET or vfio:PCI-ADDRESS, found " + text);
        }
        Path socket = Path.of(path);
        return new PassthroughOption(
                timeout ->
                        timeout.isPresent()
                                ? VfioUserBackend.connect(socket, timeout.get())
                                : VfioUserBackend.connect(socket),
                Optional.empty());
    }

    private void take(String key, String value, String part) {
        boolean isOfProcess = host.isEmpty();
        if (isOfProcess && key.equals("timeout")) {
            timeout = Optional.of(parseSeconds(value));
            return;
        }
        switch (key) {
            case "id" -> id = Optional.of(PciPlacement.checkedId(value));
            case "addr" -> address = Optional.of(PciPlacement.Address.parse(value));
            case "bootindex" -> bootIndex = OptionalInt.of(PciPlacement.parseIndex(value));
            default ->
                    throw new ConfigurationException(
                            "--passthrough: expected %sid=, addr= or bootindex=, found %s"
                                    .formatted(isOfProcess ? "timeout=, " : "", part));
        }
    }

    private static Duration parseSeconds(String value) {
        try {
            BigDecimal seconds = new BigDecimal(value);
            if (seconds.compareTo(LEAST_SECONDS) >= 0 && seconds.compareTo(MOST_SECONDS) <= 0) {
                return Duration.ofMillis(seconds.movePointRight(3).longValue());
            }
        } catch (NumberFormatException _) {
            // The message below says it.
        }
        throw new ConfigurationException(
                "--passthrough: timeout=: expected %s..%s seconds, found %s"
                        .formatted(LEAST_SECONDS, MOST_SECONDS, value));
    }

    /**
     * Connects to the device.
     *
     * @param cpus harts of the machine
     * @param hasAia whether they have files that take messages
     * @return the device, which gives up its connection when it is removed
     * @throws ConfigurationException if it cannot be had; nothing is left open
     */
    PciPlacement make(int cpus, boolean hasAia) {
        if (!Linux.isAvailable()) {
            throw new ConfigurationException("--passthrough: this needs Linux, and native access");
        }
        PassthroughDevice device = null;
        try {
            device =
                    PassthroughDevice.open(
                            PassthroughDeviceType.GENERIC_PCI,
                            source.open(timeout),
                            PassthroughOptions.DEFAULT,
                            host);
            device.listen(new Teller());
            PassthroughFunction function =
                    PassthroughFunction.builder(device)
                            .harts(
                                    cpus,
                                    messageAddress ->
                                            hasAia
                                                    ? hart(messageAddress, cpus)
                                                    : OptionalInt.empty())
                            .closing()
                            .build();
            return new PciPlacement(function, id, address, bootIndex);
        } catch (BackendException | PassthroughException refused) {
            if (device != null) {
                device.close();
            }
            throw new ConfigurationException("--passthrough: " + refused.getMessage(), refused);
        }
    }

    /** Whose file a message goes to. */
    private static OptionalInt hart(long messageAddress, int cpus) {
        long file = (messageAddress - VirtMap.IMSIC_S) / VirtMap.IMSIC_PAGE_BYTES;
        return messageAddress >= VirtMap.IMSIC_S && file < cpus
                ? OptionalInt.of((int) file)
                : OptionalInt.empty();
    }

    /** Says what the user would look for. */
    private static final class Teller implements PassthroughListener {
        @Override
        public void lost(PassthroughDevice device) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} is gone; the guest reads all ones from now on",
                    device.label());
        }
    }
}
