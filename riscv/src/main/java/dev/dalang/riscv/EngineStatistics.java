package dev.dalang.riscv;

import java.time.Duration;
import java.util.Map;

/**
 * What the translator of a machine has done so far.
 *
 * @param interpreted instructions that the interpreter executed, by all harts; what is missing to
 *     all instructions ran in regions
 * @param regions regions made; some may have been dropped since
 * @param remembered of these, those that were planned as in an earlier run
 * @param joined of these, those that took the place of several which control went between
 * @param divided of these, those made anew because what they access lies on two pages
 * @param bytes size of the classes of the regions that stand
 * @param evicted regions dropped to make room
 * @param planning time spent on choosing code and generating classes
 * @param compiling time for which finished classes waited for the JVM's compiler; no hart waited
 * @param notCompiled regions that the JVM refused to compile; their code is interpreted
 * @param failures regions that could not be generated: zero, but for defects
 * @param fallbacks hot places whose first instruction is left to the interpreter, by reason
 */
public record EngineStatistics(
        long interpreted,
        long regions,
        long remembered,
        long joined,
        long divided,
        long bytes,
        long evicted,
        Duration planning,
        Duration compiling,
        long notCompiled,
        long failures,
        Map<Fallback, Long> fallbacks) {
    /** Keeps a copy of the map. */
    public EngineStatistics {
        fallbacks = Map.copyOf(fallbacks);
    }

    /** Why an instruction is not translated. */
    public enum Fallback {
        /** A system instruction: a trap, a return from one, a fence, most CSRs. */
        SYSTEM,
        /** An instruction with its halves in two pages. */
        CROSSING,
        /** A floating-point operation that has no counterpart in the JVM. */
        FLOAT,
        /** Everything else: what is illegal, and compare-and-swap of 16 bytes. */
        OTHER
    }
}
