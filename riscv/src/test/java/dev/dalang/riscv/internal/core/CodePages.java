package dev.dalang.riscv.internal.core;

import java.util.Arrays;

/** Pages of code without a machine. */
public final class CodePages {
    private CodePages() {}

    /**
     * A page that nothing was decoded from yet.
     *
     * @param bytes the first ones; the rest is zero
     */
    public static CodePage of(long address, byte[] bytes) {
        return new CodePage(address, Arrays.copyOf(bytes, 2 * CodePage.SLOTS), 0, (short) 1);
    }
}
