package dev.dalang.tables.aml;

/** The width of the accesses to a field (ACPI 6.5 §19.6.48). */
public enum FieldAccess {
    /** Any that fits. */
    ANY(0),
    /** One byte. */
    BYTE(1),
    /** Two bytes. */
    WORD(2),
    /** Four bytes. */
    DWORD(3),
    /** Eight bytes. */
    QWORD(4);

    private final int code;

    FieldAccess(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
