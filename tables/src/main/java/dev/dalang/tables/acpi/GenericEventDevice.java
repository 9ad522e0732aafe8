package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlCode;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.ResourceTemplate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Declares the device by which a machine without ACPI's fixed hardware tells the system that
 * something happened: wires, and what is run when one rises (ACPI 6.6 §5.6.9).
 */
public final class GenericEventDevice {
    private final Map<Integer, List<AmlTerm>> events = new LinkedHashMap<>();

    private GenericEventDevice() {}

    /** {@return a device without events} */
    public static GenericEventDevice create() {
        return new GenericEventDevice();
    }

    /**
     * Adds an event.
     *
     * @param gsi the wire, which is edge-triggered; each once
     * @param statements what is run
     * @return this
     */
    public GenericEventDevice on(int gsi, List<? extends AmlTerm> statements) {
        if (events.putIfAbsent(gsi, List.copyOf(statements)) != null) {
            throw new AcpiException(
                    "events: expected the interrupt %s once, got it twice"
                            .formatted(Integer.toUnsignedString(gsi)));
        }
        return this;
    }

    /**
     * {@return the device}
     *
     * @param name its name
     */
    public AmlTerm toTerm(String name) {
        ResourceTemplate wires = ResourceTemplate.create();
        var body = new ArrayList<AmlTerm>();
        events.forEach(
                (gsi, statements) -> {
                    wires.edgeInterrupt(gsi);
                    body.add(
                            AmlCode.when(
                                    AmlCode.equal(
                                            Aml.arg(0), Aml.integer(Integer.toUnsignedLong(gsi))),
                                    statements.toArray(AmlTerm[]::new)));
                });
        return Aml.device(
                name,
                Aml.name("_HID", Aml.string("ACPI0013")),
                Aml.name("_UID", 0),
                Aml.name("_CRS", wires.toValue()),
                Aml.serializedMethod("_EVT", 1, body.toArray(AmlTerm[]::new)));
    }
}
