/**
 * The arithmetic of the F, D and Zfa extensions on raw bits, for every engine that executes guest
 * code.
 *
 * <p>Everything is static, pure but for the flags it accumulates in an {@link
 * dev.dalang.riscv.internal.fp.FpStatus}, and allocates nothing. Binary64 values are {@code long},
 * binary32 values are {@code int}. Results that are NaN are the canonical NaN (unprivileged spec
 * §20.3), tininess is detected after rounding (§20.2). Rounding modes are the encodings of the
 * {@code rm} field, already resolved from {@code frm}: see {@link
 * dev.dalang.riscv.internal.fp.RoundingMode}.
 *
 * <p>Two implementations stand behind the public methods. The host's own arithmetic serves
 * round-to-nearest-even when the result is an ordinary number; {@code SoftFloat}, exact integer
 * arithmetic, serves everything else: other rounding modes, NaNs, infinities, results near overflow
 * and underflow.
 */
package dev.dalang.riscv.internal.fp;
