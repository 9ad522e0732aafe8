/**
 * A writer for the ACPI Machine Language, the byte code of the DSDT and of SSDTs (ACPI 6.5 §20).
 *
 * <p>Terms are immutable values that hold their own bytes and are made by static methods: data and
 * named objects by {@link dev.dalang.tables.aml.Aml}, expressions and statements by {@link
 * dev.dalang.tables.aml.AmlCode}, resource templates by {@link
 * dev.dalang.tables.aml.ResourceTemplate}. Any thread may use them. Integers are 64 bits wide, as
 * in every definition block of revision 2; they are unsigned in a {@code long}.
 */
package dev.dalang.tables.aml;
