package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.riscv.ImsicFile;

import org.junit.jupiter.api.Test;

import java.util.List;

class ImsicTest {
    private static final long BASE = 0x2800_0000L;
    private static final int EIDELIVERY = 0x70;
    private static final int EITHRESHOLD = 0x72;
    private static final int EIP0 = 0x80;
    private static final int EIE0 = 0xc0;
    private static final long DIRECT = 0x4000_0000L;

    private final RecordingLine line0 = new RecordingLine();
    private final RecordingLine line1 = new RecordingLine();
    private final Imsic imsic =
            Imsic.builder(BASE).label("imsic-s").hart(line0).hart(line1).build();
    private final ImsicFile file = imsic.file(0);

    private void enable(ImsicFile target, int identity) {
        int select = EIE0 + (identity >>> 6) * 2;
        target.updateRegister(select, 1L << identity, 1L << identity);
    }

    private void deliver(ImsicFile target) {
        target.writeRegister(EIDELIVERY, 1);
    }

    @Test
    void labelAndTypeNameTheDevice() {
        assertThat(imsic.label()).isEqualTo("imsic-s");
        assertThat(imsic.typeId()).isEqualTo("riscv-imsic");
        assertThat(imsic.sizeBytes()).isEqualTo(8192);
        assertThat(imsic.baseAddress()).isEqualTo(BASE);
        assertThat(imsic.identities()).isEqualTo(255);
    }

    @Test
    void aMessageMakesTheIdentityPendingInTheFileOfItsPage() {
        assertThat(imsic.signal(BASE + 4096, 70)).isTrue();
        assertThat(imsic.file(1).readRegister(EIP0 + 2)).isEqualTo(1L << 70);
        assertThat(file.readRegister(EIP0 + 2)).isZero();
    }

    @Test
    void aBigEndianMessageIsReversed() {
        imsic.mmioWrite(BASE, 4, 4, 0x0500_0000);
        assertThat(file.readRegister(EIP0)).isEqualTo(1L << 5);
    }

    @Test
    void messagesElsewhereAreNotTaken() {
        assertThat(imsic.signal(BASE + 8, 5)).isFalse();
        assertThat(imsic.signal(BASE + 2, 5)).isFalse();
        assertThat(imsic.signal(BASE + 8192, 5)).isFalse();
        assertThat(imsic.signal(BASE - 4096, 5)).isFalse();
        assertThat(imsic.signal(-1L & ~4095L, 5)).isFalse();
        assertThat(file.readRegister(EIP0)).isZero();
    }

    @Test
    void identitiesThatAreNotImplementedAreIgnored() {
        for (int identity : new int[] {0, 256, 2047, 0x8000_0001, -1}) {
            assertThat(imsic.signal(BASE, identity)).isTrue();
        }
        for (int select = EIP0; select < EIE0; select += 2) {
            assertThat(file.readRegister(select)).isZero();
        }
    }

    @Test
    void onlyAlignedWordsAreWrites() {
        imsic.mmioWrite(BASE, 0, 8, 5);
        imsic.mmioWrite(BASE, 0, 2, 5);
        imsic.mmioWrite(BASE, 0, 1, 5);
        imsic.mmioWrite(BASE, 1, 4, 5);
        imsic.mmioWrite(BASE, -4096, 4, 5);
        imsic.mmioWrite(BASE, Long.MIN_VALUE, 4, 5);
        assertThat(file.readRegister(EIP0)).isZero();
    }

    @Test
    void thePageReadsZero() {
        imsic.signal(BASE, 5);
        for (long offset = 0; offset < 64; offset++) {
            assertThat(imsic.mmioRead(BASE, offset, 4)).isZero();
        }
    }

    @Test
    void theLineFollowsPendingAndEnabledAndDelivery() {
        imsic.signal(BASE, 5);
        assertThat(line0.isHigh()).isFalse();
        enable(file, 5);
        assertThat(line0.isHigh()).isFalse();
        deliver(file);
        assertThat(line0.isHigh()).isTrue();
        file.writeRegister(EIDELIVERY, 0);
        assertThat(line0.isHigh()).isFalse();
        deliver(file);
        file.updateRegister(EIE0, 0, 1L << 5);
        assertThat(line0.isHigh()).isFalse();
        enable(file, 5);
        file.updateRegister(EIP0, 0, 1L << 5);
        assertThat(line0.isHigh()).isFalse();
        assertThat(line1.rises()).isZero();
    }

