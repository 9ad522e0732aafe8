package dev.dalang.tables.aml;

/** What an object of another definition block is (ObjectTypeKeyword, ACPI 6.5 §19.6.98). */
public enum ExternalType {
    /** A number. */
    INTEGER(1),
    /** A device. */
    DEVICE(6);

    private final int code;

    ExternalType(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
