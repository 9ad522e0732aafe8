package dev.dalang.bench.guest;

import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A workload's own line about itself.
 *
 * @param name of the workload
 * @param amount of work
 * @param unit of the amount
 * @param seconds by the guest's clock
 * @param check the result of the work, the same on every machine
 * @param instructions that were counted, 0 where none were
 */
record Measurement(
        String name, long amount, String unit, double seconds, String check, long instructions) {

    /** The line, as bench/guest prints it. */
    static final Pattern LINE =
            Pattern.compile(
                    "(?m)^= (\\w+) (\\d+) ([a-zA-Z ]+) (\\d+\\.\\d+) s check ([0-9a-f]{16})"
                            + "(?: instructions (\\d+))?\\s*?\\n");

    static Measurement of(MatchResult line) {
        String instructions = line.group(6);
        return new Measurement(
                line.group(1),
                Long.parseLong(line.group(2)),
                line.group(3),
                Double.parseDouble(line.group(4)),
                line.group(5),
                instructions == null ? 0 : Long.parseLong(instructions));
    }
}