    @Test
    void softwareCanSetPendingBits() {
        deliver(file);
        enable(file, 130);
        assertThat(file.updateRegister(EIP0 + 4, 1L << 130, 1L << 130)).isZero();
        assertThat(line0.isHigh()).isTrue();
        assertThat(file.topei()).isEqualTo(130L << 16 | 130);
    }

    @Test
    void theLowestIdentityIsOnTop() {
        for (int identity : new int[] {255, 64, 63, 1}) {
            enable(file, identity);
            imsic.signal(BASE, identity);
            assertThat(file.topei()).isEqualTo((long) identity << 16 | identity);
        }
    }

    @Test
    void theTopIsIndependentOfDelivery() {
        enable(file, 9);
        imsic.signal(BASE, 9);
        assertThat(file.topei()).isEqualTo(9L << 16 | 9);
        assertThat(line0.isHigh()).isFalse();
    }

    @Test
    void aClaimNamesAndClearsTheTop() {
        deliver(file);
        enable(file, 3);
        enable(file, 200);
        imsic.signal(BASE, 200);
        imsic.signal(BASE, 3);
        assertThat(file.claimTopei()).isEqualTo(3L << 16 | 3);
        assertThat(line0.isHigh()).isTrue();
        assertThat(file.claimTopei()).isEqualTo(200L << 16 | 200);
        assertThat(line0.isHigh()).isFalse();
        assertThat(file.claimTopei()).isZero();
        assertThat(file.readRegister(EIP0)).isZero();
        assertThat(imsic.deliveries(0, 3)).isEqualTo(1);
        assertThat(imsic.deliveries(0, 200)).isEqualTo(1);
        assertThat(imsic.deliveries(1, 3)).isZero();
    }

    @Test
    void aClaimLeavesWhatIsNotEnabled() {
        imsic.signal(BASE, 4);
        assertThat(file.claimTopei()).isZero();
        assertThat(file.readRegister(EIP0)).isEqualTo(1L << 4);
    }

    @Test
    void identitiesAtOrAboveTheThresholdDoNotCount() {
        deliver(file);
        enable(file, 8);
        imsic.signal(BASE, 8);
        file.writeRegister(EITHRESHOLD, 8);
        assertThat(line0.isHigh()).isFalse();
        assertThat(file.topei()).isZero();
        assertThat(file.claimTopei()).isZero();
        file.writeRegister(EITHRESHOLD, 9);
        assertThat(line0.isHigh()).isTrue();
        assertThat(file.topei()).isEqualTo(8L << 16 | 8);
        file.writeRegister(EITHRESHOLD, 1);
        assertThat(line0.isHigh()).isFalse();
        file.writeRegister(EITHRESHOLD, 0);
        assertThat(line0.isHigh()).isTrue();
    }

    @Test
    void aMessageAtTheThresholdDoesNotRaiseTheLine() {
        deliver(file);
        enable(file, 8);
        enable(file, 7);
        file.writeRegister(EITHRESHOLD, 8);
        imsic.signal(BASE, 8);
        assertThat(line0.rises()).isZero();
        imsic.signal(BASE, 7);
        assertThat(line0.isHigh()).isTrue();
    }

    @Test
    void identityZeroIsReadOnlyZero() {
        file.writeRegister(EIP0, -1);
        file.writeRegister(EIE0, -1);
        assertThat(file.readRegister(EIP0)).isEqualTo(~1L);
        assertThat(file.readRegister(EIE0)).isEqualTo(~1L);
    }

    @Test
    void registersOfIdentitiesThatAreNotImplementedAreReadOnlyZero() {
        for (int select = EIP0 + 8; select < EIE0; select += 2) {
            assertThat(file.hasRegister(select)).isTrue();
            assertThat(file.updateRegister(select, -1, -1)).isZero();
            assertThat(file.readRegister(select)).isZero();
            assertThat(file.readRegister(select + EIE0 - EIP0)).isZero();
        }
    }

    @Test
    void oddPendingAndEnableRegistersDoNotExist() {
        for (int select = EIP0; select <= 0xff; select++) {
            assertThat(file.hasRegister(select)).isEqualTo((select & 1) == 0);
        }
        file.writeRegister(EIP0 + 1, -1);
        assertThat(file.readRegister(EIP0 + 1)).isZero();
        assertThat(file.readRegister(EIP0)).isZero();
    }

