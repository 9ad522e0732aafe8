import org.jspecify.annotations.NullMarked;

/** Writers for the flattened device tree and for ACPI tables and AML. Imports nothing of ours. */
@NullMarked
module dev.dalang.tables {
    requires static org.jspecify;

    exports dev.dalang.tables.acpi;
    exports dev.dalang.tables.aml;
    exports dev.dalang.tables.fdt;
}
