package dev.dalang.vm;

import java.nio.file.Path;

/**
 * What a bank of flash holds: a file of exactly 32 MiB.
 *
 * @param file the file
 * @param readOnly true: the guest's changes are refused; false: they are written to the file, which
 *     is locked against other machines
 */
public record FlashFile(Path file, boolean readOnly) {
    private static final String READ_ONLY = ",ro";

    /**
     * Reads the command's way to write it: a file name, with {@code ,ro} behind it for a bank that
     * the guest cannot change.
     *
     * @param text the text
     * @return what it says
     */
    public static FlashFile parse(String text) {
        boolean readOnly = text.endsWith(READ_ONLY);
        return new FlashFile(
                Path.of(readOnly ? text.substring(0, text.length() - READ_ONLY.length()) : text),
                readOnly);
    }
}
