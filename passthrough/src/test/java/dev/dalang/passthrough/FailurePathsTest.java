package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.dalang.bus.BusException;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.linux.Errno;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;

/** A device's whole life, in which each of its answers is a failure once. */
class FailurePathsTest {
    private static final Errno ERRNO = Errno.ENOSPC;

    /** What came of one life. */
    private static final class Life {
        final ScriptedBackend backend = Devices.rich().build();
        final List<BackendException> told = new ArrayList<>();
        final TestMachine machine = new TestMachine();
        PassthroughException refused;
        PassthroughDevice device;

        /** Opens, adds, enumerates, uses, resets and removes the device. */
        void live() {
            try {
                device = Devices.open(backend);
                device.listen(
                        new PassthroughListener() {
                            @Override
                            public void refused(PassthroughDevice which, BackendException what) {
                                told.add(what);
                            }
                        });
                PciFunctionDriver driver = machine.add(PassthroughFunction.of(device));
                try {
                    use(driver);
                } catch (AssertionError | BusException | NoSuchElementException driverGivesUp) {
                    // A driver finds nothing where a device was lost; all else is an error.
                    if (!device.isLost()) {
                        throw driverGivesUp;
                    }
                }
                machine.root.remove(machine.root.functions().getLast());
            } catch (PassthroughException refusal) {
                refused = refusal;
            }
        }

        private void use(PciFunctionDriver driver) {
            assertThat(machine.driver.enumerate()).hasSize(2);
            List<PciBarDriver> bars = driver.bars();
            driver.enable(
                    PciFunctionDriver.COMMAND_MEMORY
                            | PciFunctionDriver.COMMAND_IO
                            | PciFunctionDriver.COMMAND_MASTER);
            bars.get(1).write(0, 4, 1);
            bars.get(1).read(0, 4);
            backend.wire(true);
            bars.get(1).read(4, 4);
            backend.wire(false);
            bars.get(1).read(4, 4);
            MsixDriver msix = driver.msix();
            msix.route(0, 0x2800_0000L, 1);
            msix.enable();
            msix.route(5, 0x2800_0000L, 2);
            backend.signal(InterruptKind.MSIX, 5);
            msix.disable();
            driver.write(driver.capability(0x10).orElseThrow() + 8, 2, 0x2810);
            driver.write(6, 2, 0x8000);
            machine.virtual(driver, VirtualRegisters.PFPM, 0);
            machine.virtual(driver, VirtualRegisters.PFPM, 1);
            machine.memory = GuestMemory.of(TestMachine.region(0x8000_0000L));
            driver.disable(PciFunctionDriver.COMMAND_MASTER);
            driver.enable(PciFunctionDriver.COMMAND_MASTER);
            machine.root.reset();
            driver.enable(PciFunctionDriver.COMMAND_MEMORY | PciFunctionDriver.COMMAND_MASTER);
        }

        void assertNothingIsHeld() {
            assertThat(backend.mappings()).isEmpty();
            for (InterruptKind kind : InterruptKind.values()) {
                assertThat(backend.armedVectors(kind)).as("armed %s", kind).isEmpty();
            }
            if (device == null) {
                assertThat(backend.isClosed()).isTrue();
                return;
            }
            assertThat(device.isAssigned()).isFalse();
            assertThat(device.registers().mappedAreas()).isZero();
            assertThat(device.mmioRegions()).isEmpty();
            assertThat(device.msixRemaps()).isEmpty();
            assertThat(machine.root.functions()).hasSize(1);
        }

        long failures() {
            PassthroughCounts counts = device.counts();
            return counts.failedReads() + counts.failedWrites() + counts.failures();
        }
    }

    @Test
    void aLifeWithoutFailuresLeavesNothing() {
        Life life = new Life();

        life.live();

        assertThat(life.refused).isNull();
        life.assertNothingIsHeld();
        assertThat(life.failures()).isZero();
        assertThat(life.told).isEmpty();
        life.device.close();
        assertThat(life.backend.isClosed()).isTrue();
    }

    /** Every call of the life that may fail does, in a life of its own. */
    @Test
    void whateverFailsIsNamedAndCountedAndLeavesNothing() {
        Life whole = new Life();
        whole.live();
        int calls = whole.backend.fallibleCalls();
        int refused = 0;
        int survived = 0;

        for (int call = 1; call <= calls; call++) {
            Life life = new Life();
            life.backend.failAt(call, ERRNO);

            life.live();

            String where = "call %d, %s".formatted(call, life.backend);
            if (life.refused == null) {
                survived++;
                assertThat(life.failures()).as(where).isEqualTo(1);
                assertThat(life.told).as(where).hasSizeLessThanOrEqualTo(1);
                life.told.forEach(
                        failure -> {
                            assertThat(failure.errno()).isEqualTo(ERRNO.number());
                            assertThat(failure.operation()).isNotEmpty();
                        });
            } else {
                refused++;
                assertThat(life.refused.kind())
                        .as(where)
                        .isEqualTo(PassthroughException.Kind.BACKEND);
                assertThat(life.refused.device()).as(where).isEqualTo("scripted");
                assertThat(life.refused.operation()).as(where).isNotEmpty();
                assertThat(life.refused.errno()).as(where).isEqualTo(ERRNO.number());
                assertThat(life.refused)
                        .as(where)
                        .hasMessageContaining("ENOSPC")
                        .hasMessageStartingWith("scripted: " + life.refused.operation());
                if (life.device != null) {
                    assertThat(life.failures()).as(where).isEqualTo(1);
                }
            }
            life.assertNothingIsHeld();
        }
        System.out.printf(
                "%d failure paths: %d refused, %d survived%n",
                refused + survived, refused, survived);
        assertThat(refused).isGreaterThan(30);
        assertThat(survived).isGreaterThan(30);
    }

    /** The device goes away at every call, and never comes back. */
    @Test
    void aDeviceThatIsLostAtAnyTimeLeavesNothing() {
        Life whole = new Life();
        whole.live();
        int calls = whole.backend.fallibleCalls();

        for (int call = 1; call <= calls; call++) {
            Life life = new Life();
            life.backend.loseAt(call);

            assertThatCode(life::live).doesNotThrowAnyException();

            String where = "call %d, %s".formatted(call, life.backend);
            if (life.refused != null) {
                assertThat(life.refused.errno()).as(where).isEqualTo(Errno.ENODEV.number());
            } else {
                assertThat(life.device.isLost()).as(where).isTrue();
            }
            if (life.device != null) {
                life.device.close();
            }
            assertThat(life.backend.isClosed()).as(where).isTrue();
            assertThat(life.backend.mappings()).as(where).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMachineThatEndsTakesNothingWithIt(boolean isRemoved) {
        Life life = new Life();
        life.device = Devices.open(life.backend);
        PciFunctionDriver driver = life.machine.add(PassthroughFunction.of(life.device));
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        assertThat(life.backend.mappings()).hasSize(2);

        if (isRemoved) {
            life.machine.root.remove(life.machine.root.functions().getLast());
        } else {
            life.machine.root.close();
        }

        assertThat(life.backend.mappings()).isEmpty();
        assertThat(life.device.isAssigned()).isFalse();
    }
}
