package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/** Translated code lasts, whichever way a guest turns later. */
class BranchSpeculationTest {
    private static final long INSTRUCTIONS = 20_000_000;

    @TempDir private Path directory;

    /** Counts in one register, or in another as soon as there is something in memory. */
    private static void turning(Assembler a) {
        Label head = a.here();
        Label other = a.label();
        a.ld(7, 0, 8);
        a.bne(7, 0, other);
        a.addi(5, 5, 1);
        a.j(head);
        a.bind(other);
        a.addi(6, 6, 1);
        a.j(head);
    }

    @Test
    void wayThatWasNeverTakenDoesNotCostTheRegion() throws IOException {
        Path file = directory.resolve("turn.jfr");
        try (var machine =
                        new EndlessMachine(
                                EngineKind.TRANSLATOR,
                                new byte[0],
                                BranchSpeculationTest::turning);
                Recording recording = new Recording()) {
            machine.runUntil(EndlessMachine::isTranslated);
            recording.enable("jdk.Deoptimization");
            recording.start();

            machine.memory.writeLong(DATA, 1);
            long turned = machine.hart.instructionsRetired();
            machine.runUntil(m -> m.hart.instructionsRetired() > turned + INSTRUCTIONS);

            recording.stop();
            recording.dump(file);
            assertThat(machine.hart.register(6)).isPositive();
        }
        assertThat(RecordingFile.readAllEvents(file))
                .filteredOn(event -> event.getEventType().getName().equals("jdk.Deoptimization"))
                .extracting(BranchSpeculationTest::describe)
                .noneMatch(description -> description.contains("Translated"));
    }

    private static String describe(RecordedEvent event) {
        RecordedMethod method = event.getValue("method");
        return method.getType().getName() + ": " + event.getString("reason");
    }
}
