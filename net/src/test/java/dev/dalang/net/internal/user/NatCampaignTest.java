package dev.dalang.net.internal.user;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.SplittableRandom;

/**
 * Random scripts, one after another on one network. {@code -Ddalang.seed=N} repeats a run, {@code
 * -Ddalang.net.frames=N} makes longer ones.
 */
final class NatCampaignTest {
    private static final long FRAMES = Long.getLong("dalang.net.frames", 50_000);
    private static final long SEED = Long.getLong("dalang.seed", System.nanoTime());
    private static final int SCRIPT_BYTES = 4096;

    @Test
    void nothingThatAGuestSendsEscapesOrHangsOrGrows() throws IOException {
        System.out.println("seed " + SEED);
        SplittableRandom random = new SplittableRandom(SEED);
        long frames = 0;
        while (frames < FRAMES) {
            try (NatScript script = new NatScript()) {
                while (script.frames() < 100_000 && frames + script.frames() < FRAMES) {
                    byte[] bytes = new byte[SCRIPT_BYTES];
                    random.nextBytes(bytes);
                    script.run(bytes);
                }
                frames += script.frames();
            }
        }
        assertThat(frames).isGreaterThanOrEqualTo(FRAMES);
    }
}
