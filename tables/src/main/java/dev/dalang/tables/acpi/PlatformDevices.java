package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.AmlValue;
import dev.dalang.tables.aml.ResourceTemplate;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/**
 * Declares the devices of a RISC-V machine in its DSDT, below {@code \_SB} (RISC-V BRS 1.0, chapter
 * 6, for the ids that begin with RSCV). A name has four characters at most; registers are in memory
 * below 4 GiB; an interrupt is level-triggered and active high.
 */
public final class PlatformDevices {
    /** Names a list of properties in a {@code _DSD} (ACPI 6.6 §6.2.5). */
    private static final UUID DEVICE_PROPERTIES =
            UUID.fromString("daffd814-6eba-4d8c-8a91-bc9bbf4aa301");

    /** The most harts that the names C000, C001 … hold. */
    private static final int MAX_HARTS = 0x1000;

    private static final int PRESENT_AND_WORKING = 0x0f;
    private static final int PRESENT_AND_HIDDEN = 0x0b;

    private PlatformDevices() {}

    /**
     * {@return the harts: processors whose {@code _UID} is 0, 1 …, named C000, C001 …}
     *
     * @param count how many, 1..4096
     */
    public static List<AmlTerm> harts(int count) {
        if (count < 1 || count > MAX_HARTS) {
            throw new AcpiException("harts: expected 1..%d, got %d".formatted(MAX_HARTS, count));
        }
        var harts = new ArrayList<AmlTerm>();
        for (int uid = 0; uid < count; uid++) {
            harts.add(
                    Aml.device(
                            String.format(Locale.ROOT, "C%03X", uid),
                            Aml.name("_HID", Aml.string("ACPI0007")),
                            Aml.name("_UID", uid)));
        }
        return List.copyOf(harts);
    }

    /**
     * {@return a PLIC}
     *
     * @param name its name
     * @param uid its id in the MADT
     * @param base its registers
     * @param bytes of them
     * @param gsiBase the global system interrupt of wire 0, as in the MADT
     */
    public static AmlTerm plic(String name, int uid, long base, long bytes, int gsiBase) {
        return interruptController(name, "RSCV0001", uid, base, bytes, gsiBase);
    }

    /**
     * {@return an APLIC domain of S-mode}
     *
     * @param name its name
     * @param uid its id in the MADT
     * @param base its registers
     * @param bytes of them
     * @param gsiBase the global system interrupt of wire 0, as in the MADT
     */
    public static AmlTerm aplic(String name, int uid, long base, long bytes, int gsiBase) {
        return interruptController(name, "RSCV0002", uid, base, bytes, gsiBase);
    }

    private static AmlTerm interruptController(
            String name, String hid, int uid, long base, long bytes, int gsiBase) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string(hid)),
                Aml.name("_UID", uid),
                Aml.name("_GSB", Integer.toUnsignedLong(gsiBase)),
                Aml.name("_CRS", ResourceTemplate.create().memory(base, bytes).toValue()));
    }

    /**
     * {@return a 16550 serial port}
     *
     * @param name its name
     * @param uid tells it from other ones
     * @param base its registers
     * @param bytes of them
     * @param gsi its interrupt
     * @param clockHz its input clock
     */
    public static AmlTerm uart(String name, int uid, long base, long bytes, int gsi, int clockHz) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("RSCV0003")),
                Aml.name("_UID", uid),
                Aml.name("_CRS", registersAndWire(base, bytes, gsi)),
                properties(property("clock-frequency", Aml.integer(clockHz))));
    }

    /**
     * {@return a device that ACPI has no id for, which a driver finds by its name in device trees}
     *
     * @param name its name
     * @param uid tells it from other ones
     * @param compatible the name, such as {@code google,goldfish-rtc}
     * @param base its registers
     * @param bytes of them
     * @param gsi its interrupt
     */
    public static AmlTerm compatibleDevice(
            String name, int uid, String compatible, long base, long bytes, int gsi) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("PRP0001")),
                Aml.name("_UID", uid),
                Aml.name("_CRS", registersAndWire(base, bytes, gsi)),
                properties(property("compatible", Aml.string(compatible))));
    }

    /**
     * {@return QEMU's firmware configuration device}
     *
     * @param name its name
     * @param base its registers
     * @param bytes of them
     */
    public static AmlTerm firmwareConfiguration(String name, long base, long bytes) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("QEMU0002")),
                Aml.name("_STA", PRESENT_AND_HIDDEN),
                Aml.name("_CCA", 1),
                Aml.name("_CRS", ResourceTemplate.create().memory(base, bytes).toValue()));
    }

    /**
     * {@return a bank of flash} Firmware keeps its variables there; a system has to leave it alone.
     *
     * @param name its name
     * @param uid tells it from other ones
     * @param base where it is
     * @param bytes of it
     */
    public static AmlTerm flash(String name, int uid, long base, long bytes) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("LNRO0015")),
                Aml.name("_UID", uid),
                Aml.name("_CRS", ResourceTemplate.create().memory(base, bytes).toValue()));
    }

    /**
     * {@return a virtio device whose transport is memory}
     *
     * @param name its name
     * @param uid tells it from other ones
     * @param base its registers
     * @param bytes of them
     * @param gsi its interrupt
     */
    public static AmlTerm virtioMmio(String name, int uid, long base, long bytes, int gsi) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("LNRO0005")),
                Aml.name("_UID", uid),
                Aml.name("_CCA", 1),
                Aml.name("_CRS", registersAndWire(base, bytes, gsi)));
    }

    /**
     * {@return the statement that ranges of addresses are in use, though no device is said to have
     * them}
     *
     * @param name its name
     * @param uid tells it from other ones
     * @param ranges what is in use
     */
    public static AmlTerm reserved(String name, int uid, ResourceTemplate ranges) {
        return Aml.device(
                name,
                Aml.name("_HID", Aml.eisaId("PNP0C02")),
                Aml.name("_UID", uid),
                Aml.name("_STA", PRESENT_AND_WORKING),
                Aml.name("_CRS", ranges.toValue()));
    }

    /**
     * {@return the DSDT's terms: everything below {@code \_SB}}
     *
     * @param devices what stands there
     */
    public static AmlTerm systemBus(Collection<? extends AmlTerm> devices) {
        return Aml.scope("_SB", devices);
    }

    private static AmlValue registersAndWire(long base, long bytes, int gsi) {
        return ResourceTemplate.create().memory(base, bytes).levelInterrupt(gsi, false).toValue();
    }

    private static AmlTerm properties(AmlValue... properties) {
        return Aml.name(
                "_DSD", Aml.packageOf(Aml.uuid(DEVICE_PROPERTIES), Aml.packageOf(properties)));
    }

    private static AmlValue property(String key, AmlValue value) {
        return Aml.packageOf(Aml.string(key), value);
    }
}
