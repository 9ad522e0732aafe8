package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.EngineStatistics;
import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.function.Predicate;

/** Making regions, with a JVM that does not compile all of them. */
class RegionMakerTest {
    private static final short HOT = 2_000;

    private final TranslatorCounters counters = new TranslatorCounters();
    private final StandingRegions regions =
            new StandingRegions(Translator.MAX_CLASS_BYTES, HOT, counters);
    private final RegionMaker maker =
            new RegionMaker(
                    new MemoryRegion(Plans.ORIGIN, Arena.ofAuto().allocate(1 << 20, 4096)),
                    false,
                    HOT,
                    regions,
                    counters,
                    region -> this.jvm.test(region));

    private volatile Predicate<Region> jvm = region -> true;

    @AfterEach
    void close() {
        maker.close();
    }

    private static RegionPlan loop() {
        return Plans.of(
                a -> {
                    Label head = a.here();
                    a.addi(5, 5, 1);
                    a.j(head);
                });
    }

    /** Makes a region that is entered in another page, so that no hart has to train it. */
    private CodePage make(int generation) throws ReflectiveOperationException {
        RegionPlan plan = loop();
        CodePage first = plan.pageOf(0);
        maker.make(first, loop().pageOf(0), 0, plan, generation);
        return first;
    }

    private EngineStatistics statistics() {
        return Statistics.of(counters);
    }

    private void await(Predicate<EngineStatistics> reached) throws InterruptedException {
        Statistics.await(counters, reached);
    }

    @Test
    void whatTheJvmCompilesIsEntered() throws Exception {
        CodePage page = make(0);
        await(s -> s.regions() == 1);
        assertThat(page.region(0)).isNotNull();
        assertThat(statistics().notCompiled()).isZero();
    }

    @Test
    void whatTheJvmRefusesIsCountedAndEnteredByNobody() throws Exception {
        jvm = region -> false;
        CodePage page = make(0);
        await(s -> s.notCompiled() == 1);
        jvm = region -> true;
        make(0);
        await(s -> s.regions() == 1);
        await(s -> !isPending(page));
        assertThat(page.region(0)).isNull();
        assertThat(maker.jointBytes()).isEqualTo(Generation.JOINT_BYTES);
    }

    @Test
    void aJointThatTheJvmRefusesMakesTheNextOnesSmaller() throws Exception {
        jvm = region -> false;
        make(Generation.JOINT);
        await(s -> maker.jointBytes() == Generation.JOINT_BYTES / 2);
        make(Generation.LAST_JOINT);
        await(s -> maker.jointBytes() == Generation.MAX_BYTES);
        make(Generation.JOINT);
        await(s -> s.notCompiled() == 3);
        jvm = region -> true;
        make(Generation.JOINT);
        await(s -> s.joined() == 1);
        assertThat(maker.jointBytes()).isEqualTo(Generation.MAX_BYTES);
    }

    @Test
    void anErrorOfTheJvmsIsCountedAndTheNextRegionIsMade() throws Exception {
        jvm =
                region -> {
                    throw new StackOverflowError("by the test");
                };
        CodePage page = make(0);
        await(s -> s.failures() == 1);
        jvm = region -> true;
        make(0);
        await(s -> s.regions() == 1);
        await(s -> !isPending(page));
        assertThat(page.region(0)).isNull();
        assertThat(statistics().notCompiled()).isZero();
    }

    @Test
    void aRefusedBridgeIsCountedAndTheRegionIsLeftAsBefore() throws Exception {
        CodePage page = make(0);
        await(s -> page.region(0) != null);
        Region region = page.region(0);
        assertThat(region).isNotNull();
        jvm = other -> false;
        maker.makeBridge(region, 1, page, 0, loop());
        await(s -> s.notCompiled() == 1);
        jvm = other -> true;
        maker.makeBridge(region, 2, page, 0, loop());
        await(s -> s.regions() == 2);
        assertThat(region.bridge(1)).isNull();
        assertThat(region.bridge(2)).isNotNull();
    }

    private boolean isPending(CodePage page) {
        synchronized (regions) {
            return PageNotes.of(page).pending(page, 0) != null;
        }
    }
}
