package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.dalang.passthrough.CapabilityWalk.Found;
import dev.dalang.pci.PciBar;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Random;

/** Lists that a device makes, which may go anywhere. */
class CapabilityWalkTest {
    private static List<Found> walk(ScriptedConfig config) throws BackendException {
        return CapabilityWalk.of(ConfigImage.read(ScriptedBackend.builder(config).build()));
    }

    private static ScriptedConfig listed() {
        return new ScriptedConfig(1, 2).put(0x06, 2, 0x10);
    }

    @Test
    void bothListsAreFoundInOrder() throws BackendException {
        ScriptedConfig config = Devices.config();
        config.extendedCapability(3, 1, 2);
        config.extendedCapability(0x10, 1);
        config.extendedCapability(0xb, 5);

        assertThat(walk(config))
                .extracting(Found::id)
                .containsExactly(1, 5, 0x11, 0x10, 3, 0x10, 0xb);
    }

    @Test
    void withoutTheStatusBitThereIsNoList() throws BackendException {
        assertThat(walk(new ScriptedConfig(1, 2).put(0x34, 1, 0x40).put(0x40, 2, 0x09))).isEmpty();
    }

    @Test
    void aCapabilityThatPointsToItselfEndsTheList() throws BackendException {
        assertThat(walk(listed().put(0x34, 1, 0x40).put(0x40, 2, 0x4009))).hasSize(1);
    }

    @Test
    void aLongerLoopEndsTheList() throws BackendException {
        ScriptedConfig config =
                listed().put(0x34, 1, 0x40)
                        .put(0x40, 2, 0x5009)
                        .put(0x50, 2, 0x6009)
                        .put(0x60, 2, 0x4009);
        assertThat(walk(config)).extracting(Found::offset).containsExactly(0x40, 0x50, 0x60);
    }

    @Test
    void aPointerIntoTheHeaderEndsTheList() throws BackendException {
        assertThat(walk(listed().put(0x34, 1, 0x3c))).isEmpty();
        assertThat(walk(listed().put(0x34, 1, 0x40).put(0x40, 2, 0x1009))).hasSize(1);
    }

    @Test
    void anExtendedLoopEndsTheList() throws BackendException {
        ScriptedConfig config =
                new ScriptedConfig(1, 2).put(0x100, 4, 0x2001_000b).put(0x200, 4, 0x1001_000b);
        assertThat(walk(config)).extracting(Found::offset).containsExactly(0x100, 0x200);
    }

    @Test
    void aCapabilityEndsWhereTheNextBegins() throws BackendException {
        ScriptedConfig config =
                listed().put(0x34, 1, 0x60).put(0x60, 2, 0x4009).put(0x40, 2, 0x0009);
        assertThat(walk(config)).extracting(Found::bytes).containsExactly(0xa0, 0x20);
    }

    /** Whatever stands there, it is refused or it is a function that a guest can walk through. */
    @Test
    void noImageBringsTheMachineDown() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int shown = 0;
        for (int round = 0; round < 400; round++) {
            ScriptedConfig config = Devices.config();
            for (int k = random.nextInt(60); k > 0; k--) {
                int at =
                        switch (random.nextInt(3)) {
                            case 0 -> random.nextInt(0x1000);
                            case 1 -> random.nextInt(0x40, 0x100);
                            default -> random.nextInt(0x06, 0x40);
                        };
                config.put(at, 1, random.nextInt());
            }
            config.put(0x0e, 1, 0);
            ScriptedBackend backend =
                    ScriptedBackend.builder(config)
                            .bar(PciBar.memory32(0, 0x8000))
                            .interrupts(InterruptKind.INTX, 1)
                            .interrupts(InterruptKind.MSI, 1 + random.nextInt(32))
                            .interrupts(InterruptKind.MSIX, random.nextInt(2049))
                            .build();
            String where = "seed %d, round %d".formatted(seed, round);
            PassthroughFunction function;
            try {
                function = PassthroughFunction.of(Devices.open(backend));
            } catch (PassthroughException refused) {
                continue;
            }
            TestMachine machine = new TestMachine();
            PciFunctionDriver driver = machine.add(function);
            shown++;
            assertThatCode(
                            () -> {
                                driver.capabilities();
                                for (int at = 0; at < 0x1000; at += 4) {
                                    driver.read(at, 4);
                                    driver.write(at, 4, random.nextInt());
                                }
                            })
                    .as(where)
                    .doesNotThrowAnyException();
            machine.root.close();
            assertThat(backend.mappings()).as(where).isEmpty();
        }
        assertThat(shown).as("seed %d", seed).isGreaterThan(100);
    }
}
