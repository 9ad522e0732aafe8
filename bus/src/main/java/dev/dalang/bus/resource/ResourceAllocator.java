package dev.dalang.bus.resource;

import dev.dalang.bus.resource.AllocationException.Kind;
import dev.dalang.bus.resource.Resource.MsiIrqType;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A machine's resources: windows of memory and of ports, interrupt lines, messages, memory slots.
 * Gives a device all that it asks for, or nothing. Any thread.
 */
public final class ResourceAllocator {
    private final List<AddressAllocator> memory;
    private final @Nullable AddressAllocator ports;
    private final @Nullable IdAllocator lines;
    private final @Nullable AddressAllocator messages;
    private final @Nullable AddressAllocator slots;

    private ResourceAllocator(Builder builder) {
        memory = List.copyOf(builder.memory);
        ports = builder.ports;
        lines = builder.lines;
        messages = builder.messages;
        slots = builder.slots;
    }

    /** {@return a builder of an allocator that has nothing to give} */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Gives all that is asked for, or nothing.
     *
     * @param constraints the requests
     * @return the grants, in the order of the requests; memory slots one by one
     * @throws AllocationException if one cannot be met: {@code EXHAUSTED} with the numbers, or
     *     {@code UNSUPPORTED} where the machine has none of that resource
     */
    public synchronized DeviceResources allocate(List<ResourceConstraint> constraints) {
        List<Resource> granted = new ArrayList<>();
        try {
            for (ResourceConstraint constraint : constraints) {
                grant(constraint, granted);
            }
        } catch (AllocationException failed) {
            granted.reversed().forEach(this::release);
            throw failed;
        }
        return new DeviceResources(granted);
    }

    /**
     * Takes back what was given. All or nothing: what was not given out by this allocator is
     * refused. MAC addresses are passed over.
     *
     * @param resources what {@link #allocate} gave
     * @throws AllocationException if some of it is not given out
     */
    public synchronized void free(DeviceResources resources) {
        List<Resource> released = new ArrayList<>();
        try {
            for (Resource resource : resources.all()) {
                release(resource);
                released.add(resource);
            }
        } catch (AllocationException failed) {
            released.reversed().forEach(this::take);
            throw failed;
        }
    }

    private void grant(ResourceConstraint constraint, List<Resource> granted) {
        switch (constraint) {
            case ResourceConstraint.PioAddress pio -> {
                long base =
                        have(ports, "ports")
                                .allocate(
                                        pio.size(),
                                        pio.alignment(),
                                        pio.placement(),
                                        pio.min(),
                                        pio.max());
                granted.add(Resource.pio(base, pio.size()));
            }
            case ResourceConstraint.MmioAddress mmio ->
                    granted.add(Resource.mmio(allocateMemory(mmio), mmio.size()));
            case ResourceConstraint.LegacyIrq irq -> {
                IdAllocator from = have(lines, "interrupt lines");
                if (irq.line().isPresent()) {
                    from.allocate(irq.line().getAsLong());
                    granted.add(new Resource.LegacyIrq(irq.line().getAsLong()));
                } else {
                    granted.add(new Resource.LegacyIrq(from.allocate()));
                }
            }
            case ResourceConstraint.PciMsiIrq msi ->
                    granted.add(messages(MsiIrqType.PCI_MSI, msi.count(), msi.count()));
            case ResourceConstraint.PciMsixIrq msix ->
                    granted.add(messages(MsiIrqType.PCI_MSIX, msix.count(), 1));
            case ResourceConstraint.GenericIrq msi ->
                    granted.add(messages(MsiIrqType.GENERIC_MSI, msi.count(), 1));
            case ResourceConstraint.MemorySlot wanted -> grantSlots(wanted, granted);
        }
    }

    /** The windows are tried in order, from the last one back for what is to be high. */
    private long allocateMemory(ResourceConstraint.MmioAddress wanted) {
        List<AddressAllocator> windows =
                wanted.placement() == Placement.LOWEST ? memory : memory.reversed();
        AllocationException last = null;
        for (AddressAllocator window : windows) {
            if (Long.compareUnsigned(wanted.min(), window.last()) > 0
                    || Long.compareUnsigned(wanted.max(), window.base()) < 0) {
                continue;
            }
            try {
                return window.allocate(
                        wanted.size(),
                        wanted.alignment(),
                        wanted.placement(),
                        wanted.min(),
                        wanted.max());
            } catch (AllocationException full) {
                if (last != null) {
                    full.addSuppressed(last);
                }
                last = full;
            }
        }
        if (last != null) {
            throw last;
        }
        throw new AllocationException(
                memory.isEmpty() ? Kind.UNSUPPORTED : Kind.EXHAUSTED,
                "memory: no window has addresses in 0x"
                        + Long.toHexString(wanted.min())
                        + "..0x"
                        + Long.toHexString(wanted.max()));
    }

    private Resource messages(MsiIrqType type, int count, int alignment) {
        long base = have(messages, "messages").allocate(count, alignment, Placement.LOWEST);
        return new Resource.MsiIrq(type, base, count);
    }

