package dev.dalang.bench.vfiouser;

import dev.dalang.bench.guest.ComparisonCommand;
import dev.dalang.bench.guest.Words;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;

/** The command {@code ./dalang bench vfio-user}. */
@Command(
        name = "vfio-user",
        description =
                "Measures registers and transfers of a device that another process "
                        + "serves by vfio-user: our server and, if build/libvfio-user has built "
                        + "the library, one in C on libvfio-user, by turns and with the same "
                        + "client.")
public final class VfioUserCommand extends ComparisonCommand {
    private static final int SECONDS = 2;
    private static final double QUICK_SECONDS = 0.1;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            converter = Words.Positive.class,
            description =
                    "Each row for S seconds, after half of that to warm up (" + SECONDS + ").")
    private @Nullable Integer seconds;

    /** How long a row is measured in a run. */
    double seconds() {
        if (seconds != null) {
            return seconds;
        }
        return isQuick() ? QUICK_SECONDS : SECONDS;
    }

    @Override
    protected String compare() throws IOException {
        return VfioUserComparison.compare(this);
    }
}
