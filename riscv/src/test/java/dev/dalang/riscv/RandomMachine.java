package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/**
 * Harts in a random state before a program of random instructions. Two of the same seed are the
 * same.
 */
final class RandomMachine {
    private static final long HANDLER = RAM + 0x8000;
    private static final int TABLES_END = 2 << 20;
    private static final long ROOT = RAM + TABLES_END - 0x1000;

    /** Tables of an address space in which the program's two pages have changed places. */
    private static final long SWAPPED = RAM + TABLES_END - 0x4000;

    private static final List<PrivilegeMode> MODES = List.of(PrivilegeMode.values());

    final GuestMemory memory;
    final HartGroup group;
    final List<Hart> harts = new ArrayList<>();

    /** The first one. */
    final Hart hart;

    /** With padding, which nobody may write to. */
    private final MemorySegment ram;

    /** One hart before a wild program. */
    RandomMachine(long seed, EngineKind engine, long maxInstructions) {
        this(seed, memory -> HartGroup.of(memory, List.of(), engine, new byte[0]), maxInstructions);
    }

    /** As above, with a group of one's own. */
    RandomMachine(long seed, Function<GuestMemory, HartGroup> grouping, long maxInstructions) {
        this(seed, RandomProgram.WILD, 1, grouping, maxInstructions);
    }

    RandomMachine(
            long seed,
            RandomProgram shape,
            int hartCount,
            Function<GuestMemory, HartGroup> grouping,
            long maxInstructions) {
        // Of every other machine, RAM is of a size that is not a power of two.
        int bytes = TABLES_END + (seed % 2 == 0 ? 0x3000 : 0);
        ram = Arena.ofAuto().allocate(bytes + MemoryRegion.PADDING, 4096);
        memory = GuestMemory.of(MemoryRegion.padded(RAM, ram, Optional.empty()));
        group = grouping.apply(memory);
        Random random = new Random(seed);
        memory.copyIn(RAM, shape.code(random));
        memory.copyIn(HANDLER, shape.handler(HANDLER));
        for (int id = 0; id < hartCount; id++) {
            Hart next =
                    Hart.builder(id)
                            .group(group)
                            .io(new Noise())
                            .clock(new ManualVirtualClock())
                            .maxInstructions(maxInstructions)
                            .onTrapLoop(Hart::stop)
                            .build();
            prepare(next, random);
            harts.add(next);
        }
        hart = harts.getFirst();
    }

    private void prepare(Hart hart, Random random) {
        hart.reset(RAM);
        hart.fenceInstructions();
        for (int n = 1; n < 32; n++) {
            hart.setRegister(n, Operand.random(random));
            hart.setFpRegister(n, random.nextLong());
        }
        // Four registers point to data, and are what loads and stores are made with.
        for (int n = 8; n < 12; n++) {
            hart.setRegister(n, DATA + 0x1000L * n + random.nextInt(64));
        }
        if (random.nextBoolean()) {
            // Sv39 with RAM where it is, for the supervisor or the user.
            long flags = random.nextBoolean() ? PageTables.ALL : PageTables.ALL | PageTables.U;
            memory.writeLong(ROOT + 16, PageTables.leaf(RAM, flags));
            hart.setCsr(Csr.SATP, 8L << 60 | ROOT >>> 12);
        }
        hart.setCsr(Csr.MTVEC, HANDLER);
        hart.setCsr(Csr.PMPADDR0, -1);
        hart.setCsr(Csr.PMPCFG0, 0x1f);
        hart.setCsr(Csr.MSTATUS, Csr.MSTATUS_FS | random.nextInt(2) * Csr.MSTATUS_MPP_S);
        hart.setCsr(Csr.MENVCFG, random.nextLong());
        hart.setCsr(Csr.MCOUNTEREN, random.nextInt());
        hart.setPrivilege(MODES.get(random.nextInt(MODES.size())));
    }

    /**
     * Puts back where traps go to. Whoever jumps into the middle of an instruction, or stores one,
     * may write {@code mtvec} or {@code medeleg} after all, and from then on do nothing but trap.
     */
    void leaveTrapLoop(Hart hart) {
        hart.setCsr(Csr.MTVEC, HANDLER);
        hart.setCsr(Csr.MEDELEG, 0);
    }

