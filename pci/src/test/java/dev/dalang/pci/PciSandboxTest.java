package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.sandbox.Jail;
import dev.dalang.bus.sandbox.Sandboxed;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What devices and a jail around them say to each other, and when. */
class PciSandboxTest {
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final Jail jail = keep -> events.add("jail keeps " + keep);

    private final class Jailed extends TestPciDevice implements Sandboxed {
        Jailed() {
            super(spec -> spec.memoryBar(0, 4096).msix(2).msi(1));
        }

        @Override
        public List<Integer> keepDescriptors() {
            events.add("keep");
            return List.of(42);
        }

        @Override
        public void onSandboxed() {
            events.add("sandboxed");
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            events.add("request");
            return 0;
        }
    }

    /** The fixture's router has a descriptor of its own, 7, for each kind of message. */
    private PciRoot root() {
        PciMachine machine = new PciMachine();
        return PciRoot.builder(machine.io, machine.memory, machine.clock)
                .memory32(PciMachine.MEMORY32)
                .messages(new RecordingRouter())
                .build();
    }

    @Test
    void jailClosesBetweenWhatIsKeptAndTheFirstRequest() {
        PciRoot root = root();
        PciFunction function = root.bus().add(new Jailed());
        root.bus().add(TestPciDevice.withMemory());

        root.enterSandbox(jail);
        function.readBar(0, 0, 4);

        assertThat(events).containsExactly("keep", "jail keeps [7, 42]", "sandboxed", "request");
    }

    @Test
    void deviceThatComesLaterIsToldBeforeAnybodyCanFindIt() {
        PciRoot root = root();
        root.enterSandbox(jail);
        class Late extends TestPciDevice implements Sandboxed {
            Late() {
                super(spec -> spec.memoryBar(0, 4096));
            }

            @Override
            public void onSandboxed() {
                events.add("sandboxed at %s among %s".formatted(host.address(), root.functions()));
            }
        }
        String before = root.functions().toString();

        root.bus().add(new Late());

        assertThat(events)
                .containsExactly("jail keeps []", "sandboxed at 0000:00:01.0 among " + before);
    }

    @Test
    void deviceThatFailsInTheJailIsKeptApart() {
        PciRoot root = root();
        class Failing extends TestPciDevice implements Sandboxed {
            Failing() {
                super(spec -> spec.memoryBar(0, 4096));
            }

            @Override
            public void onSandboxed() {
                throw new IllegalStateException("not here");
            }
        }
        root.bus().add(new Failing());
        root.bus().add(new Jailed());

        root.enterSandbox(jail);

        assertThat(events).endsWith("sandboxed");
        assertThat(root.counters().devices())
                .anySatisfy(
                        counts -> {
                            assertThat(counts.id()).isEqualTo("00:01.0");
                            assertThat(counts.errors()).isEqualTo(1);
                        });
    }

    @Test
    void jailIsEnteredOnce() {
        PciRoot root = root();
        root.enterSandbox(jail);

        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> root.enterSandbox(jail))
                .withMessageContaining("in a jail already");
    }
}
