package dev.dalang.riscv.internal.core;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.HartTraps;
import dev.dalang.riscv.internal.decode.Decoder;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;

/**
 * The memory path of one hart: software TLBs in front of {@link PageWalker}, RAM, and devices.
 *
 * <p>An engine looks into a {@link Tlb} with {@code address & tagMask(size)}, so that a misaligned
 * access misses and comes here. There is one pair of TLBs for each context (U, S, S with SUM, M),
 * so that a system call flushes nothing.
 *
 * <p>Everything belongs to the hart's thread.
 */
public final class Mmu {
    /** Entries of a fetch TLB. */
    public static final int FETCH_ENTRIES = 512;

    public static final int FETCH_MASK = FETCH_ENTRIES - 1;

    /** Leaves the address of a page. */
    public static final long PAGE_MASK = -4096L;

    public static final VarHandle SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    public static final VarHandle INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    public static final VarHandle LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    public static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle();

    private static final int CONTEXTS = 4;
    private static final int CONTEXT_SUM = 2;

    private static final int SUPERPAGE_FILTER_BITS = 1024;

    private final HartCore core;
    private final Pmp pmp;
    private final PageWalker walker;
    private final GuestMemory memory;

    /** The largest region of memory: the one that the TLBs serve. */
    private final MemorySegment ram;

    private final long ramBase;
    private final long ramSize;
    private final GuestIo io;
    private final CodeCache codeCache;

    private final long[][] readTlbs = new long[CONTEXTS][];
    private final long[][] writeTlbs = new long[CONTEXTS][];

    /** How often each TLB was filled since it was empty. */
    private final int[] readFills = new int[CONTEXTS];

    private final int[] writeFills = new int[CONTEXTS];
    private final long[][] fetchTags = new long[CONTEXTS][];

    /** Whether there is something in a fetch TLB. */
    private final boolean[] fetched = new boolean[CONTEXTS];

    private final @Nullable CodePage[][] fetchPages = new CodePage[CONTEXTS][];

    /** The TLBs of the present data context, and of the present fetch context. */
    public long[] readTlb;

    public long[] writeTlb;
    public long[] fetchTag;
    public @Nullable CodePage[] fetchPage;

    private int dataContext;
    private int dataPrivilege;

    /**
     * 2 MiB pieces of the address space that have entries made from superpages, or from runs of
     * pages (a Bloom filter).
     */
    private final long[] superpages = new long[SUPERPAGE_FILTER_BITS / 64];

    private boolean hugeSuperpages;

    /** See {@link #takePartialFetch}. */
    private boolean partialFetch;

    /** Result of the last successful {@link #translate}. */
    private long physical;

    /**
     * What stops the hart for a debugger. A page with one of these has no entry in the TLB that
     * would hide it, so that accesses to it come to {@link #translate}; without any, nothing is
     * asked but here.
     */
    private @Nullable HartTraps traps;

    /** Kinds of access whose traps are passed over. */
    private int trapsIgnored;

    public long tlbFills;
    public long deviceAccesses;

    public Mmu(HartCore core, Pmp pmp, GuestMemory memory, GuestIo io, CodeCache codeCache) {
        MemoryRegion largest = ramOf(memory);
        this.core = core;
        this.pmp = pmp;
        this.memory = memory;
        this.ram = largest.segment();
        this.ramBase = largest.base();
        this.ramSize = largest.size();
        this.io = io;
        this.codeCache = codeCache;
        this.walker = new PageWalker(core, pmp, ram, ramBase);
        for (int i = 0; i < CONTEXTS; i++) {
            readTlbs[i] = Tlb.empty();
            writeTlbs[i] = Tlb.empty();
            fetchTags[i] = new long[FETCH_ENTRIES];
            fetchPages[i] = new CodePage[FETCH_ENTRIES];
        }
        readTlb = readTlbs[0];
        writeTlb = writeTlbs[0];
        fetchTag = fetchTags[0];
        fetchPage = fetchPages[0];
        flushAll();
    }

    /** The region of memory that the TLBs serve: the largest. */
    public static MemoryRegion ramOf(GuestMemory memory) {
        return memory.regions().stream()
                .max(Comparator.comparingLong(MemoryRegion::size))
                .orElseThrow(() -> new IllegalArgumentException("guest memory is empty"));
    }

