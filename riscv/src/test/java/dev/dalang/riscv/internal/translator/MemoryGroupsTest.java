package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Which accesses share a look at the TLB. Slots are half-words: an instruction takes two. */
class MemoryGroupsTest {
    /** The slots of each access's group leader, in the order of the code; -1 if it stands alone. */
    private static List<Integer> leaders(Consumer<Assembler> program) {
        return leaders(Plans.of(program));
    }

    private static List<Integer> leaders(RegionPlan plan) {
        MemoryGroups groups = MemoryGroups.of(plan);
        List<Integer> leaders = new ArrayList<>();
        plan.code.forEach(
                (slot, i) -> {
                    if (RegionPlan.isMemory((int) (long) i & 0xfff)) {
                        MemoryGroups.Group group = groups.at(slot);
                        leaders.add(group == null ? -1 : group.first);
                    }
                });
        return leaders;
    }

    private static MemoryGroups.Group first(Consumer<Assembler> program) {
        MemoryGroups.Group group = MemoryGroups.of(Plans.of(program)).at(0);
        if (group == null) {
            throw new AssertionError("the first access stands alone");
        }
        return group;
    }

    @Test
    void accessesOffOneBaseShareALook() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 8, 8);
                                    a.sw(6, 16, 8);
                                }))
                .containsExactly(0, 0, 0);
    }

    @Test
    void anAccessWithoutAnotherStandsAlone() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 0, 9);
                                }))
                .containsExactly(-1, -1);
    }

    @Test
    void basesDoNotMix() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 0, 9);
                                    a.ld(5, 8, 8);
                                    a.ld(6, 8, 9);
                                }))
                .containsExactly(0, 2, 0, 2);
    }

    @Test
    void aWriteToTheBaseEndsItsGroupAlone() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 0, 9);
                                    a.addi(8, 8, 8);
                                    a.ld(5, 8, 8);
                                    a.ld(6, 8, 9);
                                    a.ld(5, 16, 8);
                                }))
                .containsExactly(-1, 2, 6, 2, 6);
    }

    @Test
    void aLoadIntoItsBaseIsTheLastOfItsGroup() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 8, 8);
                                    a.ld(8, 0, 8);
                                    a.ld(5, 8, 8);
                                    a.ld(5, 16, 8);
                                }))
                .containsExactly(0, 0, 4, 4);
    }

    @Test
    void aStoreOfItsBaseAndAFloatLoadOfItsNumberEndNothing() {
        assertThat(
                        leaders(
                                a -> {
                                    a.sd(8, 0, 8);
                                    a.fld(8, 8, 8);
                                    a.fsd(8, 16, 8);
                                    a.ld(5, 24, 8);
                                }))
                .containsExactly(0, 0, 0, 0);
    }

    @Test
    void aCsrEndsAllGroups() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 0, 9);
                                    a.csrr(7, 0x100);
                                    a.ld(5, 8, 8);
                                    a.ld(6, 8, 9);
                                }))
                .containsExactly(-1, -1, -1, -1);
    }

    @Test
    void aBlockEndsAllGroups() {
        assertThat(
                        leaders(
                                a -> {
                                    Label over = a.label();
                                    a.ld(5, 0, 8);
                                    a.beqz(5, over);
                                    a.ld(5, 8, 8);
                                    a.bind(over);
                                    a.ld(5, 16, 8);
                                }))
                .containsExactly(-1, -1, -1);
    }

    @Test
    void offsetsThatCannotAllBeAlignedAtOnceMix() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 4, 8);
                                    a.ld(7, 12, 8);
                                }))
                .containsExactly(0, 0, 0);
    }

    @Test
    void aGroupDoesNotReachFarther() {
        assertThat(
                        leaders(
                                a -> {
                                    a.ld(5, 0, 8);
                                    a.ld(6, 248, 8);
                                    a.ld(7, 256, 8);
                                }))
                .containsExactly(0, 0, -1);
    }

    @Test
    void theLookIsForAllFromTheLowestByteToTheHighest() {
        MemoryGroups.Group group =
                first(
                        a -> {
                            a.lbu(5, 3, 8);
                            a.lw(6, 20, 8);
                            a.ld(7, 8, 8);
                        });

        assertThat(group.low()).isEqualTo(3);
        assertThat(group.span()).isEqualTo(21);
        assertThat(group.writes()).isFalse();
    }

    @Test
    void theLowestByteMayLieBeforeTheBase() {
        MemoryGroups.Group group =
                first(
                        a -> {
                            a.sb(5, -3, 8);
                            a.ld(7, 0, 8);
                        });

        assertThat(group.low()).isEqualTo(-3);
        assertThat(group.span()).isEqualTo(11);
        assertThat(group.writes()).isTrue();
    }

    @Test
    void oneStoreMakesItALookForWriting() {
        assertThat(
                        first(
                                        a -> {
                                            a.ld(5, 0, 8);
                                            a.ld(6, 8, 8);
                                            a.sb(6, 16, 8);
                                        })
                                .writes())
                .isTrue();
    }

    @Test
    void aGroupEndsWhereItsPageWasSeenToEnd() {
        RegionPlan plan =
                Plans.withPageEnd(
                        a -> {
                            a.ld(5, 0, 8);
                            a.ld(6, 24, 8);
                            a.ld(7, 8, 8);
                            a.ld(5, 16, 8);
                            a.ld(6, 32, 8);
                        },
                        Set.of(0),
                        16);

        // One look for 0, one for 24, and then each where it lies on the page of the last.
        assertThat(leaders(plan)).containsExactly(-1, -1, -1, 6, 6);
    }

    @Test
    void allGroupsOffTheBaseEndThere() {
        RegionPlan plan =
                Plans.withPageEnd(
                        a -> {
                            a.ld(5, 0, 8);
                            a.ld(6, 8, 8);
                            a.csrr(7, 0x140);
                            a.ld(5, -8, 8);
                            a.ld(6, 0, 8);
                            a.ld(6, -16, 8);
                            a.ld(6, -24, 8);
                            a.ld(6, 8, 9);
                            a.ld(6, -8, 9);
                        },
                        Set.of(0),
                        4096 - 8);

        assertThat(leaders(plan)).containsExactly(0, 0, 6, 6, 10, 10, 14, 14);
    }

    @Test
    void streamsThatOverlapHaveGroupsOfTheirOwn() {
        // Slot 4 holds LUI x6, whose upper half at slot 5 is C.LD x9, 0(x8).
        List<Integer> leaders =
                leaders(
                        a -> {
                            Label inside = a.label();
                            a.bnez(7, inside);
                            a.addi(8, 8, 64);
                            a.half(0x4337);
                            a.bind(inside);
                            a.half(0x6004);
                            a.ld(5, 8, 8);
                            a.ld(5, 16, 8);
                        });

        assertThat(leaders).containsExactly(-1, 6, 6);
    }
}
