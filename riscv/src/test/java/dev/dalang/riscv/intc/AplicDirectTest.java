package dev.dalang.riscv.intc;

import static dev.dalang.riscv.intc.AplicRegisters.DELEGATE;
import static dev.dalang.riscv.intc.AplicRegisters.DETACHED;
import static dev.dalang.riscv.intc.AplicRegisters.DM;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE0;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE1;
import static dev.dalang.riscv.intc.AplicRegisters.IE;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL0;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL1;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Direct delivery (AIA 1.0 §4.8) and the pending bits in that mode (§4.7). */
class AplicDirectTest {
    private final RecordingLine meip0 = new RecordingLine();
    private final RecordingLine seip0 = new RecordingLine();
    private final RecordingLine meip1 = new RecordingLine();
    private final RecordingLine seip1 = new RecordingLine();
    private final Aplic aplic =
            Aplic.builder(96)
                    .messages((address, data) -> true)
                    .hart(meip0, seip0)
                    .hart(meip1, seip1)
                    .build();
    private final AplicRegisters machine = new AplicRegisters(aplic.machine());
    private final AplicRegisters supervisor = new AplicRegisters(aplic.supervisor());

    AplicDirectTest() {
        for (AplicRegisters domain : new AplicRegisters[] {machine, supervisor}) {
            domain.domaincfg(IE);
            domain.idelivery(0, 1);
            domain.idelivery(1, 1);
        }
    }

    private void arm(AplicRegisters domain, int source, int mode, int hart, int priority) {
        domain.sourcecfg(source, mode);
        domain.target(source, (long) hart << 18 | priority);
        domain.setienum(source);
    }

    @Test
    void aSourceReachesTheHartOfItsTargetAtItsDomainsLevel() {
        arm(machine, 3, LEVEL1, 1, 2);
        machine.sourcecfg(4, DELEGATE);
        arm(supervisor, 4, LEVEL1, 0, 2);
        aplic.line(3).raise();
        assertThat(meip1.isHigh()).isTrue();
        assertThat(meip0.isHigh() || seip0.isHigh() || seip1.isHigh()).isFalse();
        aplic.line(4).raise();
        assertThat(seip0.isHigh()).isTrue();
        assertThat(machine.topi(1)).isEqualTo(3 << 16 | 2);
        assertThat(supervisor.topi(0)).isEqualTo(4 << 16 | 2);
        aplic.line(3).lower();
        assertThat(meip1.isHigh()).isFalse();
    }

    @Test
    void retargetingMovesTheInterrupt() {
        arm(machine, 3, LEVEL1, 0, 2);
        aplic.line(3).raise();
        machine.target(3, 1L << 18 | 2);
        assertThat(meip0.isHigh()).isFalse();
        assertThat(meip1.isHigh()).isTrue();
        machine.target(3, 2L << 18 | 2);
        assertThat(meip1.isHigh()).isFalse();
    }

    @Test
    void nothingIsSignalledUnlessDomainDeliveryAndSourceAreEnabled() {
        arm(machine, 3, LEVEL1, 0, 2);
        aplic.line(3).raise();
        machine.domaincfg(0);
        assertThat(meip0.isHigh()).isFalse();
        machine.domaincfg(IE);
        assertThat(meip0.isHigh()).isTrue();
        machine.idelivery(0, 0xffff_fffeL);
        assertThat(meip0.isHigh()).isFalse();
        machine.idelivery(0, 1);
        assertThat(meip0.isHigh()).isTrue();
        machine.clrienum(3);
        assertThat(meip0.isHigh()).isFalse();
        machine.setienum(3);
        assertThat(meip0.rises()).isEqualTo(4);
    }

    @Test
    void smallerPrioritiesAndThenLowerSourcesAreOnTop() {
        arm(machine, 50, DETACHED, 0, 2);
        arm(machine, 7, DETACHED, 0, 2);
        arm(machine, 90, DETACHED, 0, 1);
        machine.setipnum(50);
        machine.setipnum(7);
        machine.setipnum(90);
        assertThat(machine.claimi(0)).isEqualTo(90 << 16 | 1);
        assertThat(machine.claimi(0)).isEqualTo(7 << 16 | 2);
        assertThat(machine.claimi(0)).isEqualTo(50 << 16 | 2);
        assertThat(machine.claimi(0)).isZero();
        assertThat(meip0.isHigh()).isFalse();
    }

