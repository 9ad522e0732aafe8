package dev.dalang.tables.aml;

/** What a store to a field writes to the other bits that the access reaches (ACPI 6.5 §19.6.48). */
public enum FieldUpdate {
    /** What they hold, which is read first. */
    PRESERVE(0),
    /** Ones. */
    WRITE_AS_ONES(1),
    /** Zeros. */
    WRITE_AS_ZEROS(2);

    private final int code;

    FieldUpdate(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
