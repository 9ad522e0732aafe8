package dev.dalang.vm;

import java.util.Arrays;
import java.util.stream.Collectors;

/** How interrupts reach the harts of the {@code virt} board. */
public enum InterruptArchitecture {
    /**
     * The Advanced Interrupt Architecture: APLIC and IMSIC. PCI devices use real message-signalled
     * interrupts.
     */
    APLIC_IMSIC("aplic-imsic"),
    /** The older PLIC; no message-signalled interrupts. */
    NONE("none");

    private final String option;

    InterruptArchitecture(String option) {
        this.option = option;
    }

    /**
     * The value's name on the command line and in configuration files.
     *
     * @return the name
     */
    public String option() {
        return option;
    }

    /**
     * The value of a name.
     *
     * @param option as {@link #option} gives it
     * @return the value
     * @throws ConfigurationException if there is none of this name
     */
    public static InterruptArchitecture of(String option) {
        for (InterruptArchitecture value : values()) {
            if (value.option.equals(option)) {
                return value;
            }
        }
        throw new ConfigurationException(
                "--aia: expected one of %s, found %s"
                        .formatted(
                                Arrays.stream(values())
                                        .map(InterruptArchitecture::option)
                                        .collect(Collectors.joining(", ")),
                                option));
    }
}
