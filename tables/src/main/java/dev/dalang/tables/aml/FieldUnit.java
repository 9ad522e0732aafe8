package dev.dalang.tables.aml;

import java.util.Optional;

/**
 * Some bits of a region, in the order of the declaration.
 *
 * @param name four characters at most; empty for bits that are skipped
 * @param bits how many
 */
public record FieldUnit(Optional<String> name, int bits) {
    /** Checks the width. */
    public FieldUnit {
        if (bits < 1) {
            throw new AmlException("a field: expected 1 bit or more, got " + bits);
        }
    }

    /**
     * {@return a field}
     *
     * @param name four characters at most
     * @param bits how many
     */
    public static FieldUnit of(String name, int bits) {
        return new FieldUnit(Optional.of(name), bits);
    }

    /**
     * {@return bits that are skipped}
     *
     * @param bits how many
     */
    public static FieldUnit skip(int bits) {
        return new FieldUnit(Optional.empty(), bits);
    }
}
