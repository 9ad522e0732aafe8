package dev.dalang.virtio.console;

/**
 * The size of a console in characters.
 *
 * @param columns 0 to 65535; 0 if it is not known
 * @param rows 0 to 65535; 0 if it is not known
 */
public record ConsoleSize(int columns, int rows) {
    /** A size that nobody knows. */
    public static final ConsoleSize UNKNOWN = new ConsoleSize(0, 0);

    /** Checks the numbers. */
    public ConsoleSize {
        if (columns < 0 || columns > 0xffff || rows < 0 || rows > 0xffff) {
            throw new IllegalArgumentException(
                    "expected 0..65535 columns and rows, got %d and %d".formatted(columns, rows));
        }
    }
}
