package dev.dalang.riscv.internal.translator;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import jdk.jfr.Unsigned;

/** What Flight Recorder shows of a region that is there for the harts, or is dropped. */
@Category({"Dalang", "Translator"})
@StackTrace(false)
abstract class RegionEvent extends Event {
    @Label("Page")
    @Description("Guest physical address of the region's first page")
    @Unsigned
    long page;

    @Label("Instructions")
    int instructions;

    @Label("Class Size")
    @DataAmount
    int bytes;

    @Label("Generation")
    @Description("How often the region was made anew, larger")
    int generation;

    final void describe(Made made) {
        page = made.page().address();
        instructions = made.region().instructions();
        bytes = made.bytes();
        generation = made.generation();
    }

    /** A region was translated and compiled. */
    @Name("dev.dalang.RegionTranslated")
    @Label("Region Translated")
    static final class Translated extends RegionEvent {
        @Label("Waited for the JVM's Compiler")
        @Timespan
        long compiling;
    }

    /** A region was dropped to make room. */
    @Name("dev.dalang.RegionEvicted")
    @Label("Region Evicted")
    static final class Evicted extends RegionEvent {}
}