    public MemorySegment ram() {
        return ram;
    }

    public long ramBase() {
        return ramBase;
    }

    // ---- contexts and flushes -----------------------------------------------------------------

    /** Selects the TLBs for the present privilege, MPRV, MPP and SUM. */
    void contextChanged() {
        int privilege = core.privilege;
        fetchTag = fetchTags[privilege];
        fetchPage = fetchPages[privilege];
        if (privilege == HartCore.MACHINE && (core.mstatus & MSTATUS_MPRV) != 0) {
            privilege = (int) (core.mstatus >>> MSTATUS_MPP_SHIFT) & 3;
        }
        dataPrivilege = privilege;
        dataContext =
                privilege == HartCore.SUPERVISOR && (core.mstatus & MSTATUS_SUM) != 0
                        ? CONTEXT_SUM
                        : privilege;
        readTlb = readTlbs[dataContext];
        writeTlb = writeTlbs[dataContext];
    }

    /** Drops all translations. */
    public void flushAll() {
        for (int i = 0; i < CONTEXTS; i++) {
            readTlbs[i] = Tlb.flushed(readTlbs[i], readFills[i]);
            writeTlbs[i] = Tlb.flushed(writeTlbs[i], writeFills[i]);
            readFills[i] = writeFills[i] = 0;
        }
        readTlb = readTlbs[dataContext];
        writeTlb = writeTlbs[dataContext];
        flushFetch();
        Arrays.fill(superpages, 0);
        hugeSuperpages = false;
    }

    /** Drops the translations that serve instruction fetch (FENCE.I). */
    public void flushFetch() {
        for (int i = 0; i < CONTEXTS; i++) {
            if (fetched[i]) {
                fetched[i] = false;
                Arrays.fill(fetchTags[i], Tlb.INVALID_TAG);
                Arrays.fill(fetchPages[i], null);
            }
        }
    }

    /** FENCE.I: from here on, fetch sees all stores that this hart sees. */
    public void fenceI() {
        codeCache.fence();
        flushFetch();
    }

    /** Drops the translations of one page, and of the whole superpage if it lies in one. */
    public void flushPage(long address) {
        int filterBit = filterBit(address);
        if (hugeSuperpages || (superpages[filterBit >>> 6] & 1L << filterBit) != 0) {
            flushAll();
            return;
        }
        long page = address & PAGE_MASK;
        int fetchIndex = (int) (address >>> 12) & FETCH_MASK;
        for (int i = 0; i < CONTEXTS; i++) {
            Tlb.flushPage(readTlbs[i], address);
            Tlb.flushPage(writeTlbs[i], address);
            if (fetchTags[i][fetchIndex] == page) {
                fetchTags[i][fetchIndex] = Tlb.INVALID_TAG;
                fetchPages[i][fetchIndex] = null;
            }
        }
    }

    private static int filterBit(long address) {
        long piece = address >>> 21;
        return (int) (piece ^ piece >>> 10 ^ piece >>> 20) & SUPERPAGE_FILTER_BITS - 1;
    }

    // ---- translation --------------------------------------------------------------------------

    /** True if {@code size} bytes at this physical address are RAM. */
    private boolean isRam(long address, int size) {
        long offset = address - ramBase;
        return offset >= 0 && offset <= ramSize - size;
    }

    /**
     * Translates and checks an access that lies inside one page; the result is in {@link
     * #physical}.
     *
     * @return false if an exception was raised
     */
    private boolean translate(long address, int size, int kind, int privilege) {
        if (traps != null && isTrapped(traps, address, size, kind)) {
            core.raiseDebuggerTrap(kind, address);
            return false;
        }
        if (privilege == HartCore.MACHINE || core.satp >>> 60 == 0) {
            physical = address;
        } else if (walker.walk(address, kind, privilege)) {
            physical = walker.physical();
            if (walker.level() > 0 || walker.isRun()) {
                if (walker.level() > 1) {
                    hugeSuperpages = true;
                }
                int bit = filterBit(address);
                superpages[bit >>> 6] |= 1L << bit;
            }
        } else {
            core.raise(walker.accessFault() ? accessFault(kind) : pageFault(kind), address);
            return false;
        }
        if (!pmp.allows(physical, size, kind, privilege)) {
            core.raise(accessFault(kind), address);
            return false;
        }
        return true;
    }

