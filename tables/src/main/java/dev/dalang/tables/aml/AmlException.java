package dev.dalang.tables.aml;

/** What was asked for cannot be expressed in AML. The message says what was expected. */
public final class AmlException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AmlException(String message) {
        super(message);
    }
}
