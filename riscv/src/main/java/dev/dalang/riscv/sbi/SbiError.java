package dev.dalang.riscv.sbi;

/** The error codes of SBI 2.0 §3, with the specification's names, and one of our own. */
final class SbiError {
    static final long SBI_SUCCESS = 0;
    static final long SBI_ERR_FAILED = -1;
    static final long SBI_ERR_NOT_SUPPORTED = -2;
    static final long SBI_ERR_INVALID_PARAM = -3;
    static final long SBI_ERR_DENIED = -4;
    static final long SBI_ERR_INVALID_ADDRESS = -5;
    static final long SBI_ERR_ALREADY_AVAILABLE = -6;
    static final long SBI_ERR_ALREADY_STARTED = -7;
    static final long SBI_ERR_ALREADY_STOPPED = -8;

    /**
     * Not an error code of the specification: the call does not return to its caller, whose
     * registers are already those it will go on with.
     */
    static final long NO_RETURN = Long.MIN_VALUE;

    private SbiError() {}
}
