package dev.dalang.bench.guest;

import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What fio says of a job on one line ({@code --output-format=terse}, version 3).
 *
 * @param error 0, or the errno that ended it
 * @param reads per second
 * @param writes per second
 */
record FioResult(int error, double reads, double writes) {
    private static final int ERROR = 4;
    private static final int READS = 7;
    private static final int WRITES = 48;

    /** The line; its job's name is the first group. */
    static final Pattern LINE = Pattern.compile("(?m)^3;fio-[^;\\r\\n]*;([^;\\r\\n]*);.*?\\r?\\n");

    static FioResult of(MatchResult line) {
        String[] fields = line.group().strip().split(";", -1);
        if (fields.length <= WRITES) {
            throw new BenchException("fio says less than expected: " + line.group().strip());
        }
        return new FioResult(
                Integer.parseInt(fields[ERROR]),
                Double.parseDouble(fields[READS]),
                Double.parseDouble(fields[WRITES]));
    }
}
