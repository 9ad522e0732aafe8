package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlCode;
import dev.dalang.tables.aml.AmlTarget;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.AmlValue;
import dev.dalang.tables.aml.ResourceTemplate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/**
 * Declares a PCI Express host bridge in the DSDT: its windows ({@code _CRS}), how the pins of its
 * devices are wired ({@code _PRT}), and what the system may control itself ({@code _OSC}).
 *
 * <p>The pins are routed through interrupt link devices, which say that their lines are active
 * high: of a number that stands in {@code _PRT} itself Linux believes that it is active low, as on
 * a PC. The links stand before the bridge, because a system that reads the table from its beginning
 * must know them when it starts the bridge's devices.
 */
public final class PciHostBridge {
    /** The system handles hot plug by the slots' own registers. */
    public static final int PCIE_NATIVE_HOT_PLUG = 1;

    /** The system handles power management events. */
    public static final int PCIE_PME = 1 << 2;

    /** The system handles advanced error reporting. */
    public static final int PCIE_AER = 1 << 3;

    /** The system may write the PCI Express capability. */
    public static final int PCIE_CAPABILITY = 1 << 4;

    /** The system handles latency tolerance reporting. */
    public static final int PCIE_LTR = 1 << 5;

    private static final UUID OSC_PCI = UUID.fromString("33db4d5b-1ff7-401c-9657-7441c03dd766");
    private static final int OSC_REVISION = 1;
    private static final int OSC_UNKNOWN_UUID = 1 << 2;
    private static final int OSC_UNKNOWN_REVISION = 1 << 3;
    private static final int OSC_MASKED = 1 << 4;

    /** Bytes of the three words that the system hands over. */
    private static final int OSC_BYTES = 12;

    private static final int PINS = 4;
    private static final int DEVICES = 32;
    private static final int ANY_FUNCTION = 0xffff;

    private final String name;
    private final int segment;
    private final int firstBus;
    private final ResourceTemplate windows = ResourceTemplate.create();
    private final List<Integer> pinGsis = new ArrayList<>();
    private final List<AmlTerm> children = new ArrayList<>();
    private int controls = PCIE_CAPABILITY;

    private PciHostBridge(String name, int segment, int firstBus, int lastBus) {
        this.name = name;
        this.segment = segment;
        this.firstBus = firstBus;
        windows.busNumbers(firstBus, lastBus);
    }

    /**
     * {@return a bridge without windows and wires}
     *
     * @param name such as {@code PC00}
     * @param segment 0..255
     * @param firstBus 0..255
     * @param lastBus {@code firstBus}..255
     */
    public static PciHostBridge of(String name, int segment, int firstBus, int lastBus) {
        if (segment >>> Byte.SIZE != 0) {
            throw new AcpiException(
                    "%s: expected a segment 0..255, got %d".formatted(name, segment));
        }
        return new PciHostBridge(name, segment, firstBus, lastBus);
    }

    /**
     * Adds memory for the BARs of devices, at the same addresses on the bus.
     *
     * @param base first address
     * @param bytes of the window
     * @return this
     */
    public PciHostBridge memory(long base, long bytes) {
        windows.memoryWindow(base, bytes, false);
        return this;
    }

    /**
     * Adds ports for the BARs of devices.
     *
     * @param port the first one
     * @param bytes of the window
     * @param memoryBase where in memory it is
     * @return this
     */
    public PciHostBridge ports(long port, long bytes, long memoryBase) {
        windows.ioWindow(port, bytes, memoryBase);
        return this;
    }

    /**
     * Says where the pins end: pin {@code p} of device {@code d} has the line {@code (d + p) mod
     * 4}, as everywhere (PCI-to-PCI Bridge 1.2 §9.1).
     *
     * @param firstGsi the global system interrupt of the first line; the others follow
     * @return this
     */
    public PciHostBridge interrupts(int firstGsi) {
        pinGsis.clear();
        for (int line = 0; line < PINS; line++) {
            pinGsis.add(firstGsi + line);
        }
        return this;
    }

    /**
     * Sets what the system is given when it asks for control; default {@link #PCIE_CAPABILITY}.
     *
     * @param granted bits such as {@link #PCIE_PME}
     * @return this
     */
    public PciHostBridge controls(int granted) {
        controls = granted;
        return this;
    }

    /**
     * Adds what else stands in the bridge's scope, such as {@link #function}.
     *
     * @param term the declaration
     * @return this
     */
    public PciHostBridge add(AmlTerm term) {
        children.add(term);
        return this;
    }

