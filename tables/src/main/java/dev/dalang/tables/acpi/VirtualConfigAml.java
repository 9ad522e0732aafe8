package dev.dalang.tables.acpi;

import dev.dalang.tables.aml.Aml;
import dev.dalang.tables.aml.AmlCode;
import dev.dalang.tables.aml.AmlTarget;
import dev.dalang.tables.aml.AmlTerm;
import dev.dalang.tables.aml.AmlValue;
import dev.dalang.tables.aml.FieldAccess;
import dev.dalang.tables.aml.FieldUnit;
import dev.dalang.tables.aml.FieldUpdate;
import dev.dalang.tables.aml.RegionSpace;

import java.util.ArrayList;
import java.util.List;

/**
 * Declares the virtual configuration space: a second register file of 8 KiB for each PCI function,
 * of which the first 4 KiB reach the machine monitor and the second may be memory that both share.
 *
 * <p>The integer {@code \VCFG} says where it begins. A function that has registers there declares
 * them in its scope: the region {@code VREG} with the power state {@code PFPM}, the trigger of a
 * method of the host {@code PDSM} and the queue of notifications {@code NOTY}, 32 bits each; and
 * the region {@code SHAM}, the shared page, with the arguments of such a method and, over them, its
 * result.
 */
public final class VirtualConfigAml {
    /** The name of the integer, at the root. */
    public static final String BASE_NAME = "VCFG";

    private static final int PAGE_BYTES = 4096;
    private static final long FUNCTION_BYTES = 2 * PAGE_BYTES;

    /** The offset of the last function: bus 255, device 31, function 7. */
    private static final long LAST_FUNCTION = (1L << 29) - FUNCTION_BYTES;

    private static final String POWER_RESOURCE = "PRIC";
    private static final String POWER_STATE = "PSTA";

    /** The results begin behind the UUID, the revision and the number of the function. */
    private static final int RESULT_OFFSET_BITS = 256;

    private VirtualConfigAml() {}

    /**
     * {@return the integer, for the root of the DSDT}
     *
     * @param address where the space begins
     */
    public static AmlTerm base(long address) {
        return Aml.name(BASE_NAME, address);
    }

    /**
     * {@return the two regions and their fields, for a function's scope}
     *
     * @param functionOffset where the function's 8 KiB begin in the space
     */
    public static List<AmlTerm> registers(long functionOffset) {
        if (functionOffset < 0
                || functionOffset > LAST_FUNCTION
                || functionOffset % FUNCTION_BYTES != 0) {
            throw new AcpiException(
                    "VREG: expected a multiple of 0x%x up to 0x%x, got 0x%x"
                            .formatted(FUNCTION_BYTES, LAST_FUNCTION, functionOffset));
        }
        var terms = new ArrayList<AmlTerm>();
        terms.add(region("VREG", functionOffset));
        terms.add(
                field(
                        "VREG",
                        FieldUnit.of("PFPM", 32),
                        FieldUnit.of("PDSM", 32),
                        FieldUnit.of("NOTY", 32)));
        terms.add(region("SHAM", functionOffset + PAGE_BYTES));
        terms.add(
                field(
                        "SHAM",
                        FieldUnit.of("UUID", 128),
                        FieldUnit.of("REVI", 64),
                        FieldUnit.of("FUNC", 64),
                        FieldUnit.of("ARGS", 16384)));
        terms.add(
                field(
                        "SHAM",
                        FieldUnit.skip(RESULT_OFFSET_BITS),
                        FieldUnit.of("TYPE", 32),
                        FieldUnit.of("SIZE", 32),
                        FieldUnit.of("DATA", 16576)));
        return List.copyOf(terms);
    }

    private static AmlTerm region(String name, long offset) {
        return Aml.operationRegion(
                name,
                RegionSpace.SYSTEM_MEMORY,
                AmlCode.add(Aml.path(BASE_NAME), Aml.integer(offset)),
                Aml.integer(PAGE_BYTES));
    }

    private static AmlTerm field(String region, FieldUnit... units) {
        return Aml.field(region, FieldAccess.DWORD, true, FieldUpdate.PRESERVE, units);
    }

    /**
     * {@return a power resource that {@link #registers} drive, and the power states that need it}
     * To switch it on, 1 is written to {@code PFPM}; to switch it off, 0.
     */
    public static List<AmlTerm> power() {
        AmlTarget state = Aml.path(POWER_STATE);
        AmlTarget register = Aml.path("PFPM");
        AmlValue on = Aml.integer(1);
        AmlValue off = Aml.integer(0);
        AmlTerm resource =
                Aml.powerResource(
                        POWER_RESOURCE,
                        0,
                        0,
                        Aml.name(POWER_STATE, on),
                        Aml.method("_STA", 0, AmlCode.returns(state)),
                        // What is said to be on must be on: the order is the reverse for "off".
                        Aml.serializedMethod(
                                "_ON", 0, AmlCode.store(on, register), AmlCode.store(on, state)),
                        Aml.serializedMethod(
                                "_OFF",
                                0,
                                AmlCode.store(off, state),
                                AmlCode.store(off, register)));
        AmlValue needed = Aml.packageOf(Aml.path(POWER_RESOURCE));
        return List.of(resource, Aml.name("_PR0", needed), Aml.name("_PR3", needed));
    }

    /**
     * {@return statements that hand every queued notification of a function to its driver} They use
     * the local object 0.
     *
     * @param path of the function from the root, whose {@link #registers} it has
     */
    public static List<AmlTerm> deliverNotifications(String path) {
        AmlTarget value = Aml.local(0);
        AmlTarget queue = Aml.path(path + ".NOTY");
        return List.of(
                AmlCode.store(queue, value),
                AmlCode.loop(
                        value, AmlCode.tell(Aml.path(path), value), AmlCode.store(queue, value)));
    }
}