    @Test
    void reservedRegistersAreLegalAndReadZero() {
        for (int select = EIDELIVERY; select < EIP0; select++) {
            assertThat(file.hasRegister(select)).isTrue();
            if (select != EIDELIVERY && select != EITHRESHOLD) {
                assertThat(file.updateRegister(select, -1, -1)).isZero();
                assertThat(file.readRegister(select)).isZero();
            }
        }
        for (int select : new int[] {0x6f, 0x100, 0, -1, Integer.MAX_VALUE}) {
            assertThat(file.hasRegister(select)).isFalse();
            assertThat(file.updateRegister(select, -1, -1)).isZero();
            assertThat(file.readRegister(select)).isZero();
        }
    }

    @Test
    void anUpdateChangesTheMaskedBitsAndGivesTheOldValue() {
        file.writeRegister(EIE0, 0xf0);
        assertThat(file.updateRegister(EIE0, 0x0c, 0x3c)).isEqualTo(0xf0);
        assertThat(file.readRegister(EIE0)).isEqualTo(0xcc);
        assertThat(file.updateRegister(EITHRESHOLD, 0xffff, -1)).isZero();
        assertThat(file.updateRegister(EITHRESHOLD, 0, 0xf)).isEqualTo(0x7ff);
        assertThat(file.readRegister(EITHRESHOLD)).isEqualTo(0x7f0);
    }

    @Test
    void deliveryTakesOnlyLegalValues() {
        file.writeRegister(EIDELIVERY, DIRECT);
        assertThat(file.readRegister(EIDELIVERY)).isZero();
        file.writeRegister(EIDELIVERY, -1);
        assertThat(file.readRegister(EIDELIVERY)).isEqualTo(1);
        file.updateRegister(EIDELIVERY, 0, 1);
        assertThat(file.readRegister(EIDELIVERY)).isZero();
    }

    @Test
    void aFileWithoutDirectDeliveryIgnoresTheAplicsWire() {
        imsic.directLine(0).raise();
        file.writeRegister(EIDELIVERY, DIRECT);
        assertThat(line0.rises()).isZero();
        Imsic copy = Imsic.builder(BASE).hart(line0).hart(line1).build();
        copy.restore(imsic.snapshot());
        assertThat(line0.rises()).isZero();
    }

    @Test
    void directDeliveryIsTheResetValueWhereSupportedAndPassesTheAplicsWire() {
        RecordingLine line = new RecordingLine();
        Imsic direct = Imsic.builder(BASE).directDelivery(true).hart(line).build();
        ImsicFile only = direct.file(0);
        assertThat(only.readRegister(EIDELIVERY)).isEqualTo(DIRECT);
        direct.directLine(0).raise();
        assertThat(line.isHigh()).isTrue();
        only.writeRegister(EIE0, 2);
        direct.signal(BASE, 1);
        direct.directLine(0).lower();
        assertThat(line.isHigh()).isFalse();
        deliver(only);
        assertThat(line.isHigh()).isTrue();
        direct.directLine(0).raise();
        only.claimTopei();
        assertThat(line.isHigh()).isFalse();
        only.writeRegister(EIDELIVERY, DIRECT);
        assertThat(line.isHigh()).isTrue();
        direct.reset();
        assertThat(line.isHigh()).isTrue();
        assertThat(only.readRegister(EIDELIVERY)).isEqualTo(DIRECT);
    }

