package dev.dalang.passthrough;

import dev.dalang.pci.PciCapStatus;

/**
 * The device's PCI Express capability (PCIe 6.0 §7.5.3). How large a transfer is and how links are
 * trained is the host's business; a reset of the function is a reset by the machine, so that
 * nothing is left armed that the device has forgotten.
 */
final class ForwardedExpress extends ForwardedCapability {
    /** Registers of version 2. */
    static final int REGISTERS = 15;

    private static final int FLAGS = 0;
    private static final int TYPE = 0xf0_0000;
    private static final int INTEGRATED_ENDPOINT = 0x90_0000;
    private static final int SLOT = 0x100_0000;
    private static final int DEVICE_CAPABILITIES = 1;
    private static final int FUNCTION_RESET_CAPABLE = 1 << 28;
    private static final int DEVICE_CONTROL = 2;

    /** Reporting of errors, relaxed ordering, no snoop. */
    private static final int CONTROL_WRITABLE = 0x81f;

    private static final int STATUS_ERRORS = 0xf << 16;
    private static final int FUNCTION_RESET = 0x8000;

    private final Surroundings surroundings;

    /** What the capability must know of the function that it is shown in. */
    interface Surroundings {
        /** True if there is no bridge above it. */
        boolean isOnRootBus();

        /** True if the device can be reset. */
        boolean isResettable();

        /** The guest wants the function reset. */
        void resetFunction();
    }

    ForwardedExpress(
            OwnedRegisters device,
            CapabilityWalk.Found found,
            int registers,
            Surroundings surroundings) {
        super(device, found, registers, false);
        this.surroundings = surroundings;
        allow(DEVICE_CONTROL, CONTROL_WRITABLE, STATUS_ERRORS);
    }

    @Override
    public int readRegister(int register) {
        boolean hasNoLink = surroundings.isOnRootBus();
        if (hasNoLink && isOfLink(register)) {
            return 0;
        }
        int value = super.readRegister(register);
        return switch (register) {
            case FLAGS -> hasNoLink ? value & ~(TYPE | SLOT) | INTEGRATED_ENDPOINT : value & ~SLOT;
            case DEVICE_CAPABILITIES ->
                    surroundings.isResettable()
                            ? value | FUNCTION_RESET_CAPABLE
                            : value & ~FUNCTION_RESET_CAPABLE;
            default -> value;
        };
    }

    /** Links: capabilities and control, and those of the second generation. */
    private static boolean isOfLink(int register) {
        return register == 3 || register == 4 || register == 11 || register == 12;
    }

    @Override
    public PciCapStatus writeRegister(int register, int offset, int size, int value) {
        PciCapStatus status = super.writeRegister(register, offset, size, value);
        if (register == DEVICE_CONTROL
                && (value << 8 * offset & FUNCTION_RESET) != 0
                && offset < 2) {
            surroundings.resetFunction();
        }
        return status;
    }
}
