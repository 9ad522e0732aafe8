package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.EngineStatistics;
import dev.dalang.riscv.internal.core.CodePage;
import dev.dalang.riscv.internal.core.CodePages;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Region;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** What goes wrong around a translation, and what comes of it. */
class TranslatorFailureTest {
    private final Translator translator =
            new Translator(
                    new MemoryRegion(Plans.ORIGIN, Arena.ofAuto().allocate(1 << 20, 4096)),
                    false,
                    Translator.MAX_CLASS_BYTES,
                    new byte[0],
                    _ -> true); // the JVM's own compiler takes its time

    @AfterEach
    void close() {
        translator.close();
    }

    private static CodePage executed(Consumer<Assembler> program) {
        byte[] bytes = Assembler.assemble(Plans.ORIGIN, program);
        CodePage page = CodePages.of(Plans.ORIGIN, bytes);
        for (int slot = 0; slot < bytes.length / 2; slot += 2) {
            page.decode(slot);
        }
        return page;
    }

    private static void loop(Assembler a) {
        Label head = a.here();
        a.addi(5, 5, 1);
        a.j(head);
    }

    /** Asks for the beginning of a page as a hart does that finds it hot. */
    private void request(CodePage page, long[] fetchTag, @Nullable CodePage[] fetchPage) {
        for (int n = 0; n < Candidates.WORTH; n++) {
            translator.request(page, 0, Plans.ORIGIN, fetchTag, fetchPage);
        }
    }

    private void request(CodePage page) {
        request(page, new long[Mmu.FETCH_ENTRIES], new CodePage[Mmu.FETCH_ENTRIES]);
    }

    private EngineStatistics statistics() {
        return Statistics.of(translator.counters());
    }

    private void await(Predicate<EngineStatistics> reached) throws InterruptedException {
        Statistics.await(translator.counters(), reached);
    }

    @Test
    void isCountedAndOtherCodeIsTranslatedAsEver() throws InterruptedException {
        CodePage leaving = executed(a -> a.jal(0, 4096));
        // There is no room for the page that the jump goes to, which no hart has.
        request(leaving, new long[0], new CodePage[0]);
        await(s -> s.failures() == 1);
        assertThat(leaving.region(0)).isNull();

        CodePage looping = executed(TranslatorFailureTest::loop);
        request(looping);
        await(s -> looping.region(0) != null);
        assertThat(statistics().failures()).isEqualTo(1);
    }

    @Test
    void aRegionThatAHartHasUndoneByCountingIsEnteredAgain() throws InterruptedException {
        CodePage looping = executed(TranslatorFailureTest::loop);
        request(looping);
        await(s -> looping.region(0) != null);
        // That was in training, which now has no end of its own.
        looping.countdown[0] = 5;
        await(
                s -> {
                    request(looping);
                    return s.regions() == 1;
                });
        Region made = looping.region(0);
        assertThat(made).isNotNull();

        looping.countdown[0] = 5;
        request(looping);
        await(s -> looping.region(0) != null);

        assertThat(looping.region(0)).isSameAs(made);
        assertThat(statistics().regions()).isEqualTo(1);
    }
}