    @Test
    void theThresholdLetsOnlySmallerPrioritiesThrough() {
        arm(machine, 3, LEVEL1, 0, 4);
        aplic.line(3).raise();
        machine.ithreshold(0, 4);
        assertThat(meip0.isHigh()).isFalse();
        assertThat(machine.topi(0)).isZero();
        assertThat(machine.claimi(0)).isZero();
        machine.ithreshold(0, 5);
        assertThat(machine.topi(0)).isEqualTo(3 << 16 | 4);
        machine.ithreshold(0, 1);
        assertThat(meip0.isHigh()).isFalse();
        machine.ithreshold(0, 0xffff_fff8L);
        assertThat(machine.read(0x4008)).isZero();
        assertThat(meip0.isHigh()).isTrue();
    }

    @Test
    void readingTopiChangesNothing() {
        arm(machine, 3, EDGE1, 0, 4);
        aplic.line(3).raise();
        assertThat(machine.topi(0)).isEqualTo(3 << 16 | 4);
        assertThat(machine.topi(0)).isEqualTo(3 << 16 | 4);
        machine.write(0x4018, 0);
        machine.write(0x401c, 0);
        assertThat(machine.isPending(3)).isTrue();
    }

    @Test
    void aClaimClearsEdgesButNotLevels() {
        arm(machine, 3, EDGE1, 0, 1);
        arm(machine, 4, LEVEL1, 0, 2);
        aplic.line(3).raise();
        aplic.line(4).raise();
        assertThat(machine.claimi(0) >>> 16).isEqualTo(3);
        assertThat(machine.claimi(0) >>> 16).isEqualTo(4);
        assertThat(machine.claimi(0) >>> 16).isEqualTo(4);
        assertThat(machine.isPending(4)).isTrue();
        assertThat(aplic.deliveries(3)).isEqualTo(1);
        assertThat(aplic.deliveries(4)).isEqualTo(2);
        aplic.line(4).lower();
        assertThat(machine.claimi(0)).isZero();
        assertThat(meip0.isHigh()).isFalse();
    }

    @Test
    void aLevelsPendingBitIsItsInputAndNothingElseChangesIt() {
        arm(machine, 3, LEVEL1, 0, 1);
        arm(machine, 4, LEVEL0, 0, 1);
        assertThat(machine.isPending(3)).isFalse();
        assertThat(machine.isPending(4)).isTrue();
        machine.setipnum(3);
        machine.clripnum(4);
        machine.write(0x1c00, -1);
        assertThat(machine.isPending(3)).isFalse();
        machine.write(0x1d00, -1);
        assertThat(machine.isPending(4)).isTrue();
        aplic.line(3).raise();
        aplic.line(4).raise();
        assertThat(machine.isPending(3)).isTrue();
        assertThat(machine.isPending(4)).isFalse();
    }

    @Test
    void anEdgesPendingBitIsSetByTheTransitionAndBySoftware() {
        arm(machine, 3, EDGE1, 0, 1);
        aplic.line(3).raise();
        assertThat(machine.isPending(3)).isTrue();
        aplic.line(3).lower();
        assertThat(machine.isPending(3)).isTrue();
        machine.clripnum(3);
        aplic.line(3).lower();
        assertThat(machine.isPending(3)).isFalse();
        machine.setipnum(3);
        assertThat(machine.isPending(3)).isTrue();
        machine.claimi(0);
        aplic.line(3).raise();
        aplic.line(3).raise();
        assertThat(machine.claimi(0) >>> 16).isEqualTo(3);
        assertThat(machine.claimi(0)).isZero();
    }

    @Test
    void aFallingEdgeCountsWhereTheModeIsInverted() {
        aplic.line(3).raise();
        arm(machine, 3, EDGE0, 0, 1);
        assertThat(machine.isPending(3)).isFalse();
        aplic.line(3).lower();
        assertThat(machine.isPending(3)).isTrue();
        machine.claimi(0);
        aplic.line(3).raise();
        assertThat(machine.isPending(3)).isFalse();
    }

    @Test
    void aDetachedSourceIgnoresItsWire() {
        arm(machine, 3, DETACHED, 0, 1);
        aplic.line(3).raise();
        aplic.line(3).lower();
        assertThat(machine.isPending(3)).isFalse();
    }

