package dev.dalang.tables.acpi;

/** A table that cannot be. The message says what was expected, and what came. */
public final class AcpiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AcpiException(String message) {
        super(message);
    }
}
