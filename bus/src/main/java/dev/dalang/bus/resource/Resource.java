package dev.dalang.bus.resource;

import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;

import java.util.regex.Pattern;

/** What a device got. */
public sealed interface Resource {
    /**
     * A range of ports.
     *
     * @param range the ports
     */
    record PioAddressRange(PioRange range) implements Resource {}

    /**
     * A range of guest physical addresses.
     *
     * @param range the addresses
     */
    record MmioAddressRange(MmioRange range) implements Resource {}

    /**
     * An interrupt line.
     *
     * @param line its number, an unsigned 32-bit number
     */
    record LegacyIrq(long line) implements Resource {
        /**
         * Checks the number.
         *
         * @throws AllocationException if it is out of range
         */
        public LegacyIrq {
            Checks.id("interrupt line", line);
        }
    }

    /** What kind of device sends messages, and how. */
    enum MsiIrqType {
        /** By the MSI capability of a PCI function. */
        PCI_MSI,
        /** By the MSI-X table of a PCI function. */
        PCI_MSIX,
        /** By means of its own. */
        GENERIC_MSI
    }

    /**
     * Consecutive messages.
     *
     * @param type who sends them
     * @param base number of the first, an unsigned 32-bit number
     * @param size how many
     */
    record MsiIrq(MsiIrqType type, long base, long size) implements Resource {
        /**
         * Checks the numbers.
         *
         * @throws AllocationException if there is none, or the last is out of range
         */
        public MsiIrq {
            Checks.ids("messages", base, size);
        }
    }

    /**
     * The address of a network card.
     *
     * @param address six bytes in hexadecimal, with colons between
     */
    record MacAddress(String address) implements Resource {
        private static final Pattern FORM = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");

        /** Checks the form. */
        public MacAddress {
            if (!FORM.matcher(address).matches()) {
                throw new IllegalArgumentException(
                        "expected a MAC address such as 52:54:00:12:34:56, got " + address);
            }
        }
    }

    /**
     * A slot for a memory region of a hypervisor.
     *
     * @param slot its number
     */
    record MemorySlot(long slot) implements Resource {
        /**
         * Checks the number.
         *
         * @throws AllocationException if it is out of range
         */
        public MemorySlot {
            Checks.id("memory slot", slot);
        }
    }

    /**
     * Grants ports.
     *
     * @param base the first
     * @param size how many
     * @return the grant
     */
    static PioAddressRange pio(long base, long size) {
        return new PioAddressRange(new PioRange(base, size));
    }

    /**
     * Grants memory.
     *
     * @param base the first address
     * @param size how many bytes
     * @return the grant
     */
    static MmioAddressRange mmio(long base, long size) {
        return new MmioAddressRange(new MmioRange(base, size));
    }
}