    @Test
    void aSourceThatIsHighWhenItsModeIsSetIsPending() {
        aplic.line(3).raise();
        machine.sourcecfg(3, EDGE1);
        assertThat(machine.isPending(3)).isTrue();
        machine.sourcecfg(3, EDGE0);
        assertThat(machine.isPending(3)).isTrue();
        machine.sourcecfg(3, LEVEL0);
        assertThat(machine.isPending(3)).isFalse();
        machine.sourcecfg(3, LEVEL1);
        assertThat(machine.isPending(3)).isTrue();
    }

    @Test
    void aForcedInterruptIsSpuriousAndEndsWithTheEmptyClaim() {
        machine.iforce(1, 0xff);
        assertThat(meip1.isHigh()).isTrue();
        assertThat(machine.iforce(1)).isEqualTo(1);
        assertThat(machine.topi(1)).isZero();
        assertThat(machine.iforce(1)).isEqualTo(1);
        assertThat(machine.claimi(1)).isZero();
        assertThat(machine.iforce(1)).isZero();
        assertThat(meip1.isHigh()).isFalse();
    }

    @Test
    void aForcedInterruptLastsWhileRealOnesAreClaimed() {
        arm(machine, 3, EDGE1, 0, 1);
        machine.iforce(0, 1);
        aplic.line(3).raise();
        assertThat(machine.claimi(0) >>> 16).isEqualTo(3);
        assertThat(machine.iforce(0)).isEqualTo(1);
        assertThat(meip0.isHigh()).isTrue();
    }

    @Test
    void aForcedInterruptNeedsDomainAndDelivery() {
        machine.domaincfg(0);
        machine.iforce(0, 1);
        assertThat(meip0.isHigh()).isFalse();
        machine.domaincfg(IE);
        assertThat(meip0.isHigh()).isTrue();
        machine.idelivery(0, 0);
        assertThat(meip0.isHigh()).isFalse();
    }

    @Test
    void messageModeSilencesTheWiresAndClaims() {
        arm(machine, 3, LEVEL1, 0, 1);
        machine.iforce(0, 1);
        aplic.line(3).raise();
        machine.domaincfg(IE | DM);
        assertThat(meip0.isHigh()).isFalse();
        assertThat(machine.topi(0)).isZero();
        machine.domaincfg(IE);
        assertThat(meip0.isHigh()).isTrue();
        assertThat(machine.isPending(3)).isTrue();
        assertThat(machine.claimi(0) >>> 16).isEqualTo(3);
    }

    @Test
    void delegatingAnActiveSourceLowersTheRootsLine() {
        arm(machine, 3, LEVEL1, 0, 1);
        aplic.line(3).raise();
        machine.sourcecfg(3, DELEGATE);
        assertThat(meip0.isHigh()).isFalse();
        arm(supervisor, 3, LEVEL1, 0, 1);
        assertThat(seip0.isHigh()).isTrue();
        machine.sourcecfg(3, 0);
        assertThat(seip0.isHigh()).isFalse();
    }

    @Test
    void anApplicAndAnImsicShareTheHartsInput() {
        RecordingLine seip = new RecordingLine();
        Imsic imsic = Imsic.builder(0x2800_0000L).directDelivery(true).hart(seip).build();
        Aplic direct = Aplic.builder(8).hart(meip0, imsic.directLine(0)).build();
        AplicRegisters root = new AplicRegisters(direct.machine());
        AplicRegisters child = new AplicRegisters(direct.supervisor());
        root.sourcecfg(3, DELEGATE);
        arm(child, 3, LEVEL1, 0, 1);
        child.idelivery(0, 1);
        child.domaincfg(IE);
        direct.line(3).raise();
        assertThat(seip.isHigh()).isTrue();
        imsic.file(0).writeRegister(0x70, 1);
        assertThat(seip.isHigh()).isFalse();
    }

    @Test
    void resetLowersAllLinesAndForgetsAllRegisters() {
        arm(machine, 3, LEVEL1, 0, 1);
        machine.iforce(1, 1);
        aplic.line(3).raise();
        aplic.reset();
        assertThat(meip0.isHigh() || meip1.isHigh()).isFalse();
        assertThat(machine.domaincfg()).isEqualTo(0x8000_0000L);
        assertThat(machine.sourcecfg(3)).isZero();
        machine.sourcecfg(3, LEVEL1);
        assertThat(machine.isPending(3)).isTrue();
    }
}
