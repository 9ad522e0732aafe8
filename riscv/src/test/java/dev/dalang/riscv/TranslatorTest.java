package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What the translator does beside executing: it counts, it tells, and it keeps to its limits. */
class TranslatorTest {
    private static final int SEED = 7;
    private static final int INSTRUCTIONS = 20_000;
    private static final long ROOM = 40_000;

    @Test
    void whatHasNoRoomIsDroppedAndMadeAgain() {
        RandomMachine interpreted = new RandomMachine(SEED, EngineKind.INTERPRETER, INSTRUCTIONS);
        RandomMachine machine =
                new RandomMachine(
                        SEED,
                        memory -> HartGroup.withRoomFor(ROOM, memory, EngineKind.TRANSLATE_AT_ONCE),
                        INSTRUCTIONS);

        machine.hart.run();
        while (interpreted.hart.instructionsRetired() < machine.hart.instructionsRetired()) {
            interpreted.hart.step(1);
        }

        EngineStatistics statistics = machine.group.statistics().orElseThrow();
        assertThat(statistics.evicted()).isPositive();
        assertThat(statistics.bytes()).isBetween(1L, ROOM);
        assertThat(statistics.regions()).isGreaterThan(statistics.evicted());
        assertThat(machine.state()).isEqualTo(interpreted.state());
    }

    @Test
    void statisticsTellWhatWasTranslatedAndWhatWasNot() {
        RandomMachine machine = new RandomMachine(SEED, EngineKind.TRANSLATE_AT_ONCE, INSTRUCTIONS);

        machine.hart.run();

        EngineStatistics statistics = machine.group.statistics().orElseThrow();
        assertThat(statistics.regions()).isPositive();
        assertThat(statistics.bytes()).isPositive();
        assertThat(statistics.evicted()).isZero();
        assertThat(statistics.failures()).isZero();
        assertThat(statistics.interpreted()).isBetween(1L, machine.hart.instructionsRetired() - 1);
        assertThat(statistics.fallbacks()).containsKey(EngineStatistics.Fallback.SYSTEM);
    }

    @Test
    void anInterpreterHasNoStatistics() {
        RandomMachine machine = new RandomMachine(SEED, EngineKind.INTERPRETER, INSTRUCTIONS);

        assertThat(machine.group.statistics()).isEmpty();
    }

    @Test
    void flightRecorderShowsRegions(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("regions.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("dev.dalang.RegionTranslated");
            recording.enable("dev.dalang.RegionEvicted");
            recording.start();
            new RandomMachine(
                            SEED,
                            memory ->
                                    HartGroup.withRoomFor(
                                            ROOM, memory, EngineKind.TRANSLATE_AT_ONCE),
                            INSTRUCTIONS)
                    .hart.run();
            recording.stop();
            recording.dump(file);
        }

        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        assertThat(events)
                .extracting(event -> event.getEventType().getName())
                .contains("dev.dalang.RegionTranslated", "dev.dalang.RegionEvicted");
        assertThat(events)
                .allSatisfy(
                        event -> {
                            assertThat(event.getInt("instructions")).isPositive();
                            assertThat(event.getInt("bytes")).isPositive();
                            assertThat(event.getLong("page"))
                                    .isGreaterThanOrEqualTo(HartFixture.RAM);
                        });
    }
}