    /**
     * {@return a function of a device on the bus in whose scope it is put}
     *
     * @param name such as {@code PE08}
     * @param address the device in the upper half, the function in the lower one
     * @param terms what else is known of it
     */
    public static AmlTerm function(String name, int address, List<? extends AmlTerm> terms) {
        var all = new ArrayList<AmlTerm>();
        all.add(Aml.name("_ADR", Integer.toUnsignedLong(address)));
        all.addAll(terms);
        return Aml.device(name, all);
    }

    /** {@return the bridge, and its interrupt links before it, for the scope {@code \_SB}} */
    public List<AmlTerm> toTerms() {
        var terms = new ArrayList<AmlTerm>();
        for (int line = 0; line < pinGsis.size(); line++) {
            terms.add(link(line, pinGsis.get(line)));
        }
        var bridge = new ArrayList<AmlTerm>();
        bridge.add(Aml.name("_HID", Aml.eisaId("PNP0A08")));
        bridge.add(Aml.name("_CID", Aml.eisaId("PNP0A03")));
        bridge.add(Aml.name("_SEG", segment));
        bridge.add(Aml.name("_BBN", firstBus));
        bridge.add(Aml.name("_UID", segment));
        bridge.add(Aml.name("_CCA", 1));
        bridge.add(Aml.name("_CRS", windows.toValue()));
        if (!pinGsis.isEmpty()) {
            bridge.add(Aml.name("_PRT", routing()));
        }
        bridge.add(osc());
        bridge.addAll(children);
        terms.add(Aml.device(name, bridge));
        return List.copyOf(terms);
    }

    private String linkName(int line) {
        return String.format(Locale.ROOT, "L%02X%c", segment, 'A' + line);
    }

    private AmlTerm link(int line, int gsi) {
        AmlValue wire = ResourceTemplate.create().levelInterrupt(gsi, true).toValue();
        return Aml.device(
                linkName(line),
                Aml.name("_HID", Aml.eisaId("PNP0C0F")),
                Aml.name("_UID", (long) segment * PINS + line),
                Aml.name("_PRS", wire),
                Aml.name("_CRS", wire),
                // The wire is soldered: there is nothing to set and nothing to switch off.
                Aml.method("_SRS", 1),
                Aml.method("_DIS", 0));
    }

    private AmlValue routing() {
        var routes = new ArrayList<AmlValue>();
        for (int device = 0; device < DEVICES; device++) {
            for (int pin = 0; pin < PINS; pin++) {
                routes.add(
                        Aml.packageOf(
                                Aml.integer((long) device << Short.SIZE | ANY_FUNCTION),
                                Aml.integer(pin),
                                Aml.path(linkName((device + pin) % PINS)),
                                Aml.integer(0)));
            }
        }
        return Aml.packageOf(routes);
    }

    /** {@code _OSC} (ACPI 6.6 §6.2.12, PCI Firmware 3.3 §4.5.1). */
    private AmlTerm osc() {
        AmlTarget capabilities = Aml.arg(3);
        AmlTarget status = Aml.path("CDW1");
        AmlTarget control = Aml.path("CDW3");
        AmlTarget granted = Aml.local(0);
        AmlValue isPci = AmlCode.equal(Aml.arg(0), Aml.uuid(OSC_PCI));
        AmlValue isLong =
                AmlCode.isFalse(AmlCode.less(AmlCode.sizeOf(capabilities), Aml.integer(OSC_BYTES)));
        return Aml.serializedMethod(
                "_OSC",
                4,
                Aml.createDwordField(capabilities, 0, "CDW1"),
                AmlCode.when(
                        AmlCode.both(isPci, isLong),
                        Aml.createDwordField(capabilities, Long.BYTES, "CDW3"),
                        AmlCode.store(control, granted),
                        AmlCode.keepBits(granted, Aml.integer(Integer.toUnsignedLong(controls))),
                        AmlCode.when(
                                AmlCode.isFalse(
                                        AmlCode.equal(Aml.arg(1), Aml.integer(OSC_REVISION))),
                                AmlCode.setBits(status, Aml.integer(OSC_UNKNOWN_REVISION))),
                        AmlCode.when(
                                AmlCode.isFalse(AmlCode.equal(control, granted)),
                                AmlCode.setBits(status, Aml.integer(OSC_MASKED))),
                        AmlCode.store(granted, control)),
                AmlCode.otherwise(AmlCode.setBits(status, Aml.integer(OSC_UNKNOWN_UUID))),
                AmlCode.returns(capabilities));
    }
}
