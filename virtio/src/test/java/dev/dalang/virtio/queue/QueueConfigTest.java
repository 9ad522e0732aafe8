package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SnapshotMutations;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QueueConfigTest {
    private static final long DESC = QueueMachine.RAM;
    private static final long DRIVER = QueueMachine.RAM + 0x1000;
    private static final long DEVICE = QueueMachine.RAM + 0x2000;

    private final GuestMemory memory = QueueMachine.newMemory();
    private final QueueMachine.Recorder signals = new QueueMachine.Recorder();
    private final QueueConfig config = QueueConfig.of(3, 16);

    private void configure() {
        config.setDescriptorAddress(DESC);
        config.setDriverAddress(DRIVER);
        config.setDeviceAddress(DEVICE);
        config.setReady(true);
    }

    private VirtQueue activate() {
        return config.activate(QueueMemory.of(memory), signals);
    }

    private void assertRefused(QueueError error) {
        assertThatExceptionOfType(QueueException.class)
                .isThrownBy(this::activate)
                .satisfies(thrown -> assertThat(thrown.error()).isEqualTo(error))
                .satisfies(thrown -> assertThat(thrown.queue()).isEqualTo(3))
                .withMessageStartingWith("queue 3 " + error.text());
    }

    /** Row 1. */
    @ParameterizedTest
    @ValueSource(ints = {0, 15, 65535, 65536, -1})
    void aGreatestSizeThatIsNoPowerOfTwoUpTo32768IsRefused(int maxSize) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QueueConfig.of(0, maxSize))
                .withMessageContaining("got " + maxSize);
    }

    /** Row 2. */
    @Test
    void theGreatestSizeMayBe32768() {
        assertThat(QueueConfig.of(0, 32_768).size()).isEqualTo(32_768);
        assertThat(QueueConfig.of(0, 1).size()).isEqualTo(1);
    }

    @Test
    void anIndexOutOfRangeIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> QueueConfig.of(-1, 16));
        assertThatIllegalArgumentException().isThrownBy(() -> QueueConfig.of(65_536, 16));
    }

    @Test
    void aNewQueueIsNotConfigured() {
        assertThat(config.index()).isEqualTo(3);
        assertThat(config.size()).isEqualTo(16);
        assertThat(config.maxSize()).isEqualTo(16);
        assertThat(config.isReady()).isFalse();
        assertThat(config.vector()).isEqualTo(QueueConfig.NO_VECTOR);
        assertThat(config.descriptorAddress()).isZero();
        assertThat(config.driverAddress()).isZero();
        assertThat(config.deviceAddress()).isZero();
        assertThat(config.errors()).isZero();
    }

    /** Row 3. */
    @ParameterizedTest
    @ValueSource(ints = {0, 11, 32, -4, 65536})
    void anIllegalSizeChangesNothingAndIsCounted(int size) {
        assertThat(config.setSize(size)).isFalse();
        assertThat(config.size()).isEqualTo(16);
        assertThat(config.errors()).isEqualTo(1);
    }

    /** Row 3, packed: any number up to the greatest is legal. */
    @Test
    void aPackedQueueHasAnySizeUpToItsGreatest() {
        config.negotiated(QueueMachine.PACKED);
        assertThat(config.setSize(11)).isTrue();
        assertThat(config.size()).isEqualTo(11);
        assertThat(config.setSize(0)).isFalse();
        assertThat(config.setSize(17)).isFalse();
        assertThat(config.size()).isEqualTo(11);
        assertThat(config.errors()).isEqualTo(2);
    }

    /** Row 4. */
    @Test
    void aLegalSizeIsTaken() {
        assertThat(config.setSize(4)).isTrue();
        assertThat(config.size()).isEqualTo(4);
        assertThat(config.errors()).isZero();
    }

    /** Row 5. */
    @Test
    void anUnalignedDescriptorAddressChangesNothingAndIsCounted() {
        config.setDescriptorAddress(DESC);
        assertThat(config.setDescriptorAddress(DESC + 0xf)).isFalse();
        assertThat(config.setDescriptorAddressHalf(false, 0xf)).isFalse();
        assertThat(config.descriptorAddress()).isEqualTo(DESC);
        assertThat(config.errors()).isEqualTo(2);
    }

    /** Row 6. */
    @Test
    void anOddDriverAddressChangesNothingAndIsCounted() {
        config.setDriverAddress(DRIVER);
        assertThat(config.setDriverAddress(DRIVER + 1)).isFalse();
        assertThat(config.driverAddress()).isEqualTo(DRIVER);
        assertThat(config.setDriverAddress(DRIVER + 2)).isTrue();
        assertThat(config.errors()).isEqualTo(1);
    }

    /** Row 6, packed: the driver event suppression is aligned to 4. */
    @Test
    void aPackedQueuesDriverAddressIsAlignedTo4() {
        config.negotiated(QueueMachine.PACKED);
        assertThat(config.setDriverAddress(DRIVER + 2)).isFalse();
        assertThat(config.setDriverAddress(DRIVER + 4)).isTrue();
    }

    /** Row 7. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void anUnalignedDeviceAddressChangesNothingAndIsCounted(int offset) {
        config.setDeviceAddress(DEVICE);
        assertThat(config.setDeviceAddress(DEVICE + offset)).isFalse();
        assertThat(config.deviceAddress()).isEqualTo(DEVICE);
        assertThat(config.errors()).isEqualTo(1);
    }

    @Test
    void anAddressIsSetInHalves() {
        config.setDescriptorAddressHalf(false, 0x8765_4320);
        assertThat(config.descriptorAddress()).isEqualTo(0x8765_4320L);
        config.setDescriptorAddressHalf(true, 0x1);
        assertThat(config.descriptorAddress()).isEqualTo(0x1_8765_4320L);
        config.setDescriptorAddressHalf(false, 0x10);
        assertThat(config.descriptorAddress()).isEqualTo(0x1_0000_0010L);
        config.setDriverAddressHalf(true, 0xffff_ffff);
        config.setDriverAddressHalf(false, 0xffff_fffe);
        assertThat(config.driverAddress()).isEqualTo(-2);
        config.setDeviceAddressHalf(false, 4);
        config.setDeviceAddressHalf(true, 2);
        assertThat(config.deviceAddress()).isEqualTo(0x2_0000_0004L);
    }

    /** Row 9. */
    @Test
    void aDriverAreaAtTheEndOf32BitsIsTakenAndRefusedAtActivation() {
        configure();
        config.setReady(false);
        assertThat(config.setDriverAddress(0xffff_fffeL)).isTrue();
        config.setReady(true);
        assertRefused(QueueError.DRIVER_AREA_UNMAPPED);
    }

    /** Row 10. */
    @Test
    void aDeviceAreaAtTheEndOf32BitsIsTakenAndRefusedAtActivation() {
        configure();
        config.setReady(false);
        assertThat(config.setDeviceAddress(0xffff_fffcL)).isTrue();
        config.setReady(true);
        assertRefused(QueueError.DEVICE_AREA_UNMAPPED);
    }

    /** Rows 29 and T37: a table, or a part of it, that is not memory. */
    @Test
    void aDescriptorAreaThatIsNotMemoryIsRefusedAtActivation() {
        configure();
        config.setReady(false);
        config.setDescriptorAddress(QueueMachine.HOLE - 0xf0);
        config.setReady(true);
        assertRefused(QueueError.DESCRIPTOR_AREA_UNMAPPED);
        config.setReady(false);
        config.setDescriptorAddress(-0x10);
        config.setReady(true);
        assertRefused(QueueError.DESCRIPTOR_AREA_UNMAPPED);
        config.setReady(false);
        config.setDescriptorAddress(QueueMachine.HOLE - 0x100);
        config.setReady(true);
        assertThat(activate().size()).isEqualTo(16);
    }

    /** Row 28: an entry of the available ring that is not memory. */
    @Test
    void aDriverAreaOfWhichTheLastByteIsNotMemoryIsRefusedAtActivation() {
        configure();
        config.setReady(false);
        config.setDriverAddress(QueueMachine.HOLE - 36);
        config.setReady(true);
        assertRefused(QueueError.DRIVER_AREA_UNMAPPED);
        config.setReady(false);
        config.setDriverAddress(QueueMachine.HOLE - 38);
        config.setReady(true);
        assertThat(activate().size()).isEqualTo(16);
    }

    @Test
    void whatTheDeviceWritesMustBeWritable() {
        configure();
        config.setReady(false);
        config.setDeviceAddress(QueueMachine.READ_ONLY);
        config.setReady(true);
        assertRefused(QueueError.DEVICE_AREA_UNMAPPED);
    }

    @Test
    void whatTheDeviceOnlyReadsNeedNotBeWritable() {
        configure();
        config.setReady(false);
        config.setDescriptorAddress(QueueMachine.READ_ONLY);
        config.setDriverAddress(QueueMachine.READ_ONLY + 0x800);
        config.setReady(true);
        assertThat(activate().size()).isEqualTo(16);
    }

    @Test
    void aPackedRingMustBeWritable() {
        config.negotiated(QueueMachine.PACKED);
        configure();
        config.setReady(false);
        config.setDescriptorAddress(QueueMachine.READ_ONLY);
        config.setReady(true);
        assertRefused(QueueError.DESCRIPTOR_AREA_UNMAPPED);
    }

    /** Row 11. */
    @Test
    void aQueueThatIsNotReadyIsRefused() {
        configure();
        config.setReady(false);
        assertRefused(QueueError.NOT_READY);
    }

    /** Row 12. */
    @Test
    void aReadyQueueWithoutADriverAreaIsRefused() {
        configure();
        config.setReady(false);
        config.setDriverAddress(0);
        config.setReady(true);
        assertRefused(QueueError.NOT_READY);
    }

    /** Row 13. */
    @Test
    void aQueueThatWasResetAndOnlyEnabledIsRefused() {
        configure();
        config.reset();
        config.setReady(true);
        assertRefused(QueueError.NOT_READY);
    }

    /** Row 14. */
    @Test
    void aQueueThatWasResetAndGivenOnlyADriverAreaIsRefused() {
        configure();
        config.reset();
        config.setDriverAddress(DRIVER);
        assertRefused(QueueError.NOT_READY);
    }

    @Test
    void aDeviceWithoutAccessToMemoryActivatesNothing() {
        configure();
        assertThatExceptionOfType(QueueException.class)
                .isThrownBy(() -> config.activate(() -> null, signals))
                .satisfies(
                        thrown -> assertThat(thrown.error()).isEqualTo(QueueError.ACCESS_REFUSED));
    }

    @Test
    void aReadyQueueIsNotReconfigured() {
        configure();
        assertThat(config.setSize(8)).isFalse();
        assertThat(config.setDescriptorAddress(DESC + 0x100)).isFalse();
        assertThat(config.setDriverAddressHalf(false, 0)).isFalse();
        assertThat(config.setDeviceAddress(DEVICE + 4)).isFalse();
        assertThat(config.size()).isEqualTo(16);
        assertThat(config.descriptorAddress()).isEqualTo(DESC);
        assertThat(config.driverAddress()).isEqualTo(DRIVER);
        assertThat(config.deviceAddress()).isEqualTo(DEVICE);
        assertThat(config.errors()).isEqualTo(4);
    }

    @Test
    void anActiveQueueIsNotActivatedAgain() {
        configure();
        activate();
        assertThatIllegalStateException()
                .isThrownBy(this::activate)
                .withMessageContaining("queue 3 is active");
    }

    @Test
    void resetMakesTheQueueAsNewAndRetiresTheActiveOne() {
        configure();
        config.setVector(5);
        VirtQueue queue = activate();
        config.reset();
        aNewQueueIsNotConfigured();
        assertThat(queue.pop()).isNull();
        assertThat(queue.isBroken()).isFalse();
        configure();
        assertThat(activate()).isNotSameAs(queue);
    }

    @Test
    void aQueueMadeForTheOtherLayoutIsRefusedAtActivation() {
        config.negotiated(QueueMachine.PACKED);
        config.setSize(11);
        config.negotiated(0);
        configure();
        assertRefused(QueueError.INVALID_SIZE);
    }

    // ---------------------------------------------------------------- snapshots

    @Test
    void aSnapshotHoldsTheConfiguration() {
        config.negotiated(QueueMachine.PACKED | QueueMachine.EVENT_IDX | 1);
        config.setSize(11);
        config.setVector(7);
        configure();
        Snapshot taken = config.snapshot();
        QueueConfig other = QueueConfig.of(3, 16);
        other.restore(taken);
        assertThat(other.snapshot()).isEqualTo(taken);
        assertThat(other.size()).isEqualTo(11);
        assertThat(other.isPacked()).isTrue();
        assertThat(other.vector()).isEqualTo(7);
        assertThat(other.isReady()).isTrue();
        assertThat(other.activate(QueueMemory.of(memory), signals).size()).isEqualTo(11);
    }

    /** Row 16. */
    @Test
    void aSnapshotWithAnIllegalValueIsRefusedAndChangesNothing() {
        configure();
        Snapshot good = config.snapshot();
        QueueConfig other = QueueConfig.of(3, 16);
        Snapshot before = other.snapshot();
        String[][] bad = {
            {"size", "3"},
            {"size", "0"},
            {"size", "32"},
            {"descriptor-address", "8"},
            {"driver-address", "1"},
            {"device-address", "2"},
            {"vector", "65536"},
            {"features", "1"},
            {"ready", "2"},
        };
        for (String[] field : bad) {
            Snapshot mutated = with(good, field[0], Long.parseLong(field[1]));
            assertThatExceptionOfType(SnapshotException.class)
                    .as(field[0] + " = " + field[1])
                    .isThrownBy(() -> other.restore(mutated));
            assertThat(other.snapshot()).isEqualTo(before);
        }
    }

    private static Snapshot with(Snapshot snapshot, String name, long value) {
        Snapshot.Builder builder = Snapshot.builder(snapshot.type(), snapshot.version());
        snapshot.fields()
                .forEach(
                        (field, old) ->
                                builder.put(field, field.equals(name) ? value : (Long) old));
        return builder.build();
    }

    @Test
    void aMangledSnapshotIsRefusedOrTaken() {
        config.setVector(7);
        configure();
        for (SnapshotMutations.Mutation mutation : SnapshotMutations.of(config.snapshot())) {
            QueueConfig other = QueueConfig.of(3, 16);
            Snapshot before = other.snapshot();
            try {
                other.restore(mutation.snapshot());
            } catch (SnapshotException refused) {
                assertThat(other.snapshot()).as(mutation.what()).isEqualTo(before);
            }
        }
    }

    @Test
    void anActiveQueuesConfigurationIsNotReplaced() {
        configure();
        Snapshot taken = config.snapshot();
        activate();
        assertThatIllegalStateException().isThrownBy(() -> config.restore(taken));
    }
}
