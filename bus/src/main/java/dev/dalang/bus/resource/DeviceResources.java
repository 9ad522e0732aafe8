package dev.dalang.bus.resource;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.resource.Resource.MsiIrq;
import dev.dalang.bus.resource.Resource.MsiIrqType;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * All that one device got, in the order in which it asked; duplicates are allowed.
 *
 * @param all the resources
 */
public record DeviceResources(List<Resource> all) {
    /** Of a device that got nothing. */
    public static final DeviceResources NONE = new DeviceResources(List.of());

    /** Copies the list. */
    public DeviceResources {
        all = List.copyOf(all);
    }

    /**
     * Gives these and one more.
     *
     * @param resource what is added behind
     * @return the resources
     */
    public DeviceResources append(Resource resource) {
        List<Resource> more = new ArrayList<>(all);
        more.add(resource);
        return new DeviceResources(more);
    }

    private <T extends Resource> Stream<T> only(Class<T> kind) {
        return all.stream().filter(kind::isInstance).map(kind::cast);
    }

    /** {@return all port ranges, in order} */
    public List<PioRange> pioRanges() {
        return only(Resource.PioAddressRange.class).map(Resource.PioAddressRange::range).toList();
    }

    /** {@return all memory ranges, in order} */
    public List<MmioRange> mmioRanges() {
        return only(Resource.MmioAddressRange.class).map(Resource.MmioAddressRange::range).toList();
    }

    /** {@return all ranges of either bus, in order: what an {@code IoManager} registers} */
    public List<BusRange> ranges() {
        List<BusRange> ranges = new ArrayList<>();
        for (Resource resource : all) {
            switch (resource) {
                case Resource.PioAddressRange pio -> ranges.add(pio.range());
                case Resource.MmioAddressRange mmio -> ranges.add(mmio.range());
                default -> {}
            }
        }
        return List.copyOf(ranges);
    }

    /** {@return all memory slots, in order} */
    public List<Long> memorySlots() {
        return only(Resource.MemorySlot.class).map(Resource.MemorySlot::slot).toList();
    }

    /** {@return the first interrupt line} */
    public OptionalLong legacyIrq() {
        return only(Resource.LegacyIrq.class).mapToLong(Resource.LegacyIrq::line).findFirst();
    }

    /**
     * Gives the first messages of a type.
     *
     * @param type the type
     * @return the messages
     */
    public Optional<MsiIrq> msi(MsiIrqType type) {
        return only(MsiIrq.class).filter(msi -> msi.type() == type).findFirst();
    }

    /** {@return the first MAC address} */
    public Optional<String> macAddress() {
        return only(Resource.MacAddress.class).map(Resource.MacAddress::address).findFirst();
    }
}
