package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;

import java.util.Optional;

/**
 * A bridge to another bus, with a header of type 1. What is on the bus behind it answers only
 * inside the bridge's windows, and is addressed by the bus numbers in its registers; a guest may
 * change both at any time (PCI-to-PCI bridge 1.2 §3.2.5). Its state is its configuration space.
 *
 * {@snippet :
 * PciFunction bridge = root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT));
 * bridge.behind().orElseThrow().add(new EduDevice());
 * }
 */
public sealed class PciBridge implements PciDevice permits PciRootPort {
    private static final int VENDOR_REDHAT = 0x1b36;
    private static final int DEVICE_BRIDGE = 0x0001;
    private static final int CLASS_BRIDGE_PCI = 0x06_0400;
    private static final int VERSION = 1;

    /**
     * What a bridge has at power-on for what is behind it.
     *
     * @param portCount ports, a multiple of 4,096; 0 for none
     * @param memoryBytes memory below 4 GiB, a multiple of 1 MiB; 0 for none
     * @param prefetchableBytes memory for prefetchable BARs, a multiple of 1 MiB; 0 for none
     * @param buses bus numbers: the one behind it, and those of bridges there; at least 1
     */
    public record Windows(long portCount, long memoryBytes, long prefetchableBytes, int buses) {
        private static final long PORTS_GRANULE = 0x1000;
        private static final long MEMORY_GRANULE = 1L << 20;

        /** 4,096 ports, 2 MiB, 2 MiB prefetchable, one bus. */
        public static final Windows DEFAULT = new Windows(0x1000, 2L << 20, 2L << 20, 1);

        /** For a slot: 4,096 ports, 8 MiB, 64 MiB prefetchable, one bus. */
        public static final Windows SLOT = new Windows(0x1000, 8L << 20, 64L << 20, 1);

        /**
         * Checks the sizes.
         *
         * @throws PciException if one is negative or no multiple of its granule, or there is no bus
         */
        public Windows {
            check("ports", portCount, PORTS_GRANULE);
            check("memory", memoryBytes, MEMORY_GRANULE);
            check("prefetchable memory", prefetchableBytes, MEMORY_GRANULE);
            if (buses < 1 || buses > 255) {
                throw new PciException(
                        PciException.Kind.BUS_NUMBER,
                        "PCI bridge",
                        "expected 1..255 bus numbers, got " + buses);
            }
        }

        private static void check(String what, long size, long granule) {
            if (size < 0 || size % granule != 0) {
                throw new PciException(
                        PciException.Kind.INVALID_VALUE,
                        "PCI bridge",
                        "expected a window of %s of a multiple of 0x%x, got 0x%x"
                                .formatted(what, granule, size));
            }
        }

        /**
         * {@return the same windows, with room for bridges behind the bridge}
         *
         * @param count bus numbers, 1..255
         */
        public Windows withBuses(int count) {
            return new Windows(portCount, memoryBytes, prefetchableBytes, count);
        }
    }

    private final Windows windows;
    private final PciDeviceSpec spec;

    PciBridge(Windows windows, PciDeviceSpec spec) {
        this.windows = windows;
        this.spec = spec;
    }

    /**
     * Makes a conventional bridge.
     *
     * @param windows what it has at power-on
     * @return the bridge, to be added to a bus
     */
    public static PciBridge of(Windows windows) {
        return new PciBridge(
                windows,
                PciDeviceSpec.builder("pci-bridge", VENDOR_REDHAT, DEVICE_BRIDGE)
                        .classCode(CLASS_BRIDGE_PCI)
                        .build());
    }

    /** {@return what it has at power-on} */
    public final Windows windows() {
        return windows;
    }

    @Override
    public final PciDeviceSpec spec() {
        return spec;
    }

    /** All ones: a bridge has no registers of its own, but for those of MSI-X. */
    @Override
    public final long readBar(int bar, long offset, int size) {
        return -1;
    }

    /** Dropped. */
    @Override
    public final void writeBar(int bar, long offset, int size, long value) {}

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(spec.name(), VERSION).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(spec.name(), VERSION);
    }

    /** What {@link PciRoot} asks of a bridge when a function is added behind it, or removed. */
    void populationChanged(Optional<PciBus> behind) {}
}
