package dev.dalang.vm;

import dev.dalang.pci.PciDevice;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * A PCI device, and where it goes. A device belongs to one machine.
 *
 * @param device the device
 * @param id what counters and snapshots call it; empty for a name by place
 * @param address device and function number on the root bus; empty for the first free device number
 * @param bootIndex its place in the order in which firmware tries to boot from devices, the lowest
 *     first, not negative; empty if that is firmware's choice
 */
public record PciPlacement(
        PciDevice device, Optional<String> id, Optional<Address> address, OptionalInt bootIndex) {
    private static final int MAX_ID_LENGTH = 64;

    /**
     * A place on the root bus.
     *
     * @param device 0..31
     * @param function 0..7
     */
    public record Address(int device, int function) {
        static Address parse(String text) {
            int dot = text.indexOf('.');
            try {
                int device = Integer.parseInt(dot < 0 ? text : text.substring(0, dot), 16);
                int function = dot < 0 ? 0 : Integer.parseInt(text.substring(dot + 1), 16);
                if (device >= 0 && device < 32 && function >= 0 && function < 8) {
                    return new Address(device, function);
                }
            } catch (NumberFormatException _) {
                // The message below says it.
            }
            throw new ConfigurationException(
                    "--device: expected addr= with a device 0..1f and a function 0..7 such as 4.0,"
                            + " found "
                            + text);
        }
    }

    /**
     * Checks the index.
     *
     * @throws ConfigurationException if it is negative
     */
    public PciPlacement {
        if (bootIndex.orElse(0) < 0) {
            throw wrongIndex(Integer.toString(bootIndex.getAsInt()));
        }
    }

    /**
     * A device that nobody boots from.
     *
     * @param device the device
     * @param id what counters and snapshots call it; empty for a name by place
     * @param address device and function number on the root bus; empty for the first free device
     *     number
     */
    public PciPlacement(PciDevice device, Optional<String> id, Optional<Address> address) {
        this(device, id, address, OptionalInt.empty());
    }

    /**
     * Parses the text form of a device of the house, as {@link DeviceCatalogue#parse} does.
     *
     * @param text the text
     * @param index how many devices were named before, for what must be numbered
     * @return a new device of that name, and its place
     * @throws ConfigurationException if the text is none of these
     */
    public static PciPlacement parse(String text, int index) {
        return DeviceCatalogue.builtIn().parse(text, index);
    }

    static int parseIndex(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException _) {
            throw wrongIndex(text);
        }
    }

    private static ConfigurationException wrongIndex(String text) {
        return new ConfigurationException(
                "--device: expected bootindex= with a number from 0, found " + text);
    }

    static String checkedId(String id) {
        if (!id.matches("[A-Za-z0-9][A-Za-z0-9._-]*") || id.length() > MAX_ID_LENGTH) {
            throw new ConfigurationException(
                    "--device: expected an id of letters, digits, ., _ and -, at most "
                            + MAX_ID_LENGTH
                            + " of them, found "
                            + id);
        }
        return id;
    }
}
