package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.value;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.riscv.Hart;

import java.util.function.LongPredicate;

/** The base extension (SBI 2.0 §4). */
final class BaseExtension implements Extension {
    static final int ID = 0x10;

    /** SBI 2.0: major version in bits 30..24, minor in 23..0. */
    static final long SPEC_VERSION = 2L << 24;

    /** "DALA" in ASCII: our own, far from the small numbers that the specification gives out. */
    static final long IMPLEMENTATION_ID = 0x44414C41;

    static final long IMPLEMENTATION_VERSION = 1;

    private static final int CSR_MVENDORID = 0xF11;
    private static final int CSR_MARCHID = 0xF12;
    private static final int CSR_MIMPID = 0xF13;

    private final LongPredicate isImplemented;

    BaseExtension(LongPredicate isImplemented) {
        this.isImplemented = isImplemented;
    }

    @Override
    public long call(Hart caller, int function) {
        return switch (function) {
            case 0 -> value(caller, SPEC_VERSION);
            case 1 -> value(caller, IMPLEMENTATION_ID);
            case 2 -> value(caller, IMPLEMENTATION_VERSION);
            case 3 -> value(caller, isImplemented.test(caller.register(A0)) ? 1 : 0);
            case 4 -> value(caller, caller.csr(CSR_MVENDORID));
            case 5 -> value(caller, caller.csr(CSR_MARCHID));
            case 6 -> value(caller, caller.csr(CSR_MIMPID));
            default -> SBI_ERR_NOT_SUPPORTED;
        };
    }
}
