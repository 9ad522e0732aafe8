package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.Test;

import java.util.List;

/** What belongs to a region. */
class RegionPlanTest {
    private static void straight(Assembler a) {
        for (int n = 0; n < 300; n++) {
            a.xori(5, 5, n);
        }
        a.ecall();
    }

    @Test
    void straightCodeBeyondTheLimitIsCut() {
        RegionPlan plan = Plans.of(RegionPlanTest::straight);

        assertThat(plan.cuts).containsExactly(plan.code.lastKey() + 2);
        assertThat(plan.exits).containsAll(plan.cuts);
    }

    @Test
    void whatFollowsACutIsARegionOfItsOwn() {
        RegionPlan first = Plans.of(RegionPlanTest::straight);
        int cut = first.cuts.iterator().next();

        RegionPlan second = Plans.of(RegionPlanTest::straight, List.of(cut), Plans.MANY_BYTES);

        assertThat(second.code.firstKey()).isEqualTo(cut);
        assertThat(second.cuts).isEmpty();
        assertThat(first.code.size() + second.code.size()).isEqualTo(300);
    }

    /** A loop that takes two regions: its head is at slot 2, its branch back at slot 602. */
    private static void longLoop(Assembler a) {
        a.addi(6, 6, 1);
        var head = a.here();
        for (int n = 0; n < 300; n++) {
            a.xori(5, 5, n);
        }
        a.bnez(5, head);
        a.ecall();
    }

    @Test
    void aLongLoopThatIsEnteredInTheMiddleEndsWhereItsHeadIs() {
        RegionPlan plan = Plans.around(RegionPlanTest::longLoop, 402, Plans.MANY_BYTES);

        assertThat(plan.code.firstKey()).isEqualTo(402);
        assertThat(plan.code.lastKey()).isEqualTo(602);
        assertThat(plan.cuts).containsExactly(2);
        assertThat(plan.exits).contains(2);
    }

    @Test
    void aLoopThatFitsIsWholeWhereverItIsEntered() {
        RegionPlan plan = Plans.around(RegionPlanTest::longLoop, 402, 2 * Plans.MANY_BYTES);

        assertThat(plan.code).hasSize(301);
        assertThat(plan.cuts).isEmpty();
        assertThat(plan.entries).contains(2, 402);
    }

    @Test
    void aBridgeIsTheRestOfOneBlock() {
        RegionPlan plan = Plans.bridge(RegionPlanTest::longLoop, 582);

        assertThat(plan.code.firstKey()).isEqualTo(582);
        assertThat(plan.code.lastKey()).isEqualTo(602);
        assertThat(plan.exits).containsExactly(2, 604);
        assertThat(plan.isBridge()).isTrue();
    }

    @Test
    void aBlockThatIsShortIsNotCut() {
        RegionPlan plan =
                Plans.of(
                        a -> {
                            a.addi(5, 5, 1);
                            a.ecall();
                        });

        assertThat(plan.cuts).isEmpty();
    }

    @Test
    void whereStreamsOfCodeMeetABlockBegins() {
        RegionPlan plan =
                Plans.of(
                        a -> {
                            var inside = a.label();
                            a.bnez(7, inside);
                            a.half(0x4337);
                            a.bind(inside);
                            a.half(0x6004);
                            a.addi(5, 5, 1);
                            a.ecall();
                        });

        assertThat(plan.leaders).containsExactly(0, 2, 3, 4);
    }
}
