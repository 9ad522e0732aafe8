package dev.dalang.riscv;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.internal.core.CodeCache;
import dev.dalang.riscv.internal.core.HartExclusion;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.translator.Translator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the harts of one machine share: its memory, the code decoded from it, and the means to let
 * one of them run alone for a moment. Any thread.
 */
public final class HartGroup implements AutoCloseable {
    private final GuestMemory memory;
    private final EngineKind engine;
    private final CodeCache codeCache;
    private final Translator translator;
    private final HartExclusion exclusion = new HartExclusion();

    private HartGroup(
            GuestMemory memory,
            List<MemoryRegion> fetchable,
            EngineKind engine,
            long maxClassBytes,
            byte[] hotCode) {
        this.memory = memory;
        this.engine = engine;
        this.translator =
                new Translator(
                        Mmu.ramOf(memory),
                        engine == EngineKind.TRANSLATE_AT_ONCE,
                        maxClassBytes,
                        hotCode);
        this.codeCache = new CodeCache(fetchable, translator.hot(), translator::onPage);
    }

    /**
     * A group over a machine's memory, with the engine that {@link #defaultEngine} names.
     *
     * @param memory what loads, stores and fetches reach; its largest region is the fast one
     * @return the group
     */
    public static HartGroup of(GuestMemory memory) {
        return of(memory, List.of(), defaultEngine(), new byte[0]);
    }

    /**
     * A group over a machine's memory and its read-only stores of code.
     *
     * @param memory what loads, stores and fetches reach; its largest region is the fast one
     * @param fetchOnly memory that instructions are fetched from, while loads and stores at the
     *     same addresses go to a device, such as flash
     * @param engine what executes instructions
     * @param hotCode what {@link #hotCode} gave in an earlier run, so that the translator begins
     *     where it ended; nothing, or something damaged, does no harm
     * @return the group
     */
    public static HartGroup of(
            GuestMemory memory, List<MemoryRegion> fetchOnly, EngineKind engine, byte[] hotCode) {
        List<MemoryRegion> fetchable = new ArrayList<>(memory.regions());
        fetchable.addAll(fetchOnly);
        return new HartGroup(memory, fetchable, engine, Translator.MAX_CLASS_BYTES, hotCode);
    }

    /** As {@link #of(GuestMemory)}, with an engine and a limit on the size of all translations. */
    static HartGroup withRoomFor(long classBytes, GuestMemory memory, EngineKind engine) {
        return new HartGroup(memory, memory.regions(), engine, classBytes, new byte[0]);
    }

    /**
     * {@return the engine where none is chosen: the translator, or what the system property {@code
     * dalang.engine} names}
     */
    public static EngineKind defaultEngine() {
        return EngineKind.of(System.getProperty("dalang.engine", "")).orElse(EngineKind.TRANSLATOR);
    }

    /** {@return the memory} */
    public GuestMemory memory() {
        return memory;
    }

    /**
     * {@return what the translator has done; empty if the engine is the interpreter} Any thread.
     */
    public Optional<EngineStatistics> statistics() {
        return engine == EngineKind.INTERPRETER
                ? Optional.empty()
                : Optional.of(translator.counters().statistics(exclusion.interpreted()));
    }

    /**
     * What was hot in this run and in those before, for {@link #of(GuestMemory, List, EngineKind,
     * byte[])} of a later one: which code, by its hash, and in what shapes. At most a few
     * megabytes. Any thread.
     *
     * @return the bytes; empty if the engine is not the translator
     */
    public byte[] hotCode() {
        return engine == EngineKind.TRANSLATOR ? translator.hotCode() : new byte[0];
    }

    /**
     * Ends the threads of the translator; what it made can still be executed. Closing twice is
     * fine. Any thread.
     */
    @Override
    public void close() {
        translator.close();
    }

    /**
     * Says that the machine begins anew. What was decoded and translated of code that the run
     * before this one did not come to is given up; so a guest that reboots again and again holds no
     * more of the host's memory than two of its runs need. Any thread.
     */
    public void begin() {
        codeCache.begin();
        translator.keepOnly(codeCache::holds);
    }

    CodeCache codeCache() {
        return codeCache;
    }

    EngineKind engine() {
        return engine;
    }

    Translator translator() {
        return translator;
    }

    HartExclusion exclusion() {
        return exclusion;
    }
}
