package dev.dalang.bench.guest;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;

/** The command {@code ./dalang bench nvme}. */
@Command(
        name = "nvme",
        description =
                "Lets fio read and write 4 KiB at random in the same guest, with the "
                        + "same kernel and initial file system, on the NVMe disks of Dalang's "
                        + "machine, of a Dalang that serves it to QEMU 11 by vfio-user, and of "
                        + "QEMU 11 itself, by turns; prints the medians.")
public final class NvmeCommand extends ComparisonCommand {
    private static final int SECONDS = 10;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            converter = Words.Positive.class,
            description = "Each job for S seconds (" + SECONDS + ").")
    private @Nullable Integer seconds;

    /** How long each job of fio is measured. */
    int seconds() {
        if (seconds != null) {
            return seconds;
        }
        return isQuick() ? 1 : SECONDS;
    }

    @Override
    protected String compare() throws IOException {
        return NvmeComparison.compare(this);
    }
}
