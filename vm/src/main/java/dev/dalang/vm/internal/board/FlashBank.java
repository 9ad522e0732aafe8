package dev.dalang.vm.internal.board;

import dev.dalang.vm.FlashFile;

import java.nio.file.Path;

/**
 * What a bank of flash holds.
 *
 * @param file where its bytes come from
 * @param readOnly whether the guest's changes are refused
 * @param isCopy true: the file may be shorter than the bank and is not changed; false: it is as
 *     long as the bank, and what the guest may change is changed in it
 */
public record FlashBank(Path file, boolean readOnly, boolean isCopy) {
    /** A bank that is a file. */
    public static FlashBank of(FlashFile file) {
        return new FlashBank(file.file(), file.readOnly(), false);
    }

    /** Firmware, which does not change itself. */
    public static FlashBank firmware(Path file) {
        return new FlashBank(file, true, true);
    }

    /** What firmware stores, as it is at first; what becomes of it ends with the machine. */
    public static FlashBank initialVariables(Path file) {
        return new FlashBank(file, false, true);
    }
}
