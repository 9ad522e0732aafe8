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
import java.util.List;
import java.util.function.Consumer;

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

    /** Counts by threes from one number in memory to another, again and again. */
    private static void counting(Assembler a) {
        a.li(7, 100);
        a.sd(7, 8, 8);
        Label again = a.here();
        a.ld(7, 0, 8);
        a.ld(28, 8, 8);
        Label head = a.here();
        a.addi(7, 7, 3);
        a.addi(5, 5, 1);
        a.blt(7, 28, head);
        a.addi(6, 6, 1);
        a.j(again);
    }

    @Test
    void wayThatWasNeverTakenDoesNotCostTheRegion() throws IOException {
        assertThat(
                        losses(
                                BranchSpeculationTest::turning,
                                machine -> machine.memory.writeLong(DATA, 1)))
                .isEmpty();
    }

    @Test
    void loopThatComesNearTheLargestNumberDoesNotCostTheRegion() throws IOException {
        assertThat(
                        losses(
                                BranchSpeculationTest::counting,
                                machine -> {
                                    machine.memory.writeLong(DATA, Long.MAX_VALUE - 9);
                                    machine.memory.writeLong(DATA + 8, Long.MAX_VALUE - 1);
                                }))
                .isEmpty();
    }

    /** The translated code that the JVM throws away when a guest turns. */
    private List<String> losses(Consumer<Assembler> program, Consumer<EndlessMachine> turn)
            throws IOException {
        Path file = directory.resolve("turn.jfr");
        try (var machine = new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], program);
                Recording recording = new Recording()) {
            machine.runUntil(EndlessMachine::isTranslated);
            recording.enable("jdk.Deoptimization");
            recording.start();

            turn.accept(machine);
            long turned = machine.hart.instructionsRetired();
            long turns = machine.hart.register(6);
            machine.runUntil(m -> m.hart.instructionsRetired() > turned + INSTRUCTIONS);

            recording.stop();
            recording.dump(file);
            assertThat(machine.hart.register(6)).isGreaterThan(turns);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().equals("jdk.Deoptimization"))
                .map(BranchSpeculationTest::describe)
                .filter(description -> description.contains("Translated"))
                .toList();
    }

    private static String describe(RecordedEvent event) {
        RecordedMethod method = event.getValue("method");
        return method.getType().getName() + ": " + event.getString("reason");
    }
}