    /** Sets what stops the hart for a debugger; null for nothing. */
    public void setTraps(@Nullable HartTraps newTraps) {
        traps = newTraps;
        core.debugged = newTraps != null;
        flushAll();
    }

    /**
     * Which traps are passed over, for the one instruction that a debugger steps.
     *
     * @param kinds of access, as {@link Pmp} has them; 0 for none
     */
    public void ignoreTraps(int kinds) {
        trapsIgnored = kinds;
    }

    private boolean isTrapped(HartTraps set, long address, int size, int kind) {
        return (trapsIgnored & kind) == 0
                && (kind == Pmp.EXECUTE
                        ? address == core.pc && set.breaksAt(address)
                        : set.watches(address, size, kind == Pmp.WRITE));
    }

    /**
     * Checks an access that lies inside one page without making it.
     *
     * @param kind {@link Pmp#READ} or {@link Pmp#WRITE}
     * @return false if an exception was raised
     */
    public boolean check(long address, int size, int kind) {
        long[] tlb = kind == Pmp.READ ? readTlb : writeTlb;
        return Tlb.hits(tlb, address, 1) || translate(address, size, kind, dataPrivilege);
    }

    private static int pageFault(int kind) {
        return kind == Pmp.READ
                ? LOAD_PAGE_FAULT
                : kind == Pmp.WRITE ? STORE_PAGE_FAULT : INSTRUCTION_PAGE_FAULT;
    }

    private static int accessFault(int kind) {
        return kind == Pmp.READ
                ? LOAD_ACCESS_FAULT
                : kind == Pmp.WRITE ? STORE_ACCESS_FAULT : INSTRUCTION_ACCESS_FAULT;
    }

    private void fill(long[] tlb, long address) {
        long page = physical & PAGE_MASK;
        if (traps != null && traps.watchesIn(address & PAGE_MASK)) {
            return;
        }
        if (isRam(page, 4096) && pmp.isUniform(page, dataPrivilege)) {
            Tlb.fill(tlb, address, physical - ramBase);
            tlbFills++;
            countFill(tlb);
        }
    }

    /** Takes a larger TLB, empty as yet, for one whose pages keep displacing each other. */
    private void countFill(long[] tlb) {
        boolean isRead = tlb == readTlb;
        int[] fills = isRead ? readFills : writeFills;
        long[] grown = Tlb.grown(tlb, ++fills[dataContext]);
        if (grown != tlb) {
            fills[dataContext] = 0;
            (isRead ? readTlbs : writeTlbs)[dataContext] = grown;
            readTlb = readTlbs[dataContext];
            writeTlb = writeTlbs[dataContext];
        }
    }

    // ---- loads --------------------------------------------------------------------------------

    /** A load, zero-extended: the fast path for engines that do not inline it. */
    public long load(long address, int size) {
        if (Tlb.hits(readTlb, address, size)) {
            return ramRead(Tlb.offset(readTlb, address), size);
        }
        return loadSlow(address, size);
    }

    /**
     * A load that missed the TLB; zero-extended. If {@code core.trapCause} is set afterwards, the
     * value means nothing.
     */
    public long loadSlow(long address, int size) {
        int inPage = (int) address & 4095;
        if (inPage + size > 4096) {
            return loadAcross(address, size);
        }
        if (!translate(address, size, Pmp.READ, dataPrivilege)) {
            return 0;
        }
        if (isRam(physical, size)) {
            fill(readTlb, address);
            return ramRead(physical - ramBase, size);
        }
        return otherLoad(physical, size);
    }

    private long loadAcross(long address, int size) {
        int firstSize = 4096 - ((int) address & 4095);
        long second = (address | 4095) + 1;
        if (!translate(address, firstSize, Pmp.READ, dataPrivilege)) {
            return 0;
        }
        long firstPhysical = physical;
        if (!translate(second, size - firstSize, Pmp.READ, dataPrivilege)) {
            return 0;
        }
        long secondPhysical = physical;
        long value = 0;
        for (int i = 0; i < size; i++) {
            long at = i < firstSize ? firstPhysical + i : secondPhysical + i - firstSize;
            value |= otherLoad(at, 1) << 8 * i;
        }
        return value;
    }

