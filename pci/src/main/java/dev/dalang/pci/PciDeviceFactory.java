package dev.dalang.pci;

import java.util.Map;

/**
 * Makes devices of one kind that take options. A jar provides such classes, or plain {@link
 * PciDevice}s that take none, by naming them in {@code META-INF/services}.
 */
public interface PciDeviceFactory {
    /** {@return the name that devices are asked for by, such as {@code edu}} */
    String name();

    /** {@return one line that says what the device is for} */
    String description();

    /** {@return the options that {@link #create} takes: name, and what it is in a few words} */
    default Map<String, String> options() {
        return Map.of();
    }

    /**
     * Makes a device.
     *
     * @param options values by name; the names are among those of {@link #options}
     * @return a new device
     * @throws IllegalArgumentException if a value cannot be used; its message is shown to the user
     */
    PciDevice create(Map<String, String> options);
}
