package dev.dalang.bench.guest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was measured on one monitor, over all runs. */
final class Results {
    /** How far the guest's clock may go astray from the host's. */
    private static final double CLOCK_TOLERANCE = 0.02;

    private static final double CLOCK_SLACK_SECONDS = 0.25;

    private final String name;
    private final Map<String, List<Double>> seconds = new LinkedHashMap<>();
    private final Map<String, Measurement> work = new LinkedHashMap<>();

    Results(String name) {
        this.name = name;
    }

    /** The monitor's name. */
    String name() {
        return name;
    }

    /** Adds a time that has no workload. */
    void add(String row, double time) {
        seconds.computeIfAbsent(row, _ -> new ArrayList<>()).add(time);
    }

    /** Adds a workload's time; the same work must have the same result each time. */
    void add(Measurement measurement) {
        Measurement before = work.putIfAbsent(measurement.name(), measurement);
        if (before != null && !before.check().equals(measurement.check())) {
            throw differ(measurement, before, this);
        }
        add(measurement.name(), measurement.seconds());
    }

    /** Holds the guest's clock against ours, over all workloads together. */
    void checkClock(double guestSeconds, double hostSeconds) {
        double error = Math.abs(guestSeconds - hostSeconds);
        if (error > hostSeconds * CLOCK_TOLERANCE + CLOCK_SLACK_SECONDS) {
            throw new BenchException(
                    "%s: the guest counted %.2f s, the host %.2f s"
                            .formatted(name, guestSeconds, hostSeconds));
        }
    }

    /** Fails where both did the same work with different results. */
    void checkAgainst(Results other) {
        work.forEach(
                (key, measurement) -> {
                    Measurement theirs = other.work.get(key);
                    if (theirs == null
                            || theirs.amount() != measurement.amount()
                            || !theirs.check().equals(measurement.check())) {
                        throw differ(measurement, theirs == null ? measurement : theirs, other);
                    }
                });
    }

    /** The rows, in the order of their first measurement. */
    List<String> rows() {
        return List.copyOf(seconds.keySet());
    }

    /** The workload of a row; only where {@link #hasWork}. */
    Measurement work(String row) {
        Measurement measurement = work.get(row);
        if (measurement == null) {
            throw new IllegalArgumentException(row);
        }
        return measurement;
    }

    /** Whether a row is a workload's. */
    boolean hasWork(String row) {
        return work.containsKey(row);
    }

    /** The median of a row's times. */
    double median(String row) {
        double[] sorted = sorted(row);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** The distance of the furthest time from the median, as a share of it. */
    double spread(String row) {
        double[] sorted = sorted(row);
        double median = median(row);
        return Math.max(sorted[sorted.length - 1] - median, median - sorted[0]) / median;
    }

    private double[] sorted(String row) {
        double[] times =
                seconds.getOrDefault(row, List.of()).stream()
                        .mapToDouble(Double::doubleValue)
                        .toArray();
        Arrays.sort(times);
        return times;
    }

    private BenchException differ(Measurement one, Measurement other, Results theirs) {
        return new BenchException(
                "the work differs: %s on %s, %s on %s".formatted(one, name, other, theirs.name));
    }
}