    /** A load by physical address that no TLB entry serves: other memory, or a device. */
    private long otherLoad(long address, int size) {
        if (memory.contains(address, size)) {
            return switch (size) {
                case 1 -> memory.readByte(address) & 0xFFL;
                case 2 -> memory.readShort(address) & 0xFFFFL;
                case 4 -> memory.readInt(address) & 0xFFFF_FFFFL;
                default -> memory.readLong(address);
            };
        }
        deviceAccesses++;
        if ((address & size - 1) == 0) {
            return io.load(address, size);
        }
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (io.load(address + i, 1) & 0xFF) << 8 * i;
        }
        return value;
    }

    private long ramRead(long offset, int size) {
        return switch (size) {
            case 1 -> (byte) BYTE.get(ram, offset) & 0xFFL;
            case 2 -> (short) SHORT.get(ram, offset) & 0xFFFFL;
            case 4 -> (int) INT.get(ram, offset) & 0xFFFF_FFFFL;
            default -> (long) LONG.get(ram, offset);
        };
    }

    // ---- stores -------------------------------------------------------------------------------

    /** A store: the fast path for engines that do not inline it. */
    public void store(long address, int size, long value) {
        if (Tlb.hits(writeTlb, address, size)) {
            ramWrite(Tlb.offset(writeTlb, address), size, value);
        } else {
            storeSlow(address, size, value);
        }
    }

    /**
     * A store that missed the TLB. Nothing is written if {@code core.trapCause} is set afterwards.
     */
    public void storeSlow(long address, int size, long value) {
        int inPage = (int) address & 4095;
        if (inPage + size > 4096) {
            storeAcross(address, size, value);
            return;
        }
        if (!translate(address, size, Pmp.WRITE, dataPrivilege)) {
            return;
        }
        physicalStore(address, size, value);
    }

    /** Stores to {@link #physical}, and makes a TLB entry if nobody wants to hear of the store. */
    private void physicalStore(long address, int size, long value) {
        if (!isRam(physical, size)) {
            otherStore(physical, size, value);
        } else if (memory.wantsWriteReport(physical & PAGE_MASK)) {
            ramWrite(physical - ramBase, size, value);
            memory.written(physical, size);
        } else {
            fill(writeTlb, address);
            ramWrite(physical - ramBase, size, value);
        }
    }

    private void storeAcross(long address, int size, long value) {
        int firstSize = 4096 - ((int) address & 4095);
        long second = (address | 4095) + 1;
        if (!translate(address, firstSize, Pmp.WRITE, dataPrivilege)) {
            return;
        }
        long firstPhysical = physical;
        if (!translate(second, size - firstSize, Pmp.WRITE, dataPrivilege)) {
            return;
        }
        long secondPhysical = physical;
        for (int i = 0; i < size; i++) {
            long at = i < firstSize ? firstPhysical + i : secondPhysical + i - firstSize;
            otherStore(at, 1, value >>> 8 * i & 0xFF);
        }
    }

    /** A store by physical address that no TLB entry serves: other memory, or a device. */
    private void otherStore(long address, int size, long value) {
        if (memory.isWritable(address, size)) {
            switch (size) {
                case 1 -> memory.writeByte(address, (byte) value);
                case 2 -> memory.writeShort(address, (short) value);
                case 4 -> memory.writeInt(address, (int) value);
                default -> memory.writeLong(address, value);
            }
        } else if ((address & size - 1) == 0) {
            deviceAccesses++;
            io.store(address, size, size == 8 ? value : value & (1L << 8 * size) - 1);
        } else {
            deviceAccesses++;
            for (int i = 0; i < size; i++) {
                io.store(address + i, 1, value >>> 8 * i & 0xFF);
            }
        }
    }

    private void ramWrite(long offset, int size, long value) {
        switch (size) {
            case 1 -> BYTE.set(ram, offset, (byte) value);
            case 2 -> SHORT.set(ram, offset, (short) value);
            case 4 -> INT.set(ram, offset, (int) value);
            default -> LONG.set(ram, offset, value);
        }
    }

    // ---- atomics, cache-block operations, fetch -------------------------------------------------

    /**
     * The offset in RAM of an address that stores have reached before, and of all that follow in
     * its page; -1 if a store has to look further.
     */
    public long writableOffset(long address) {
        return Tlb.hits(writeTlb, address, 1) ? Tlb.offset(writeTlb, address) : -1;
    }

    /**
     * The offset in RAM of an aligned access that an atomic makes, or -1 if an exception was
     * raised. Atomics exist for main memory only (Ziccamoa); elsewhere they are access faults.
     *
     * @param kind {@link Pmp#READ} for LR, else {@link Pmp#WRITE}, which implies both
     */
    public long atomicOffset(long address, int size, int kind) {
        boolean read = kind == Pmp.READ;
        if ((address & size - 1) != 0) {
            core.raise(read ? LOAD_ADDRESS_MISALIGNED : STORE_ADDRESS_MISALIGNED, address);
            return -1;
        }
        long[] tlb = read ? readTlb : writeTlb;
        if (Tlb.hits(tlb, address, 1)) {
            return Tlb.offset(tlb, address);
        }
        if (!translate(address, size, kind, dataPrivilege)) {
            return -1;
        }
        if (!isRam(physical, size)) {
            core.raise(accessFault(kind), address);
            return -1;
        }
        if (read || !memory.wantsWriteReport(physical & PAGE_MASK)) {
            fill(tlb, address);
        } else {
            memory.written(physical, size);
        }
        return physical - ramBase;
    }

    /**
     * The decoded page that holds {@code address}, for the present mode.
     *
     * @return null if an exception was raised
     */
    public @Nullable CodePage fetch(long address) {
        CodePage hit = pageAtHand(address);
        return hit != null ? hit : fetchSlow(address);
    }

    /**
     * The decoded page that holds {@code address}, as far as the fetch TLB knows: all of it may be
     * executed, and nothing in it stops for a debugger.
     */
    public @Nullable CodePage pageAtHand(long address) {
        int index = (int) (address >>> 12) & FETCH_MASK;
        return fetchTag[index] == (address & PAGE_MASK) ? fetchPage[index] : null;
    }

    private @Nullable CodePage fetchSlow(long address) {
        int privilege = core.privilege;
        if (!translate(address, 2, Pmp.EXECUTE, privilege)) {
            return null;
        }
        long page = physical & PAGE_MASK;
        CodePage code = codeCache.page(page);
        if (code == null) {
            core.raise(INSTRUCTION_ACCESS_FAULT, address);
            return null;
        }
        boolean hasBreakpoint = traps != null && traps.breaksIn(address & PAGE_MASK);
        if (pmp.isUniform(page, privilege) && !hasBreakpoint) {
            int index = (int) (address >>> 12) & FETCH_MASK;
            fetchTag[index] = address & PAGE_MASK;
            fetchPage[index] = code;
            fetched[privilege] = true;
            partialFetch = false;
        } else {
            partialFetch = true;
            int slot = (int) (address & 4095) >>> 1;
            if (slot < CodePage.SLOTS - 1
                    && Decoder.isLong(code.half(slot))
                    && !pmp.allows(physical + 2, 2, Pmp.EXECUTE, privilege)) {
                core.raise(INSTRUCTION_ACCESS_FAULT, address + 2);
                return null;
            }
        }
        return code;
    }

    /**
     * Whether the last fetch was from a page of which PMP may forbid another part, or which has a
     * breakpoint, so that each instruction in it has to be fetched on its own. Asking makes it
     * forgotten.
     */
    public boolean takePartialFetch() {
        boolean partial = partialFetch;
        partialFetch = false;
        return partial;
    }

    /** What {@link #takePartialFetch} would say. */
    public boolean isPartialFetch() {
        return partialFetch;
    }

    /** The encoding of the instruction at {@code pc}, which has just been fetched, for mtval. */
    public long instructionBits(long pc, boolean isLong) {
        CodePage page = fetch(pc);
        if (page == null) {
            return 0;
        }
        int slot = (int) (pc & 4095) >>> 1;
        long bits = page.half(slot);
        if (isLong) {
            CodePage next = slot < CodePage.SLOTS - 1 ? page : fetch(pc + 2);
            bits |= next == null ? 0 : (long) next.half(slot + 1 & CodePage.SLOTS - 1) << 16;
        }
        return bits;
    }

    /**
     * Translates as a load of the present mode would, with no effect on the guest; -1 if it faults.
     */
    public long probe(long address) {
        long physicalAddress =
                dataPrivilege == HartCore.MACHINE || core.satp >>> 60 == 0
                        ? address
                        : walker.probe(address) ? walker.physical() : -1;
        return physicalAddress;
    }
}
