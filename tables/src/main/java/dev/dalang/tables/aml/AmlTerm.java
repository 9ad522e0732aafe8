package dev.dalang.tables.aml;

/**
 * Something that may stand in a definition block: the declaration of an object, a statement, or an
 * expression whose value is not used (TermObj, ACPI 6.5 §20.2.5). Immutable.
 */
public sealed interface AmlTerm permits AmlValue {
    /** {@return the byte code, a fresh copy} */
    byte[] toBytes();
}
