package dev.dalang.bench.vfiouser;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was measured of one server, over all runs. */
final class Figures {
    private final Map<Row, List<Double>> rates = new LinkedHashMap<>();

    /** Adds a rate, of a second. */
    void add(Row row, double rate) {
        rates.computeIfAbsent(row, _ -> new ArrayList<>()).add(rate);
    }

    /** The rows, in the order of their first measurement. */
    List<Row> rows() {
        return List.copyOf(rates.keySet());
    }

    /** The median of a row's rates. */
    double median(Row row) {
        double[] sorted = sorted(row);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** The distance of the furthest rate from the median, as a share of it. */
    double spread(Row row) {
        double[] sorted = sorted(row);
        double median = median(row);
        return Math.max(sorted[sorted.length - 1] - median, median - sorted[0]) / median;
    }

    private double[] sorted(Row row) {
        return rates.getOrDefault(row, List.of()).stream()
                .mapToDouble(Double::doubleValue)
                .sorted()
                .toArray();
    }
}
