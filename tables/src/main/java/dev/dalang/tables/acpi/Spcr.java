package dev.dalang.tables.acpi;

import java.nio.charset.StandardCharsets;

/**
 * The table that names the console's serial port, a 16550 (Serial Port Console Redirection Table,
 * revision 4).
 *
 * @param registers where its registers are
 * @param gsi its interrupt
 * @param clockHz its input clock
 * @param path its path in the DSDT, in ASCII
 */
public record Spcr(GenericAddress registers, int gsi, int clockHz, String path) {
    private static final int REVISION = 4;

    /** A 16550 whose registers are described by the generic address. */
    private static final int INTERFACE_16550 = 0x12;

    private static final int INTERRUPT_PLIC_APLIC = 1 << 4;
    private static final int BAUD_115200 = 7;
    private static final int ONE_STOP_BIT = 1;
    private static final int TERMINAL_ANSI = 3;
    private static final int NOT_PCI = 0xffff;
    private static final int PATH_OFFSET = 88;

    /** Checks the path. */
    public Spcr {
        if (path.isEmpty() || !StandardCharsets.US_ASCII.newEncoder().canEncode(path)) {
            throw new AcpiException("SPCR: expected a path in ASCII, got \"%s\"".formatted(path));
        }
    }

    /**
     * {@return the table}
     *
     * @param identity who made it
     */
    public AcpiTable toTable(AcpiIdentity identity) {
        int pathBytes = path.length() + 1;
        return AcpiTable.of(
                "SPCR",
                REVISION,
                identity,
                new TableBytes()
                        .u8(INTERFACE_16550)
                        .zeros(3)
                        .address(registers)
                        .u8(INTERRUPT_PLIC_APLIC)
                        .u8(0)
                        .u32(gsi)
                        .u8(BAUD_115200)
                        .u8(0)
                        .u8(ONE_STOP_BIT)
                        .u8(0)
                        .u8(TERMINAL_ANSI)
                        .u8(0)
                        .u16(NOT_PCI)
                        .u16(NOT_PCI)
                        .zeros(3)
                        .u32(0)
                        .u8(0)
                        .u32(clockHz)
                        .u32(0)
                        .u16(pathBytes)
                        .u16(PATH_OFFSET)
                        .text(path, pathBytes, '\0')
                        .toBytes());
    }
}
