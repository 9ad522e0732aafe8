package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.linux.Errno;
import dev.dalang.passthrough.PassthroughException.Kind;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciConfiguration;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;

/** A device by itself: who has it, where its memory and its vectors go. */
class PassthroughDeviceTest {
    private final ScriptedBackend backend =
            ScriptedBackend.builder(new ScriptedConfig(0x1af4, 0x1041).msix(64, 0, 0, 0, 0x800))
                    .bar(PciBar.memory32(0, 0x10_0000))
                    .interrupts(InterruptKind.MSIX, 64)
                    .build();
    private final PassthroughDevice device = Devices.open(backend);
    private final GuestMemory memory = GuestMemory.of(TestMachine.region(TestMachine.RAM));

    private PassthroughVm vm(long id) {
        return PassthroughVm.of(id, 2, memory);
    }

    private static void assertRefused(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PassthroughException.class,
                        refusal -> {
                            assertThat(refusal.kind()).isEqualTo(kind);
                            assertThat(refusal.device()).isEqualTo("scripted");
                            assertThat(refusal.operation()).isNotEmpty();
                        });
    }

    @Test
    void aDeviceIsAssignedOnceAndGivenBack() {
        device.assign(vm(3));
        assertThat(device.isAssigned()).isTrue();
        assertThat(device.owner()).hasValue(3);

        assertRefused(Kind.ALREADY_ASSIGNED, () -> device.assign(vm(4)));
        assertRefused(Kind.ALREADY_ASSIGNED, () -> device.assign(vm(3)));
        assertThat(device.owner()).hasValue(3);

        device.unassign();
        assertThat(device.isAssigned()).isFalse();
        assertThat(device.owner()).isEmpty();
        device.unassign();
        assertThat(device.isAssigned()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "9223372036854775807", "-1"})
    void everyNumberIsAMachine(long id) {
        assertThat(device.owner()).isEmpty();
        device.assign(vm(id));
        assertThat(device.owner()).hasValue(id);
        assertThat(device).asString().endsWith("of machine " + Long.toUnsignedString(id));
    }

    @Test
    void vectorsGoWhereTheyAreSent() {
        device.assign(vm(1));
        device.addMsixRemap(new MsixRemap(32, 64, 0, true));
        device.addMsixRemap(new MsixRemap(33, 65, 1, true));

        assertThat(device.remapInterrupt(32)).contains(new RemappedInterrupt(64, 0));
        assertThat(device.remapInterrupt(33)).contains(new RemappedInterrupt(65, 1));
        assertThat(device.remapInterrupt(99)).isEmpty();
        assertThat(device.msixRemapCount()).isEqualTo(2);
    }

    @Test
    void whatIsAddedBeforeIsHeldUntilAssignment() {
        device.addMmioRegion(new MmioRegion(0, 0, 0x5000_0000L, 0x1000));
        device.addMsixRemap(new MsixRemap(1, 2, 1, true));

        assertThat(device.mmioRegions()).noneMatch(MmioRegion::isMapped);
        assertThat(device.remapInterrupt(1)).isEmpty();
        assertThat(device.mmioRegionCount()).isEqualTo(1);

        device.assign(vm(1));
        assertThat(device.mmioRegions()).allMatch(MmioRegion::isMapped);
        assertThat(device.remapInterrupt(1)).contains(new RemappedInterrupt(2, 1));
    }

    @Test
    void oneVectorMoreThanTheDeviceHasIsAnError() {
        for (int vector = 0; vector < 64; vector++) {
            device.addMsixRemap(new MsixRemap(vector, vector, 0, true));
        }
        assertRefused(Kind.VECTOR_LIMIT, () -> device.addMsixRemap(new MsixRemap(64, 64, 0, true)));
        assertThat(device.msixRemapCount()).isEqualTo(64);
    }

    @Test
    void aVectorTwiceIsAnError() {
        device.addMsixRemap(new MsixRemap(7, 1, 0, true));
        assertRefused(
                Kind.DUPLICATE_VECTOR, () -> device.addMsixRemap(new MsixRemap(7, 2, 1, true)));
        device.assign(vm(1));
        assertThat(device.remapInterrupt(7)).contains(new RemappedInterrupt(1, 0));
    }

    @Test
    void aHartThatTheMachineHasNotIsAnErrorWhenTheMachineIsKnown() {
        device.addMsixRemap(new MsixRemap(1, 1, 2, true));
        assertRefused(Kind.INVALID_TARGET, () -> device.assign(vm(1)));
        assertThat(device.isAssigned()).isFalse();
        assertThat(backend.mappings()).isEmpty();

        device.assign(PassthroughVm.of(1, 3, memory));
        assertRefused(Kind.INVALID_TARGET, () -> device.addMsixRemap(new MsixRemap(2, 2, 3, true)));
        assertRefused(
                Kind.INVALID_TARGET, () -> device.addMsixRemap(new MsixRemap(2, 2, -1, true)));
        assertRefused(
                Kind.INVALID_TARGET,
                () -> device.addMsixRemap(new MsixRemap(0x1_0000, 2, 0, true)));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0x50000000, 0",
        "0, 0, 0x50000000, -4096",
        "0, 0x800, 0x50000000, 0x1000",
        "0, 0, 0x50000800, 0x1000",
        "0, 0, 0x50000000, 0x1800",
        "0, 0, 0xfffffffffffff000, 0x2000",
        "0, 0x100000, 0x50000000, 0x1000",
        "0, 0xff000, 0x50000000, 0x2000",
        "0, 0x7ffffffffffff000, 0x50000000, 0x1000",
        "1, 0, 0x50000000, 0x1000",
    })
    void regionsThatCannotBeAreErrors(int region, String offset, String guest, String size) {
        assertRefused(
                Kind.INVALID_REGION,
                () ->
                        device.addMmioRegion(
                                new MmioRegion(
                                        region, number(offset), number(guest), number(size))));
        assertThat(device.mmioRegionCount()).isZero();
    }

    private static long number(String text) {
        return text.startsWith("0x")
                ? Long.parseUnsignedLong(text.substring(2), 16)
                : Long.parseLong(text);
    }

    @ParameterizedTest
    @CsvSource({"0x50001000, true", "0x4ffff000, true", "0x50002000, false", "0x4fffe000, false"})
    void regionsAtOneGuestAddressAreErrors(String guest, boolean overlaps) {
        device.addMmioRegion(new MmioRegion(0, 0, 0x5000_0000L, 0x2000));
        MmioRegion other = new MmioRegion(0, 0x4000, number(guest), 0x2000);
        if (overlaps) {
            assertRefused(Kind.OVERLAP, () -> device.addMmioRegion(other));
        } else {
            device.addMmioRegion(other);
            assertThat(device.mmioRegionCount()).isEqualTo(2);
        }
    }

    @Test
    void theTopOfTheAddressSpaceCanBeMapped() {
        device.addMmioRegion(new MmioRegion(0, 0, -0x1000L, 0x1000));
        assertThat(device.mmioRegionCount()).isEqualTo(1);
    }

    /** Otherwise all of a device's vectors would be used up by those of machines that are gone. */
    @Test
    void theEndOfAnAssignmentClearsTheLists() {
        for (int round = 0; round < 3; round++) {
            device.assign(vm(round));
            for (int vector = 0; vector < 64; vector++) {
                device.addMsixRemap(new MsixRemap(vector, vector, 0, true));
            }
            device.addMmioRegion(new MmioRegion(0, 0, 0x5000_0000L, 0x1000));
            device.unassign();
            assertThat(device.msixRemapCount()).isZero();
            assertThat(device.mmioRegionCount()).isZero();
        }
    }

    @Test
    void whatOneMachineWroteTheNextDoesNotSee() {
        device.assign(vm(1));
        device.configuration().writeConfig(0x04, 2, 0x6);
        device.configuration().writeConfig(0x3c, 1, 77);
        device.configuration().writeConfig(0x10, 4, 0xfeb0_0000);
        backend.content(0).set(ValueLayout.JAVA_INT, 0x1000, 42);
        device.unassign();

        assertThat(backend.calls()).filteredOn("reset"::equals).hasSize(2);
        device.assign(vm(2));
        assertThat(backend.calls()).filteredOn("reset"::equals).hasSize(3);
        assertThat(device.configuration().readConfig(0x04, 2)).isZero();
        assertThat(device.configuration().readConfig(0x3c, 1)).isZero();
        assertThat(device.configuration().readConfig(0x10, 4)).isZero();
        assertThat(backend.content(0).get(ValueLayout.JAVA_INT, 0x1000)).isZero();
        assertThat(device.counts().resets()).isEqualTo(3);
    }

    @Test
    void anInterruptAfterTheEndGoesNowhereAndIsCounted() {
        device.assign(vm(1));
        device.addMsixRemap(new MsixRemap(0, 5, 0, true));
        assertThat(device.remapInterrupt(0)).isPresent();
        device.unassign();

        assertThat(device.remapInterrupt(0)).isEmpty();
        assertThat(device.counts().spuriousInterrupts()).isEqualTo(1);
        assertThat(device.counts().interrupts()).isEqualTo(1);
    }

    @Test
    void aResetKeepsTheOwnerAndNothingElse() {
        device.assign(vm(9));
        device.addMmioRegion(new MmioRegion(0, 0, 0x5000_0000L, 0x1000));
        device.addMsixRemap(new MsixRemap(0, 5, 0, true));
        device.configuration().writeConfig(0x04, 2, 0x7);

        device.reset();

        assertThat(device.owner()).hasValue(9);
        assertThat(device.mmioRegions()).hasSize(1).noneMatch(MmioRegion::isMapped);
        assertThat(device.remapInterrupt(0)).isEmpty();
        assertThat(device.msixRemapCount()).isEqualTo(1);
        assertThat(device.configuration().readConfig(0x04, 2)).isZero();
        assertThat(backend.mappings()).hasSize(1);
    }

    @Test
    void theHartIsTheOneThatTheMessageIsFor() {
        PassthroughVm vm =
                new PassthroughVm(
                        1,
                        4,
                        () -> memory,
                        PassthroughVm.of(1, 4, memory).dma(),
                        address -> OptionalInt.of((int) (address >>> 12 & 3)));
        device.addMsixRemap(new MsixRemap(0, 0, 1, true));
        device.assign(vm);
        assertThat(device.remapInterrupt(0)).contains(new RemappedInterrupt(0, 1));

        AtomicReference<Long> message = new AtomicReference<>(0x2800_2000L);
        device.show(PciConfiguration.endpoint(1, 2).build(), _ -> message.get());
        assertThat(device.remapInterrupt(0)).contains(new RemappedInterrupt(0, 2));
        message.set(0x2800_3000L);
        assertThat(device.remapInterrupt(0)).contains(new RemappedInterrupt(0, 3));
    }

    @Test
    void memoryIsReachedFromAssignmentToItsEnd() {
        device.assign(vm(1));
        assertThat(backend.mappings())
                .singleElement()
                .satisfies(
                        mapping -> {
                            assertThat(mapping.address()).isEqualTo(TestMachine.RAM);
                            assertThat(mapping.bytes()).isEqualTo(TestMachine.RAM_BYTES);
                            assertThat(mapping.isWritable()).isTrue();
                        });
        device.unassign();
        assertThat(backend.mappings()).isEmpty();
    }

    /** First no interrupts, then no transfers, then no memory. */
    @Test
    void theEndComesInOrder() {
        PassthroughVm vm = vm(1);
        device.assign(vm);
        device.arm(vm, modes -> modes.msix(new BitSet(), _ -> {}));
        backend.clearCalls();
        device.close();

        assertThat(backend.calls())
                .containsExactly(
                        "disable MSIX", "reset", "unmap memory 0x80000000+0x10000", "close");
    }

    @Test
    void aDeviceThatCouldNotBeResetIsNotAssignedAgain() {
        device.assign(vm(1));
        backend.failAt(backend.fallibleCalls() + 1, Errno.EIO);
        device.unassign();

        assertThat(backend.mappings()).isEmpty();
        assertThatThrownBy(() -> device.assign(vm(2))).hasMessageContaining("could not be reset");
        assertThat(device.counts().failures()).isEqualTo(1);
    }

    @Test
    void aDeviceThatKeepsMemoryIsGivenUp() {
        device.assign(vm(1));
        backend.failAt(backend.fallibleCalls() + 2, Errno.EINVAL);
        device.unassign();

        assertThat(backend.isClosed()).isTrue();
        assertThat(backend.mappings()).isEmpty();
        assertRefused(Kind.CLOSED, () -> device.assign(vm(2)));
    }

    @Test
    void aDeviceWithoutResetIsRefusedUnlessItIsWanted() {
        ScriptedBackend plain =
                ScriptedBackend.builder(new ScriptedConfig(1, 2)).withoutReset().build();
        assertRefused(Kind.INVALID_DEVICE, () -> Devices.open(plain));
        assertThat(plain.isClosed()).isTrue();

        ScriptedBackend wanted =
                ScriptedBackend.builder(new ScriptedConfig(1, 2)).withoutReset().build();
        PassthroughDevice taken =
                PassthroughDevice.open(
                        PassthroughDeviceType.GENERIC_PCI,
                        wanted,
                        PassthroughOptions.DEFAULT.withoutReset(),
                        Optional.empty());
        taken.assign(vm(1));
        taken.unassign();
        assertThat(wanted.calls()).contains("write region 7 at 0x4: 0x0");
    }

    @Test
    void aDeviceIsWhatItSaysOrWhatItIsSaidToBe() {
        assertThat(device.configuration().vendor()).isEqualTo(0x1af4);
        assertThat(device.configuration().device()).isEqualTo(0x1041);
        assertThat(device.type()).isEqualTo(PassthroughDeviceType.GENERIC_PCI);
        PassthroughDevice other =
                PassthroughDevice.open(
                        PassthroughDeviceType.VIRTIO_NET,
                        Devices.rich().build(),
                        PassthroughOptions.DEFAULT.identity(0x1234, 0x5678),
                        Optional.of(PciAddress.parse("0001:02:03.4")));
        assertThat(other.configuration().readConfig32(0)).isEqualTo(0x5678_1234);
        assertThat(other.address().orElseThrow()).hasToString("0001:02:03.4");
        assertThat(PassthroughFunction.of(other).spec().vendor()).isEqualTo(0x1234);
    }

    @Test
    void closingTwiceIsFineAndNothingWorksAfterwards() {
        device.close();
        device.close();
        assertRefused(Kind.CLOSED, device::reset);
        assertRefused(Kind.CLOSED, () -> device.assign(vm(1)));
        assertRefused(
                Kind.CLOSED,
                () -> device.addMmioRegion(new MmioRegion(0, 0, 0x5000_0000L, 0x1000)));
        assertThat(backend.calls()).filteredOn("close"::equals).hasSize(1);
    }

    @Test
    void bridgesAndHeadersThatAreNoneAreRefused() {
        List<ScriptedConfig> wrong =
                List.of(
                        new ScriptedConfig(0xffff, 0xffff),
                        new ScriptedConfig(1, 2).put(0x0e, 1, 0x01));
        for (ScriptedConfig config : wrong) {
            ScriptedBackend odd = ScriptedBackend.builder(config).build();
            assertRefused(Kind.BACKEND, () -> Devices.open(odd));
            assertThat(odd.isClosed()).isTrue();
        }
    }
}