    private void grantSlots(ResourceConstraint.MemorySlot wanted, List<Resource> granted) {
        AddressAllocator from = have(slots, "memory slots");
        long first;
        if (wanted.slot().isPresent()) {
            first = wanted.slot().getAsLong();
        } else {
            // Finds room for all, then takes them one by one: each is given back by itself.
            first = from.allocate(wanted.count(), 1, Placement.LOWEST);
            from.free(first, wanted.count());
        }
        for (long slot = first; slot < first + wanted.count(); slot++) {
            from.allocateAt(slot, 1, 1);
            granted.add(new Resource.MemorySlot(slot));
        }
    }

    private void release(Resource resource) {
        switch (resource) {
            case Resource.PioAddressRange pio ->
                    have(ports, "ports").free(pio.range().base(), pio.range().size());
            case Resource.MmioAddressRange mmio ->
                    window(mmio).free(mmio.range().base(), mmio.range().size());
            case Resource.LegacyIrq irq -> have(lines, "interrupt lines").free(irq.line());
            case Resource.MsiIrq msi -> have(messages, "messages").free(msi.base(), msi.size());
            case Resource.MemorySlot slot -> have(slots, "memory slots").free(slot.slot(), 1);
            case Resource.MacAddress _ -> {}
        }
    }

    /** Takes again what was released a moment ago. */
    private void take(Resource resource) {
        switch (resource) {
            case Resource.PioAddressRange pio ->
                    have(ports, "ports").allocateAt(pio.range().base(), pio.range().size(), 1);
            case Resource.MmioAddressRange mmio ->
                    window(mmio).allocateAt(mmio.range().base(), mmio.range().size(), 1);
            case Resource.LegacyIrq irq -> have(lines, "interrupt lines").allocate(irq.line());
            case Resource.MsiIrq msi ->
                    have(messages, "messages").allocateAt(msi.base(), msi.size(), 1);
            case Resource.MemorySlot slot ->
                    have(slots, "memory slots").allocateAt(slot.slot(), 1, 1);
            case Resource.MacAddress _ -> {}
        }
    }

    private AddressAllocator window(Resource.MmioAddressRange mmio) {
        Optional<AddressAllocator> window =
                memory.stream()
                        .filter(
                                candidate ->
                                        Long.compareUnsigned(candidate.base(), mmio.range().base())
                                                        <= 0
                                                && Long.compareUnsigned(
                                                                mmio.range().base(),
                                                                candidate.last())
                                                        <= 0)
                        .findFirst();
        return window.orElseThrow(
                () ->
                        new AllocationException(
                                Kind.NEVER_ALLOCATED,
                                mmio.range() + " lies in no window of this machine"));
    }

    private static <T> T have(@Nullable T allocator, String what) {
        if (allocator == null) {
            throw new AllocationException(Kind.UNSUPPORTED, "this machine has no " + what);
        }
        return allocator;
    }

    /** Says what there is to give. */
    public static final class Builder {
        private final List<AddressAllocator> memory = new ArrayList<>();
        private @Nullable AddressAllocator ports;
        private @Nullable IdAllocator lines;
        private @Nullable AddressAllocator messages;
        private @Nullable AddressAllocator slots;

        private Builder() {}

        /**
         * Adds a window of memory; the first is tried first.
         *
         * @param base its first address, unsigned
         * @param size how many bytes, unsigned
         * @return this
         */
        public Builder memory(long base, long size) {
            AddressAllocator window =
                    AddressAllocator.of("memory window 0x" + Long.toHexString(base), base, size);
            for (AddressAllocator other : memory) {
                if (Long.compareUnsigned(window.base(), other.last()) <= 0
                        && Long.compareUnsigned(other.base(), window.last()) <= 0) {
                    throw new AllocationException(
                            Kind.INVALID_RANGE,
                            "memory windows 0x"
                                    + Long.toHexString(other.base())
                                    + " and 0x"
                                    + Long.toHexString(base)
                                    + " overlap");
                }
            }
            memory.add(window);
            return this;
        }

        /**
         * Sets the ports.
         *
         * @param base the first
         * @param size how many
         * @return this
         */
        public Builder ports(long base, long size) {
            ports = AddressAllocator.of("ports", base, size);
            return this;
        }

        /**
         * Sets the interrupt lines.
         *
         * @param lowest the lowest number
         * @param highest the highest number
         * @return this
         */
        public Builder interruptLines(long lowest, long highest) {
            lines = IdAllocator.of("interrupt lines", lowest, highest);
            return this;
        }

        /**
         * Sets the messages.
         *
         * @param base number of the first
         * @param count how many
         * @return this
         */
        public Builder messages(long base, long count) {
            Checks.ids("messages", base, count);
            messages = AddressAllocator.of("messages", base, count);
            return this;
        }

        /**
         * Sets the memory slots.
         *
         * @param base number of the first
         * @param count how many
         * @return this
         */
        public Builder memorySlots(long base, long count) {
            Checks.ids("memory slots", base, count);
            slots = AddressAllocator.of("memory slots", base, count);
            return this;
        }

        /** {@return the allocator} */
        public ResourceAllocator build() {
            return new ResourceAllocator(this);
        }
    }
}