    @Test
    void aHartsInputCanBeConnectedAfterItsFileIsInUse() {
        Imsic early = Imsic.builder(BASE).hart().build();
        deliver(early.file(0));
        enable(early.file(0), 5);
        early.signal(BASE, 5);
        RecordingLine late = new RecordingLine();
        early.connect(0, late);
        assertThat(late.isHigh()).isTrue();
        early.file(0).claimTopei();
        assertThat(late.isHigh()).isFalse();
        assertThatThrownBy(() -> early.connect(1, late))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void largerFilesHaveMoreIdentities() {
        Imsic large = Imsic.builder(BASE).identities(2047).hart(line0).build();
        large.signal(BASE, 2047);
        assertThat(large.file(0).readRegister(EIP0 + 62)).isEqualTo(1L << 63);
        Imsic small = Imsic.builder(BASE).identities(63).hart(line0).build();
        small.signal(BASE, 64);
        small.signal(BASE, 63);
        assertThat(small.file(0).readRegister(EIP0)).isEqualTo(1L << 63);
        assertThat(small.file(0).readRegister(EIP0 + 2)).isZero();
    }

    @Test
    void impossibleConfigurationsAreRefused() {
        assertThatThrownBy(() -> Imsic.builder(BASE + 4)).hasMessageContaining("0x28000004");
        for (int identities : new int[] {0, 62, 64, 256, 2048, 2111, -1}) {
            assertThatThrownBy(() -> Imsic.builder(BASE).identities(identities))
                    .hasMessageContaining(Integer.toString(identities));
        }
        assertThatThrownBy(() -> Imsic.builder(BASE).build())
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> imsic.file(2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> imsic.deliveries(0, 256))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void resetClearsEverythingAndLowersTheLine() {
        deliver(file);
        enable(file, 3);
        imsic.signal(BASE, 3);
        file.writeRegister(EITHRESHOLD, 200);
        imsic.reset();
        assertThat(line0.isHigh()).isFalse();
        for (int select = EIDELIVERY; select <= 0xff; select++) {
            assertThat(file.readRegister(select)).isZero();
        }
    }

    @Test
    void aRestoredImsicGoesOnWhereTheSavedOneStood() {
        deliver(file);
        enable(file, 3);
        enable(file, 250);
        imsic.signal(BASE, 3);
        imsic.signal(BASE, 250);
        file.writeRegister(EITHRESHOLD, 240);
        imsic.sleep();
        Snapshot saved = imsic.snapshot();
        RecordingLine line = new RecordingLine();
        Imsic copy = Imsic.builder(BASE).hart(line).hart(new RecordingLine()).build();
        copy.sleep();
        copy.restore(saved);
        copy.wake();
        assertThat(line.isHigh()).isTrue();
        assertThat(copy.snapshot().fields().keySet()).isEqualTo(saved.fields().keySet());
        assertThat(copy.file(0).claimTopei()).isEqualTo(3L << 16 | 3);
        assertThat(line.isHigh()).isFalse();
        copy.file(0).writeRegister(EITHRESHOLD, 0);
        assertThat(copy.file(0).claimTopei()).isEqualTo(250L << 16 | 250);
    }

    @Test
    void wakingDrivesALineThatTheHartForgot() {
        deliver(file);
        enable(file, 3);
        imsic.signal(BASE, 3);
        line0.lower();
        imsic.wake();
        assertThat(line0.isHigh()).isTrue();
    }

    @Test
    void hostileSnapshotsAreRefusedAndChangeNothing() {
        deliver(file);
        enable(file, 3);
        imsic.signal(BASE, 3);
        Snapshot good = imsic.snapshot();
        Snapshot first = good.getList("files").getFirst();
        List<Snapshot> bad =
                List.of(
                        SnapshotEdits.ofVersion(good, 2),
                        SnapshotEdits.with(good, "identities", 511L),
                        SnapshotEdits.with(good, "files", List.of(first)),
                        SnapshotEdits.with(good, "files", List.of(first, first, first)),
                        SnapshotEdits.without(good, "files"),
                        second(good, SnapshotEdits.withByte(first, "pending", 0, 1)),
                        second(good, SnapshotEdits.withByte(first, "enabled", 0, 1)),
                        second(good, SnapshotEdits.with(first, "pending", new byte[31])),
                        second(good, SnapshotEdits.with(first, "enabled", new byte[33])),
                        second(good, SnapshotEdits.with(first, "delivery", 2L)),
                        second(good, SnapshotEdits.with(first, "delivery", DIRECT)),
                        second(good, SnapshotEdits.with(first, "direct", 1L)),
                        second(good, SnapshotEdits.with(first, "threshold", 2048L)),
                        second(good, SnapshotEdits.with(first, "threshold", "1")),
                        second(good, SnapshotEdits.ofVersion(first, 0)),
                        second(good, good));
        imsic.reset();
        for (Snapshot snapshot : bad) {
            assertThatThrownBy(() -> imsic.restore(snapshot)).isInstanceOf(SnapshotException.class);
            assertThat(file.readRegister(EIE0)).isZero();
            assertThat(file.readRegister(EIP0)).isZero();
            assertThat(line0.isHigh()).isFalse();
        }
        imsic.restore(good);
        assertThat(line0.isHigh()).isTrue();
    }

    /** The snapshot with its second file replaced, so that the first one is valid. */
    private static Snapshot second(Snapshot good, Snapshot file) {
        return SnapshotEdits.with(good, "files", List.of(good.getList("files").getFirst(), file));
    }
}
