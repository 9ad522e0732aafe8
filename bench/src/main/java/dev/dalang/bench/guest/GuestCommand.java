package dev.dalang.bench.guest;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The command {@code ./dalang bench guest}. */
@Command(
        name = "guest",
        description =
                "Runs the same kernel, initial file system and workloads on Dalang and "
                        + "on QEMU 10 (TCG), one CPU each (two for the last of them), by turns, "
                        + "and prints the medians and their ratios.")
public final class GuestCommand extends ComparisonCommand {
    private static final int QUICK_DIVISOR = 20;
    private static final int IDLE_SECONDS = 30;
    private static final int QUICK_IDLE_SECONDS = 3;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = Words.Memory.class,
            description = "Memory of the machine (${DEFAULT-VALUE}).")
    private String memory = "512M";

    @Option(
            names = "--only",
            paramLabel = "NAME",
            split = ",",
            converter = Words.Name.class,
            description =
                    "Only these workloads (see bench/guest/main.c), and of the other measurements"
                            + " warm (a second start) and pair (two CPUs).")
    private List<String> only = new ArrayList<>();

    @Option(
            names = "--idle",
            paramLabel = "S",
            converter = Words.NotNegative.class,
            description =
                    "Watch the idle machine for S seconds ("
                            + IDLE_SECONDS
                            + "), 0 to leave it out.")
    private @Nullable Integer idleSeconds;

    /** By how much the usual amounts of work are divided. */
    int divisor() {
        return isQuick() ? QUICK_DIVISOR : 1;
    }

    /** Of the machine that works, as both monitors take it. */
    String memory() {
        return memory;
    }

    /** The workloads to run, all where none is named. */
    List<String> only() {
        return List.copyOf(only);
    }

    /** How long an idle machine is watched, 0 to leave it out. */
    int idleSeconds() {
        if (idleSeconds != null) {
            return idleSeconds;
        }
        return isQuick() ? QUICK_IDLE_SECONDS : IDLE_SECONDS;
    }

    /** Whether a row that is not always measured is asked for. */
    boolean wants(String row) {
        return only.isEmpty() || only.contains(row);
    }

    @Override
    protected String compare() throws IOException {
        return GuestComparison.compare(this);
    }
}