    /** Changes the address space: bare, or Sv39 with RAM where it is, or with pages swapped. */
    void enterAddressSpace(Hart hart, int choice) {
        long root = ROOT;
        if (choice >= 2) {
            root = SWAPPED;
            long pages = SWAPPED + 0x2000;
            memory.writeLong(SWAPPED + 16, SWAPPED + 0x1000 >>> 12 << 10 | PageTables.V);
            memory.writeLong(SWAPPED + 0x1000, pages >>> 12 << 10 | PageTables.V);
            long user = choice == 2 ? 0 : PageTables.U;
            for (int page = 0; page < 512; page++) {
                int target = page < 2 ? 1 - page : page;
                memory.writeLong(
                        pages + 8L * page,
                        PageTables.leaf(RAM + 0x1000L * target, rights(page) | user));
            }
        }
        hart.setCsr(Csr.SATP, choice == 0 ? 0 : 8L << 60 | root >>> 12);
        // The tables are of all harts. A TLB may know the old ones until it is flushed, and one
        // engine looks into it where the other has no need to.
        harts.forEach(Hart::flushTlb);
    }

    /** Makes a state in which the program gets on: most of it can be executed without a trap. */
    void settle(Hart hart, int choice) {
        enterAddressSpace(hart, choice == 1 ? 0 : choice);
        hart.setPrivilege(
                switch (choice) {
                    case 1 -> PrivilegeMode.M;
                    case 3 -> PrivilegeMode.U;
                    default -> PrivilegeMode.S;
                });
        long mstatus = hart.csr(Csr.MSTATUS) & ~Csr.MSTATUS_MPRV;
        hart.setCsr(Csr.MSTATUS, mstatus | Csr.MSTATUS_FS | Csr.MSTATUS_SUM);
        for (int n = 8; n < 12; n++) {
            hart.setRegister(n, DATA + 0x1000L * n + choice * 8L);
        }
    }

    /** Some pages of data cannot be written, some not even be read. */
    private static long rights(int page) {
        if (page >= 256 && page < 508 && page % 7 == 3) {
            return PageTables.ALL & ~PageTables.W;
        }
        return page >= 256 && page < 508 && page % 11 == 5 ? 0 : PageTables.ALL;
    }

    /** Writes other instructions into the program; a fence must follow. */
    void rewrite(long seed) {
        Random random = new Random(seed);
        long at = RAM + 64L * random.nextInt(RandomProgram.BYTES / 64);
        for (int n = 0; n < 16; n++) {
            memory.writeInt(at + 4L * n, RandomProgram.instruction(random));
        }
    }

    /** Makes one of the pointers point a few bytes before or behind the end of a page. */
    void pointAtPageEnd(Hart hart, long value) {
        long page = DATA + 0x1000L * (value >>> 8 & 15);
        hart.setRegister(8 + (int) (value & 3), page + 0x1000 - (value >>> 16 & 15));
    }

    /** Whether memory is the same in both. */
    boolean hasMemoryOf(RandomMachine other) {
        return ram.mismatch(other.ram) == -1;
    }

    /** Whether a hart is about to execute the program, and not what its traps go to. */
    static boolean isInProgram(Hart hart) {
        return Long.compareUnsigned(hart.pc() - RAM, RandomProgram.BYTES) < 0;
    }

    /** Everything that one can see of a machine. */
    Map<String, Object> state() {
        Map<String, Object> state = new LinkedHashMap<>();
        for (Hart hart : harts) {
            String name = harts.size() == 1 ? "" : "hart " + harts.indexOf(hart) + " ";
            state.put(name + "pc", Long.toHexString(hart.pc()));
            state.put(name + "privilege", hart.privilege());
            for (int n = 0; n < 32; n++) {
                state.put(name + "x" + n, Long.toHexString(hart.register(n)));
                state.put(name + "f" + n, Long.toHexString(hart.fpRegister(n)));
            }
            for (int csr = 0; csr < 0x1000; csr++) {
                long value = hart.csr(csr);
                if (value != 0) {
                    state.put(name + "csr " + Integer.toHexString(csr), Long.toHexString(value));
                }
            }
        }
        byte[] bytes = new byte[Math.toIntExact(ram.byteSize() - MemoryRegion.PADDING)];
        memory.copyOut(RAM, bytes);
        state.put("memory", Arrays.hashCode(bytes));
        return state;
    }

    /** What is at all addresses without RAM. */
    private static final class Noise implements GuestIo {
        @Override
        public long load(long address, int size) {
            long value = address * 0x9e37_79b9_7f4a_7c15L;
            return size == 8 ? value : value & (1L << 8 * size) - 1;
        }

        @Override
        public void store(long address, int size, long value) {
            // Taken, and of no effect.
        }
    }
}
